// Known answers of BoringSSL for AEADs, for whatever provides them.
import { AEAD_PARAMETERS, type AeadAlgorithm, type AeadProvider } from '../../engines/contract.ts';
import { readRecords } from './vectors.ts';

export type KnownAnswer = ReadonlyMap<string, Uint8Array>;

export function field(record: KnownAnswer, name: string): Uint8Array {
  const value = record.get(name);
  if (value === undefined) throw new Error(`a record has no ${name}`);
  return value;
}

export interface AeadFile {
  readonly algorithm: AeadAlgorithm;
  readonly file: string;
  readonly records: number;
  /** Records with a nonce that the algorithm could take but this product does not. */
  readonly otherNonces: number;
}

export const AEAD_FILES: readonly AeadFile[] = [
  { algorithm: 'AES_GCM', file: 'kat/aes_256_gcm_tests.txt', records: 66, otherNonces: 2 },
  { algorithm: 'CHACHA20_POLY1305', file: 'kat/chacha20_poly1305_tests.txt', records: 81, otherNonces: 0 },
  { algorithm: 'XCHACHA20_POLY1305', file: 'kat/xchacha20_poly1305_tests.txt', records: 52, otherNonces: 0 },
];

/** The records whose nonce the product takes; throws when the file is not what it was. */
export function usableRecords({ algorithm, file, records: count, otherNonces }: AeadFile): readonly KnownAnswer[] {
  const { nonceLength } = AEAD_PARAMETERS[algorithm];
  const records = readRecords(file);
  const usable = records.filter((record) => field(record, 'NONCE').length === nonceLength);
  if (records.length !== count || usable.length !== count - otherNonces) {
    throw new Error(`${file} has ${records.length} records, ${usable.length} of them usable`);
  }
  return usable;
}

/** Some records have their tag cut short: what is sealed agrees as far as it goes, and the cut tag does not open. */
export function isAnswered(provider: AeadProvider, algorithm: AeadAlgorithm, record: KnownAnswer): boolean {
  using cipher = provider.create(algorithm, field(record, 'KEY'));
  const [nonce, aad, message, tag] = [field(record, 'NONCE'), field(record, 'AD'), field(record, 'IN'), field(record, 'TAG')];
  const expected = Buffer.concat([field(record, 'CT'), tag]);
  const sealed = new Uint8Array(message.length + 16);
  cipher.seal(nonce, aad, message, sealed);
  if (!expected.equals(sealed.subarray(0, expected.length))) return false;
  if (tag.length < 16 && cipher.open(nonce, aad, expected, new Uint8Array(Math.max(0, expected.length - 16)))) return false;
  const opened = new Uint8Array(message.length);
  return cipher.open(nonce, aad, sealed, opened) && Buffer.from(message).equals(opened);
}
