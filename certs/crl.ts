import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { type CrlEntry, type CrlIndex, EMPTY_INDEX, findEntries, indexEntries } from './crl-index.ts';
import { checkDer, context, contextConstructed, type DerElement, malformed, parseDer, TAG } from './der.ts';
import { ALL_REASONS, type DistributionPoint, parseDistributionPoints, parsePointName, parseReasons, type PointName, type ReasonSet } from './distribution-points.ts';
import { demandCritical, type Extension, extensionValue, forbidCritical, parseExtensions } from './extension-list.ts';
import { parseAuthorityKeyId } from './extensions.ts';
import { type Name, parseName } from './names.ts';
import { EXTENSION } from './oids.ts';
import { expectSameAlgorithm, parseSigned, type Signed } from './signed.ts';

/** RFC 5280 §5.2.5: for which certificates and reasons a CRL speaks. */
export interface IssuingDistributionPoint {
  readonly name: PointName | undefined;
  readonly only: 'user' | 'ca' | 'attribute' | undefined;
  readonly reasons: ReasonSet;
  /** It lists certificates of other issuers, too. */
  readonly isIndirect: boolean;
}

/** A parsed CRL, base or delta. Nothing was verified yet: only `validatePath` decides whether it counts. */
export interface Crl extends Signed {
  readonly der: Bytes;
  readonly issuer: Name;
  readonly thisUpdateMs: number;
  /** RFC 5280 §5.1.2.5 demands it; a CRL without it is read, but never current. */
  readonly nextUpdateMs: number | undefined;
  readonly number: bigint;
  /** Set for a delta CRL: the smallest number of a base that it completes. */
  readonly baseNumber: bigint | undefined;
  readonly issuingPoint: IssuingDistributionPoint | undefined;
  /** Key identifier of the issuer: tells CRLs of CAs with one name, or of one CA with several keys, apart. */
  readonly authorityKeyId: Bytes | undefined;
  /** DER of the issuing distribution point: a CRL of another scope is another CRL. */
  readonly scopeDer: Bytes | undefined;
  /** Where delta CRLs are to be had. */
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  readonly entryCount: number;
  readonly index: CrlIndex;
  /** A critical extension that is not understood: the CRL must not be used (RFC 5280 §5.2, §5.3). */
  readonly unusable: string | undefined;
  /** `isIssuer` decides about the comparable names of a certificate issuer; none stands for the CRL's own issuer. */
  entriesOf(serial: Bytes, isIssuer: (keys: readonly string[]) => boolean): CrlEntry[];
}

const MAX_CRL_BYTES = 256 * 1024 * 1024;
const MAX_NUMBER_BYTES = 20;

/**
 * Strict DER and the rules of RFC 5280 §5. Throws `certificate_malformed`. With the `index` that `parseCrl` made from the
 * same bytes elsewhere (in a worker), only the frame is read.
 */
export function parseCrl(der: Bytes, index?: CrlIndex): Crl {
  if (der.length > MAX_CRL_BYTES) throw new XpsError('certificate_limit', { detail: `a CRL of ${der.length} bytes` });
  const { content, algorithm, ...signed } = parseSigned(parseDer(der, 'CRL'), 'CRL');
  checkDer(algorithm);
  const cursor = content.cursor();
  // RFC 5280 §5.1.2.1: version 2 when there are extensions, and §5.2 demands two.
  if (cursor.optional(TAG.integer)?.smallInteger('version') !== 1) throw malformed('the CRL is not of version 2');
  expectSameAlgorithm(algorithm, cursor.take(TAG.sequence, 'signature'), 'CRL');
  const issuer = parseName(checked(cursor.take(TAG.sequence, 'issuer')), 'issuer');
  if (issuer.rdnKeys.length === 0) throw malformed('the CRL has no issuer');
  const thisUpdateMs = cursor.next().time('thisUpdate');
  const nextUpdateMs = cursor.peekTag === TAG.utcTime || cursor.peekTag === TAG.generalizedTime ? cursor.next().time('nextUpdate') : undefined;
  const entries = cursor.optional(TAG.sequence);
  const extensions = parseCrlExtensions(checked(cursor.take(contextConstructed(0), 'crlExtensions')));
  cursor.end('CRL');
  const rules = { isDelta: extensions.baseNumber !== undefined, isIndirect: extensions.issuingPoint?.isIndirect === true };
  const found = entries === undefined ? EMPTY_INDEX : (index ?? indexEntries(entries, rules));
  return {
    ...signed,
    der,
    issuer,
    thisUpdateMs,
    nextUpdateMs,
    ...extensions,
    unusable: extensions.unusable ?? found.unusable,
    entryCount: found.entries.length,
    index: found,
    entriesOf: (serial, isIssuer) => findEntries(der, found, serial, isIssuer),
  };
}

