import type { Bytes } from '../base/bytes.ts';
import type { Secret } from '../base/secret.ts';
import type { Crypto, SigningKey, SignatureScheme, VerifyingKey } from '../engines/contract.ts';
import type { Suite } from './codepoints.ts';
import type { EarlySecrets } from './key-schedule.ts';
import type { PresentedCredential } from './messages/certificate.ts';
import type { ClientAuth } from './messages/server-parameters.ts';

/** What this side presents, with the key that proves it. */
export interface OwnCredential {
  readonly presented: PresentedCredential;
  readonly key: SigningKey;
}

/** Randomness of a handshake; fixed by tests and published vectors only. */
export interface Entropy {
  random(length: number): Uint8Array;
  /** Seeds as in engines/contract.ts; absent in real life. */
  readonly shareSeed?: Bytes;
  readonly answerSeed?: Bytes;
  /** Two bytes that decide value and place of a GREASE entry. */
  grease(): readonly [number, number];
}

interface CommonSettings {
  readonly crypto: Crypto;
  readonly early: EarlySecrets;
  /** Own list, best first. */
  readonly suites: readonly Suite[];
  /** What we accept as signatures, best first. */
  readonly schemes: readonly SignatureScheme[];
  /** 16 384 … 65 536. */
  readonly recordLimit: number;
  readonly isOwnLeafAllowed: boolean;
  readonly isStapleRequired: boolean;
  /** Strict parse of a leaf, DER, for its public key. */
  readonly leafKey: (leaf: Bytes) => VerifyingKey;
  readonly entropy: Entropy;
}

export interface ClientSettings extends CommonSettings {
  /** Absent: this side is anonymous, by configuration. */
  readonly credential: OwnCredential | undefined;
  readonly ticket: ClientTicket | undefined;
}

export interface ServerSettings extends CommonSettings {
  readonly credential: OwnCredential;
  readonly clientAuth: ClientAuth;
  /** Whether the tunnel lists "anonymous" among its permitted peers. */
  readonly isAnonymousAllowed: boolean;
  readonly caHints: readonly Bytes[];
  /** 32 bytes. */
  readonly trustDigest: Bytes;
  readonly cookies: CookiePolicy;
  /** Takes a ticket out of the store: single use. Undefined if it is unknown or no longer fits. */
  readonly redeemTicket: (ticket: Bytes) => ServerTicket | undefined;
}

/** Whether a hello has to come back with a cookie, and whether one is ours (docs/PROTOCOL.md §6.3). */
export interface CookiePolicy {
  readonly isDemanded: boolean;
  make(helloCore: Bytes): Bytes;
  isValid(helloCore: Bytes, cookie: Bytes): boolean;
}

/** A ticket as the client keeps it: docs/PROTOCOL.md §10. */
export interface ClientTicket {
  readonly ticket: Bytes;
  readonly psk: Secret;
  readonly suite: Suite;
  /** What the server presented when it last signed; judged again when the ticket is used. */
  readonly peer: PresentedCredential;
}

/** A ticket as the server keeps it. */
export interface ServerTicket {
  readonly psk: Secret;
  readonly suite: Suite;
  readonly peer: PresentedCredential;
}
