// Makes certificates, CRLs and OCSP answers of any shape, right and wrong: `change…` functions get the parts before they
// are signed. Signed with Ed25519, so that hundreds cost nothing.
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { Bytes } from '../../../base/bytes.ts';
import { bitString, boolean, enumerated, explicit, generalizedTime, implicit, integer, name, nothing, octets, oid, sequence, time, tlv, utf8String } from './der.ts';

export const NOW_MS: number = Date.UTC(2026, 5, 15, 12, 0, 0);
export const DAY_MS: number = 24 * 3_600_000;
const ED25519 = sequence(oid('1.3.101.112'));
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface Key {
  readonly spki: Bytes;
  readonly bits: Bytes;
  readonly algorithm: Bytes;
  sign(message: Bytes): Bytes;
}

/** The same key for the same text. */
export function key(text: string): Key {
  const seed = createHash('sha256').update(text).digest();
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  return keyFrom(secret, ED25519, null);
}

export function keyFrom(secret: KeyObject, algorithm: Bytes, hash: string | null): Key {
  const spki = Uint8Array.from(createPublicKey(secret).export({ type: 'spki', format: 'der' }));
  const bits = hash === null ? spki.subarray(-32) : spki;
  return { spki, bits, algorithm, sign: (message) => Uint8Array.from(sign(hash ?? undefined, message, secret)) };
}

export const sha1 = (bytes: Bytes): Bytes => Uint8Array.from(createHash('sha1').update(bytes).digest());
export const digest = (algorithm: string, bytes: Bytes): Bytes => Uint8Array.from(createHash(algorithm).update(bytes).digest());

/** [object identifier, critical, value] */
export type Ext = readonly [id: string, isCritical: boolean, value: Bytes];

export const extension = ([id, isCritical, value]: Ext): Bytes => sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octets(value));
export const extensionList = (list: readonly Ext[]): Bytes => sequence(...list.map(extension));

const USAGE = { digitalSignature: 0, keyEncipherment: 2, keyCertSign: 5, cRLSign: 6 } as const;

export function keyUsage(...usages: readonly (keyof typeof USAGE)[]): Ext {
  const bits: readonly number[] = usages.map((usage) => USAGE[usage]);
  const last = bits.reduce((a, b): number => Math.max(a, b), 0);
  const byte = bits.reduce((sum, bit): number => sum | (0x80 >> bit), 0);
  return ['2.5.29.15', true, bitString(Uint8Array.of(byte), 7 - last)];
}

export const basicConstraints = (isCa: boolean, pathLength?: number): Ext => [
  '2.5.29.19',
  true,
  sequence(...(isCa ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [integer(pathLength)])),
];

const PURPOSES: Readonly<Record<string, string>> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2', ocsp: '1.3.6.1.5.5.7.3.9', any: '2.5.29.37.0' };
export const extendedKeyUsage = (...purposes: readonly string[]): Ext => ['2.5.29.37', false, sequence(...purposes.map((each) => oid(PURPOSES[each] ?? each)))];

/** `dns:a`, `uri:a`, `email:a`, `ip:0a000001` (hex), `dir:CN=a`, `rid:1.2.3`, `smtp:ä@a` (RFC 9598). */
export function generalName(text: string): Bytes {
  const at = text.indexOf(':');
  const value = text.slice(at + 1);
  switch (text.slice(0, at)) {
    case 'email':
      return implicit(1, Buffer.from(value));
    case 'dns':
      return implicit(2, Buffer.from(value));
    case 'dir':
      return explicit(4, name(value));
    case 'uri':
      return implicit(6, Buffer.from(value));
    case 'ip':
      return implicit(7, Buffer.from(value, 'hex'));
    case 'smtp':
      return explicit(0, oid('1.3.6.1.5.5.7.8.9'), explicit(0, utf8String(value)));
    case 'rid':
      return implicit(8, oid(value).subarray(2));
    default:
      throw new TypeError(text);
  }
}

export const alternativeNames = (...names: readonly string[]): Ext => ['2.5.29.17', false, sequence(...names.map(generalName))];

export function nameConstraints(permitted: readonly string[], excluded: readonly string[] = []): Ext {
  const list = (number: number, names: readonly string[]): Bytes[] =>
    names.length === 0 ? [] : [explicit(number, ...names.map((each) => sequence(generalName(each))))];
  return ['2.5.29.30', true, sequence(...list(0, permitted), ...list(1, excluded))];
}

export const policies = (...ids: readonly string[]): Ext => ['2.5.29.32', false, sequence(...ids.map((id) => sequence(oid(id))))];
export const policyMappings = (...pairs: readonly (readonly [string, string])[]): Ext => [
  '2.5.29.33',
  true,
  sequence(...pairs.map(([from, to]) => sequence(oid(from), oid(to)))),
];
export const policyConstraints = (requireExplicit: number): Ext => ['2.5.29.36', true, sequence(implicit(0, integer(requireExplicit).subarray(2)))];
export const noCheck: Ext = ['1.3.6.1.5.5.7.48.1.5', false, nothing];
export const mustStaple: Ext = ['1.3.6.1.5.5.7.1.24', false, sequence(integer(5))];
export const noRevAvail: Ext = ['2.5.29.56', false, nothing];

