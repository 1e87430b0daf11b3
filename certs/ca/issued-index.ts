import { XpsError } from '../../base/errors.ts';
import type { KeyType } from '../../engines/key-generation.ts';
import type { CaFolder } from './ca-folder.ts';
import type { SubjectNames } from './subject-names.ts';

/** What a certificate is for; `peer` is both ends of a channel. */
export const PURPOSES = ['peer', 'client', 'server', 'ocsp', 'ca'] as const;
export type IssuedPurpose = (typeof PURPOSES)[number];

/** RFC 5280 §5.3.1, without the two that only make sense when a revocation can be taken back. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;
export type RevocationReason = keyof typeof REVOCATION_REASONS;

export interface Revocation {
  /** RFC 3339, whole seconds. */
  readonly at: string;
  readonly reason: RevocationReason;
  /** Number of the newest complete CRL that does not list it: a delta on that base has to. */
  readonly afterCrl: number;
}

/** One line of `index.jsonl`: a certificate that was issued, and what became of it. */
export interface IssuedRecord {
  /** Hexadecimal, lower case, no leading zeros beyond whole octets. */
  readonly serial: string;
  readonly name: string;
  readonly purpose: IssuedPurpose;
  readonly keyType: KeyType | 'request';
  readonly names: SubjectNames;
  /** RFC 3339, whole seconds. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** PEM of the certificate alone, inside of the CA's folder. */
  readonly file: string;
  readonly isMustStaple: boolean;
  readonly revoked?: Revocation;
}

const INDEX_FILE = 'index.jsonl';

export async function readIndex(folder: CaFolder): Promise<readonly IssuedRecord[]> {
  const text = (await folder.read(INDEX_FILE)) ?? '';
  return text
    .split('\n')
    .map((line, at) => (line === '' ? undefined : recordOf(line, at + 1, folder.file(INDEX_FILE))))
    .filter((record) => record !== undefined);
}

export async function writeIndex(folder: CaFolder, records: readonly IssuedRecord[]): Promise<void> {
  await folder.write(INDEX_FILE, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

/** The newest certificate of that name, or the one with that serial number. Throws `ca_certificate_unknown`. */
export function findRecord(records: readonly IssuedRecord[], serialOrName: string): IssuedRecord {
  const serial = serialOrName.toLowerCase().replaceAll(':', '');
  const found = records.findLast((record) => record.name === serialOrName) ?? records.find((record) => record.serial === serial);
  if (found === undefined) throw new XpsError('ca_certificate_unknown', { detail: JSON.stringify(serialOrName) });
  return found;
}

function recordOf(line: string, number: number, file: string): IssuedRecord {
  try {
    const record = JSON.parse(line) as IssuedRecord;
    if (/^[0-9a-f]{2,40}$/.test(record.serial) && typeof record.name === 'string' && typeof record.file === 'string') return record;
  } catch {
    // Reported below, like a line that is JSON but no record.
  }
  throw new XpsError('ca_folder_unusable', { detail: `${file}:${number} is no record of a certificate` });
}
