import type { Bytes } from '../base/bytes.ts';
import { checkDer, type DerElement, elementAt, malformed, TAG } from './der.ts';
import { extensionValue, type Extension, forbidCritical, parseExtensions } from './extension-list.ts';
import { generalNameKey, parseGeneralNames } from './general-names.ts';
import { EXTENSION } from './oids.ts';

/** RFC 5280 §5.3.1; 7 is unused. `removeFromCRL` occurs in delta CRLs only. */
export type RevocationReason = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 8 | 9 | 10;

const REASONS: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 6, 8, 9, 10]);
export const CERTIFICATE_HOLD = 6;
export const REMOVE_FROM_CRL = 8;

/**
 * Where the entries of a CRL stand, sorted by serial number. Plain arrays: a worker can make it for a large CRL and hand
 * it over. It belongs to exactly the bytes it was made from.
 */
export interface CrlIndex {
  /** Offset of each entry in the DER. */
  readonly entries: Uint32Array<ArrayBuffer>;
  /** For each entry the number of its issuer in `issuerKeys`; empty when all are of the CRL's issuer. */
  readonly issuers: Uint32Array<ArrayBuffer>;
  /** Comparable names of certificate issuers; the first, empty one stands for the CRL's issuer. */
  readonly issuerKeys: readonly (readonly string[])[];
  /** RFC 5280 §5.3: with a critical entry extension that is not understood the CRL must not be used. */
  readonly unusable: string | undefined;
}

export interface CrlEntry {
  readonly reason: RevocationReason;
  readonly revokedAtMs: number;
}

const MAX_SERIAL_BYTES = 127;
/** One is usual; a CRL that repeats an entry without end is not read to its end. */
const MAX_ENTRIES_OF_ONE = 16;

/** What the entries may contain depends on the kind of CRL. */
export interface EntryRules {
  readonly isDelta: boolean;
  readonly isIndirect: boolean;
}

export const EMPTY_INDEX: CrlIndex = { entries: new Uint32Array(0), issuers: new Uint32Array(0), issuerKeys: [[]], unusable: undefined };

/** Reads every entry once, strictly. Throws `certificate_malformed`. */
export function indexEntries(list: DerElement, rules: EntryRules): CrlIndex {
  const { source } = list;
  const offsets: number[] = [];
  const issuers: number[] = [];
  const issuerKeys: string[][] = [[]];
  let unusable: string | undefined;
  const cursor = list.cursor();
  while (!cursor.isAtEnd) {
    const entry = cursor.next();
    const { issuer, unknown } = checkEntry(entry, rules);
    if (issuer !== undefined) issuerKeys.push(issuer);
    unusable ??= unknown;
    offsets.push(entry.start);
    issuers.push(issuerKeys.length - 1);
  }
  // RFC 5280 §5.1.2.6: without revoked certificates the list is absent.
  if (offsets.length === 0) throw malformed('the list of revoked certificates is empty');
  const order = Uint32Array.from(offsets.keys()).toSorted((a, b) => compareSerials(source, offsets[a] as number, offsets[b] as number));
  return {
    entries: order.map((i) => offsets[i] as number),
    issuers: issuerKeys.length === 1 ? new Uint32Array(0) : order.map((i) => issuers[i] as number),
    issuerKeys,
    unusable,
  };
}

/** All entries with this serial number whose certificate issuer is `issuerKey`, or the CRL's own where it names none. */
export function findEntries(der: Bytes, index: CrlIndex, serial: Bytes, isIssuer: (keys: readonly string[]) => boolean): CrlEntry[] {
  const found: CrlEntry[] = [];
  for (let i = lowerBound(der, index.entries, serial); i < index.entries.length; i += 1) {
    const offset = index.entries[i] as number;
    if (compare(serialOf(der, offset), serial) !== 0) break;
    const keys = index.issuerKeys[index.issuers[i] ?? 0] as readonly string[];
    if (isIssuer(keys)) found.push(readEntry(der, offset));
    if (found.length === MAX_ENTRIES_OF_ONE) break;
  }
  return found;
}

