import type * as x509 from '@peculiar/x509';
import type { Bytes } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import type { KeyType } from '../../engines/key-generation.ts';
import type { Authority } from './authority.ts';
import type { IssuedPurpose } from './issued-index.ts';
import type { NameConstraints } from './name-constraints.ts';
import type { StatusUrls } from './profiles.ts';
import type { SubjectNames } from './subject-names.ts';

/** What an Authority is asked for, and what it hands back. */

export interface CreateOptions {
  /** Common name of the CA. */
  readonly name: string;
  readonly keyType?: KeyType;
  /** Default: ten years for a root, two for an intermediate. */
  readonly days?: number;
  /** From when it is valid; default: now. */
  readonly notBeforeMs?: number;
  /** How long a CRL is good for; default 7. */
  readonly crlDays?: number;
  /** How many CAs may follow below; default: no limit for a root, 0 for an intermediate. */
  readonly pathLength?: number;
  readonly constraints?: NameConstraints;
  /** Written into what it issues. */
  readonly urls?: StatusUrls;
  /** The CA that certifies this one; without: a self-signed root. */
  readonly parent?: Authority;
  /** Replaces a CA that is there already, its key included. */
  readonly force?: boolean;
  readonly clock?: Clock;
}

export interface IssueRequest extends Partial<SubjectNames> {
  /** Common name, and the name of the files. */
  readonly name: string;
  /** Default 90, or less when the CA ends before; more than the CA has left is an error. */
  readonly days?: number;
  /** From when it is valid; default: now. */
  readonly notBeforeMs?: number;
  readonly keyType?: KeyType;
  /** Default `peer`: both ends of a channel. */
  readonly purpose?: Exclude<IssuedPurpose, 'ca'>;
  /** RFC 7633: peers must refuse the certificate without a stapled OCSP answer. */
  readonly mustStaple?: boolean;
  /** Certifies this public key (DER SubjectPublicKeyInfo), whose private half is elsewhere; no key is made. */
  readonly spki?: Bytes;
  /** Replaces files of the same name. */
  readonly force?: boolean;
}

export interface RenewOptions {
  readonly days?: number;
  /** The same key again; default: a new one. */
  readonly keepKey?: boolean;
}

export interface Issued {
  /** Hexadecimal. */
  readonly serial: string;
  readonly name: string;
  readonly names: SubjectNames;
  readonly notAfterMs: number;
  readonly certificate: x509.X509Certificate;
  /** Leaf first, then the intermediates up to, but without, the root. */
  readonly chainPem: string;
  readonly certFile: string;
  /** Undefined when the key never was here. */
  readonly keyFile: string | undefined;
}

export interface IssuedCrl {
  readonly pem: string;
  readonly file: string;
  readonly number: number;
  readonly revoked: number;
  readonly nextUpdateMs: number;
}