function checked(element: DerElement): DerElement {
  checkDer(element);
  return element;
}

type CrlExtensions = Pick<Crl, 'number' | 'baseNumber' | 'issuingPoint' | 'scopeDer' | 'authorityKeyId' | 'freshestCrl' | 'unusable'>;

function parseCrlExtensions(wrapper: DerElement): CrlExtensions {
  const extensions = parseExtensions(wrapper.inner('crlExtensions'), 'crlExtensions');
  const number = extensions.get(EXTENSION.crlNumber);
  const delta = extensions.get(EXTENSION.deltaCrlIndicator);
  const point = extensions.get(EXTENSION.issuingDistributionPoint);
  const keyId = extensions.get(EXTENSION.authorityKeyIdentifier);
  const freshest = extensions.get(EXTENSION.freshestCrl);
  // RFC 5280 §5.2.3, §5.2.6
  if (number === undefined) throw malformed('the CRL has no cRLNumber');
  forbidCritical(number, 'cRLNumber');
  if (delta !== undefined) demandCritical(delta, 'deltaCRLIndicator');
  if (delta !== undefined && freshest !== undefined) throw malformed('a delta CRL names another delta CRL');
  const unknown = [...extensions.values()].find(({ oid, isCritical }) => isCritical && !KNOWN.has(oid));
  return {
    number: parseNumber(number, 'cRLNumber'),
    baseNumber: delta === undefined ? undefined : parseNumber(delta, 'deltaCRLIndicator'),
    scopeDer: point?.value,
    issuingPoint: point === undefined ? undefined : parseIssuingPoint(point),
    authorityKeyId: keyId === undefined ? undefined : parseKeyId(keyId),
    freshestCrl: freshest === undefined ? undefined : parseFreshest(freshest),
    unusable: unknown === undefined ? undefined : `the CRL has the unknown critical extension ${unknown.oid}`,
  };
}

const KNOWN: ReadonlySet<string> = new Set([
  EXTENSION.crlNumber,
  EXTENSION.deltaCrlIndicator,
  EXTENSION.issuingDistributionPoint,
  EXTENSION.authorityKeyIdentifier,
  EXTENSION.freshestCrl,
  EXTENSION.issuerAltName,
]);

function parseNumber(extension: Extension, field: string): bigint {
  const element = extensionValue(extension, field);
  const number = element.integer(field);
  if (number < 0n || element.length > MAX_NUMBER_BYTES) throw malformed(`${field} is negative or too long`);
  return number;
}

function parseKeyId(extension: Extension): Bytes | undefined {
  forbidCritical(extension, 'authorityKeyIdentifier');
  return parseAuthorityKeyId(extensionValue(extension, 'authorityKeyIdentifier')).keyId;
}

function parseFreshest(extension: Extension): DistributionPoint[] {
  forbidCritical(extension, 'freshestCRL');
  return parseDistributionPoints(extensionValue(extension, 'freshestCRL'), 'freshestCRL');
}

function parseIssuingPoint(extension: Extension): IssuingDistributionPoint {
  const field = 'issuingDistributionPoint';
  demandCritical(extension, field);
  const element = extensionValue(extension, field).expect(TAG.sequence, field);
  if (element.length === 0) throw malformed(`${field} is empty`);
  const cursor = element.cursor();
  const name = cursor.optional(contextConstructed(0));
  const isUser = flag(cursor.optional(context(1)), field);
  const isCa = flag(cursor.optional(context(2)), field);
  const reasons = cursor.optional(context(3));
  const isIndirect = flag(cursor.optional(context(4)), field);
  const isAttribute = flag(cursor.optional(context(5)), field);
  cursor.end(field);
  if ([isUser, isCa, isAttribute].filter(Boolean).length > 1) throw malformed(`${field} has contradicting scopes`);
  return {
    name: name === undefined ? undefined : parsePointName(name.inner(field), field),
    only: isUser ? 'user' : isCa ? 'ca' : isAttribute ? 'attribute' : undefined,
    reasons: reasons === undefined ? ALL_REASONS : parseReasons(reasons, field),
    isIndirect,
  };
}

/** BOOLEAN DEFAULT FALSE: DER leaves out the default. */
function flag(element: DerElement | undefined, field: string): boolean {
  if (element === undefined) return false;
  if (!element.as(TAG.boolean).boolean(field)) throw malformed(`${field} spells out a default`);
  return true;
}