const distributionName = (uri: string): Bytes => explicit(0, explicit(0, generalName(`uri:${uri}`)));
export const crlPoints = (uri: string, crlIssuer?: string): Ext => [
  '2.5.29.31',
  false,
  sequence(sequence(distributionName(uri), ...(crlIssuer === undefined ? [] : [explicit(2, generalName(`dir:${crlIssuer}`))]))),
];

export interface Holder {
  readonly subject: string;
  readonly key: Key;
  readonly der: Bytes;
}

export interface CertificateShape {
  readonly subject: string;
  readonly key: Key;
  /** Undefined: signs itself. */
  readonly issuer?: Pick<Holder, 'subject' | 'key'>;
  readonly serial?: bigint;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly extensions: readonly Ext[];
  readonly withKeyIds?: boolean;
  /** The parts of tbsCertificate before they are joined and signed. */
  readonly changeParts?: (parts: Bytes[]) => readonly Bytes[];
  readonly changeSignature?: (signature: Bytes) => Bytes;
  readonly outerAlgorithm?: Bytes;
}

let serials = 1000n;

export function certificate(shape: CertificateShape): Holder {
  const issuer = shape.issuer ?? { subject: shape.subject, key: shape.key };
  serials += 1n;
  const ids: Ext[] = [
    ['2.5.29.14', false, octets(sha1(shape.key.bits))],
    ['2.5.29.35', false, sequence(implicit(0, sha1(issuer.key.bits)))],
  ];
  const list = [...shape.extensions, ...(shape.withKeyIds === false ? [] : ids)];
  const parts = [
    explicit(0, integer(2)),
    integer(shape.serial ?? serials),
    issuer.key.algorithm,
    name(issuer.subject),
    sequence(time(shape.notBeforeMs ?? NOW_MS - 30 * DAY_MS), time(shape.notAfterMs ?? NOW_MS + 30 * DAY_MS)),
    name(shape.subject),
    shape.key.spki,
    ...(list.length === 0 ? [] : [explicit(3, extensionList(list))]),
  ];
  const der = signed(sequence(...(shape.changeParts?.(parts) ?? parts)), issuer.key, shape.changeSignature, shape.outerAlgorithm);
  return { subject: shape.subject, key: shape.key, der };
}

function signed(content: Bytes, signer: Key, changeSignature: (signature: Bytes) => Bytes = (each) => each, algorithm = signer.algorithm): Bytes {
  return sequence(content, algorithm, bitString(changeSignature(signer.sign(content))));
}

type Overrides = Partial<CertificateShape> & { readonly more?: readonly Ext[] };

export function ca(subject: string, issuer?: Holder, { more = [], ...rest }: Overrides = {}): Holder {
  return certificate({
    subject,
    key: key(subject),
    ...(issuer === undefined ? {} : { issuer }),
    extensions: [basicConstraints(true), keyUsage('keyCertSign', 'cRLSign'), ...more],
    ...rest,
  });
}

export function leaf(issuer: Holder, { more = [], ...rest }: Overrides = {}): Holder {
  return certificate({
    subject: 'CN=leaf',
    key: key('leaf'),
    issuer,
    extensions: [keyUsage('digitalSignature'), extendedKeyUsage('server', 'client'), alternativeNames('dns:leaf.example'), ...more],
    ...rest,
  });
}

export interface EntryShape {
  readonly serial: bigint | Bytes;
  readonly reason?: number;
  readonly extensions?: readonly Ext[];
}

export interface CrlShape {
  readonly thisUpdateMs?: number;
  readonly nextUpdateMs?: number | null;
  readonly number?: bigint;
  readonly revoked?: readonly EntryShape[];
  readonly extensions?: readonly Ext[];
  readonly issuerName?: string;
  readonly changeParts?: (parts: Bytes[]) => readonly Bytes[];
  readonly changeSignature?: (signature: Bytes) => Bytes;
}

export const crlReason = (reason: number): Ext => ['2.5.29.21', false, enumerated(reason)];
export const deltaIndicator = (base: bigint): Ext => ['2.5.29.27', true, integer(base)];
export const certificateIssuer = (subject: string): Ext => ['2.5.29.29', true, sequence(generalName(`dir:${subject}`))];

/** Parts of issuingDistributionPoint: `uri`, and flags by their tag numbers. */
export function issuingPoint({ uri, flags = [], reasons }: { uri?: string; flags?: readonly number[]; reasons?: Bytes }): Ext {
  const parts: [number, Bytes][] = flags.map((flag) => [flag, implicit(flag, Uint8Array.of(0xff))]);
  if (uri !== undefined) parts.push([0, distributionName(uri)]);
  if (reasons !== undefined) parts.push([3, implicit(3, reasons)]);
  return ['2.5.29.28', true, sequence(...parts.toSorted(([a], [b]) => a - b).map(([, der]) => der))];
}

