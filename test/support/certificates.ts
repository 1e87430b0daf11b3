// Small certificates for tests of the channel: real X.509, made without a CA tool, the same every time for the same seed.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { concat, utf8, type Bytes } from '../../base/bytes.ts';

export type KeyKind = 'ed25519' | 'p256' | 'p384' | 'rsa';

export interface TestIdentity {
  readonly name: string;
  readonly keyPem: string;
  /** Leaf first, the CA last. */
  readonly chain: readonly Bytes[];
}

const ED25519_OID = '300506032b6570';
const PKCS8_ED25519 = '302e020100300506032b657004220420';
const NOT_BEFORE = '20260101000000Z';
const NOT_AFTER = '20360101000000Z';

/** An identity `name`, signed by the test CA. Ed25519 keys follow from the name; the others are fresh. */
export function makeIdentity(name: string, kind: KeyKind = 'ed25519'): TestIdentity {
  const key = kind === 'ed25519' ? ed25519Key(`leaf ${name}`) : freshKey(kind);
  return {
    name,
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    chain: [certificate(name, spkiOf(key), 2), CA_CERTIFICATE],
  };
}

/** Strict enough for a test: what OpenSSL reads as a certificate, for its key. */
export function spkiOfCertificate(der: Bytes): Bytes {
  return new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
}

function ed25519Key(seedText: string): KeyObject {
  const seed = createHash('sha256').update(seedText).digest();
  return createPrivateKey({ key: Buffer.concat([Buffer.from(PKCS8_ED25519, 'hex'), seed]), format: 'der', type: 'pkcs8' });
}

function freshKey(kind: Exclude<KeyKind, 'ed25519'>): KeyObject {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind === 'p256' ? 'P-256' : 'P-384' }).privateKey;
}

function spkiOf(key: KeyObject): Bytes {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

const CA_KEY = ed25519Key('test ca');
const CA_CERTIFICATE = certificate('test ca', spkiOf(CA_KEY), 1);

function certificate(subject: string, spki: Bytes, serial: number): Bytes {
  const algorithm = Buffer.from(ED25519_OID, 'hex');
  const toBeSigned = tlv(
    0x30,
    tlv(0xa0, tlv(0x02, Uint8Array.of(2))),
    tlv(0x02, Uint8Array.of(serial)),
    algorithm,
    distinguishedName('test ca'),
    tlv(0x30, tlv(0x18, utf8(NOT_BEFORE)), tlv(0x18, utf8(NOT_AFTER))),
    distinguishedName(subject),
    spki,
    tlv(0xa3, tlv(0x30, subjectAlternativeName(subject))),
  );
  return tlv(0x30, toBeSigned, algorithm, tlv(0x03, Uint8Array.of(0), sign(null, toBeSigned, CA_KEY)));
}

function distinguishedName(commonName: string): Bytes {
  return tlv(0x30, tlv(0x31, tlv(0x30, tlv(0x06, Uint8Array.of(0x55, 4, 3)), tlv(0x0c, utf8(commonName)))));
}

function subjectAlternativeName(name: string): Bytes {
  const dns = tlv(0x82, utf8(`${name.replaceAll(' ', '-')}.test`));
  return tlv(0x30, tlv(0x06, Uint8Array.of(0x55, 0x1d, 17)), tlv(0x04, tlv(0x30, dns)));
}

function tlv(tag: number, ...parts: readonly Bytes[]): Bytes {
  const content = concat(parts);
  const { length } = content;
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat([Uint8Array.of(tag, ...octets), content]);
}