interface CheckedEntry {
  readonly issuer: string[] | undefined;
  readonly unknown: string | undefined;
}

const PLAIN: CheckedEntry = { issuer: undefined, unknown: undefined };

function checkEntry(entry: DerElement, rules: EntryRules): CheckedEntry {
  const field = 'revoked certificate';
  const cursor = entry.expect(TAG.sequence, field).cursor();
  const serial = cursor.take(TAG.integer, field).integerBytes(field);
  if (serial.length > MAX_SERIAL_BYTES) throw malformed(`${field} has an endless serial number`);
  cursor.next().time('revocationDate');
  if (cursor.isAtEnd) return PLAIN;
  const list = cursor.take(TAG.sequence, field);
  cursor.end(field);
  checkDer(list);
  return checkEntryExtensions(parseExtensions(list, field), rules);
}

function checkEntryExtensions(extensions: ReadonlyMap<string, Extension>, rules: EntryRules): CheckedEntry {
  let issuer: string[] | undefined;
  let unknown: string | undefined;
  for (const extension of extensions.values()) {
    switch (extension.oid) {
      case EXTENSION.reasonCode:
        if (parseReason(extension) === REMOVE_FROM_CRL && !rules.isDelta) throw malformed('only a delta CRL removes entries');
        break;
      case EXTENSION.invalidityDate:
        forbidCritical(extension, 'invalidityDate');
        extensionValue(extension, 'invalidityDate').generalizedTime('invalidityDate');
        break;
      case EXTENSION.certificateIssuer:
        issuer = certificateIssuer(extension, rules);
        break;
      default:
        if (extension.isCritical) unknown ??= `an entry of the CRL has the unknown critical extension ${extension.oid}`;
    }
  }
  return { issuer, unknown };
}

function certificateIssuer(extension: Extension, rules: EntryRules): string[] {
  const field = 'certificateIssuer';
  if (!extension.isCritical) throw malformed(`${field} must be critical`);
  if (!rules.isIndirect) throw malformed(`${field} stands in a CRL that is not indirect`);
  return parseGeneralNames(extensionValue(extension, field).expect(TAG.sequence, field), field).map(generalNameKey);
}

export function parseReason(extension: Extension): RevocationReason {
  forbidCritical(extension, 'reasonCode');
  return reasonOf(extensionValue(extension, 'reasonCode'));
}

export function reasonOf(element: DerElement): RevocationReason {
  const reason = element.expect(TAG.enumerated, 'reasonCode').as(TAG.integer).smallInteger('reasonCode');
  if (!REASONS.has(reason)) throw malformed('reasonCode is not defined');
  return reason as RevocationReason;
}

/** An entry that was checked when the index was made. */
function readEntry(der: Bytes, offset: number): CrlEntry {
  const cursor = elementAt(der, offset).cursor();
  cursor.next();
  const revokedAtMs = cursor.next().time('revocationDate');
  const extensions = cursor.isAtEnd ? undefined : parseExtensions(cursor.next(), 'revoked certificate');
  const reason = extensions?.get(EXTENSION.reasonCode);
  return { reason: reason === undefined ? 0 : parseReason(reason), revokedAtMs };
}

function lowerBound(der: Bytes, entries: Uint32Array, serial: Bytes): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(serialOf(der, entries[middle] as number), serial) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareSerials(der: Bytes, a: number, b: number): number {
  return compare(serialOf(der, a), serialOf(der, b));
}

function compare(a: Bytes, b: Bytes): number {
  return a.length === b.length ? Buffer.compare(a, b) : a.length - b.length;
}

/** The content of the INTEGER that follows the header of the entry; both were checked, so the lengths are short. */
function serialOf(der: Bytes, offset: number): Bytes {
  const first = der[offset + 1] as number;
  const at = offset + 2 + (first < 0x80 ? 0 : first & 0x7f);
  return der.subarray(at + 2, at + 2 + (der[at + 1] as number));
}