export function crl(issuer: Pick<Holder, 'subject' | 'key'>, shape: CrlShape = {}): Bytes {
  const entries = (shape.revoked ?? []).map(({ serial, reason, extensions = [] }) => {
    const list = [...(reason === undefined ? [] : [crlReason(reason)]), ...extensions];
    return sequence(
      typeof serial === 'bigint' ? integer(serial) : tlv(0x02, serial),
      time(NOW_MS - 2 * DAY_MS),
      ...(list.length === 0 ? [] : [extensionList(list)]),
    );
  });
  const list: Ext[] = [
    ['2.5.29.35', false, sequence(implicit(0, sha1(issuer.key.bits)))],
    ['2.5.29.20', false, integer(shape.number ?? 7n)],
    ...(shape.extensions ?? []),
  ];
  const parts = [
    integer(1),
    issuer.key.algorithm,
    name(shape.issuerName ?? issuer.subject),
    time(shape.thisUpdateMs ?? NOW_MS - DAY_MS),
    ...(shape.nextUpdateMs === null ? [] : [time(shape.nextUpdateMs ?? NOW_MS + DAY_MS)]),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    explicit(0, extensionList(list)),
  ];
  return signed(sequence(...(shape.changeParts?.(parts) ?? parts)), issuer.key, shape.changeSignature);
}

export interface SingleShape {
  readonly serial: bigint;
  readonly issuerKey: Key;
  readonly issuerName: string;
  readonly hash?: 'sha1' | 'sha256';
  readonly status?: 'good' | 'unknown' | { readonly reason?: number };
  readonly thisUpdateMs?: number;
  readonly nextUpdateMs?: number | null;
  readonly extensions?: readonly Ext[];
}

export interface OcspShape {
  readonly singles: readonly Partial<SingleShape>[];
  readonly signer: Pick<Holder, 'subject' | 'key'>;
  readonly byName?: boolean;
  readonly producedAtMs?: number;
  readonly certificates?: readonly Bytes[];
  readonly extensions?: readonly Ext[];
  readonly changeParts?: (parts: Bytes[]) => readonly Bytes[];
  readonly changeSignature?: (signature: Bytes) => Bytes;
}

/** About a certificate with this serial number, issued by `issuer`. */
export function ocsp(issuer: Holder, serial: bigint, shape: Partial<OcspShape> & Pick<OcspShape, 'singles'>): Bytes {
  const signer = shape.signer ?? issuer;
  const singles = shape.singles.map((single) => singleResponse({ serial, issuerKey: issuer.key, issuerName: issuer.subject, ...single }));
  const parts = [
    shape.byName === true ? explicit(1, name(signer.subject)) : explicit(2, octets(sha1(signer.key.bits))),
    generalizedTime(shape.producedAtMs ?? NOW_MS - 3_600_000),
    sequence(...singles),
    ...(shape.extensions === undefined ? [] : [explicit(1, extensionList(shape.extensions))]),
  ];
  const content = sequence(...(shape.changeParts?.(parts) ?? parts));
  const signature = (shape.changeSignature ?? ((each: Bytes): Bytes => each))(signer.key.sign(content));
  const certificates = shape.certificates === undefined ? [] : [explicit(0, sequence(...shape.certificates))];
  const basic = sequence(content, signer.key.algorithm, bitString(signature), ...certificates);
  return sequence(enumerated(0), explicit(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octets(basic))));
}

function singleResponse(single: SingleShape): Bytes {
  const hash = single.hash ?? 'sha1';
  const hashOid = hash === 'sha1' ? '1.3.14.3.2.26' : '2.16.840.1.101.3.4.2.1';
  const list = single.extensions ?? [];
  return sequence(
    sequence(sequence(oid(hashOid), nothing), octets(digest(hash, name(single.issuerName))), octets(digest(hash, single.issuerKey.bits)), integer(single.serial)),
    certStatus(single.status ?? 'good'),
    generalizedTime(single.thisUpdateMs ?? NOW_MS - 3_600_000),
    ...(single.nextUpdateMs === null ? [] : [explicit(0, generalizedTime(single.nextUpdateMs ?? NOW_MS + DAY_MS))]),
    ...(list.length === 0 ? [] : [explicit(1, extensionList(list))]),
  );
}

function certStatus(status: NonNullable<SingleShape['status']>): Bytes {
  if (status === 'good') return implicit(0, new Uint8Array(0));
  if (status === 'unknown') return implicit(2, new Uint8Array(0));
  return explicit(1, generalizedTime(NOW_MS - DAY_MS), ...(status.reason === undefined ? [] : [explicit(0, enumerated(status.reason))]));
}

