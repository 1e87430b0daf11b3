import { XpsError } from '../base/errors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { type Crl, parseCrl } from './crl.ts';
import { isHostName, parseMailbox, parseUri } from './general-names.ts';
import { parseIpAddress } from './ip-address.ts';
import { type OcspResponse, parseOcspResponse } from './ocsp.ts';
import { fromBase64, readPem } from './pem.ts';
import { type ExpectedName, REQUEST_DEFAULTS, type ValidationRequest } from './request.ts';

/** One line of `xpscerpto verify --batch`, read. Parts that cannot be parsed are left out and remembered. */
export interface BatchRequest {
  readonly request: ValidationRequest;
  /** Why a candidate, an anchor, a CRL or an OCSP answer was left out: told when nothing better explains a refusal. */
  readonly leftOut: readonly { readonly kind: 'certificate' | 'status'; readonly why: string }[];
}

const FIELDS: ReadonlySet<string> = new Set([
  'id',
  'trust',
  'untrusted',
  'leaf',
  'crls',
  'ocsp',
  'time',
  'purpose',
  'names',
  'max_depth',
  'revocation',
  'policies',
  'require_explicit_policy',
  'inhibit_policy_mapping',
  'inhibit_any_policy',
  'anchors',
  'min_rsa_bits',
  'status_max_age_s',
]);

/** What files of test cases say about themselves. Any other unknown field may be a misspelt rule, and is refused. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['comment', 'description', 'expected', 'note', 'source', 'title']);

/** Throws an XpsError: `usage_invalid` for a line that is no request, `certificate_malformed` … for its leaf. */
export function readBatchRequest(fields: Readonly<Record<string, unknown>>, nowMs: number): BatchRequest {
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name) && !ANNOTATIONS.has(name));
  if (unknown !== undefined) throw usage(`there is no field ${JSON.stringify(unknown.slice(0, 64))}`);
  const leftOut: { kind: 'certificate' | 'status'; why: string }[] = [];
  const tolerant = <T>(kind: 'certificate' | 'status', what: string, parse: () => readonly T[]): readonly T[] => {
    try {
      return parse();
    } catch (thrown) {
      if (!(thrown instanceof XpsError)) throw thrown;
      leftOut.push({ kind, why: `${what}: ${thrown.detail}` });
      return [];
    }
  };
  const each = <T>(name: string, kind: 'certificate' | 'status', parse: (text: string) => readonly T[]): readonly T[] =>
    texts(fields, name).flatMap((text, i) => tolerant(kind, `${name}[${i}]`, () => parse(text)));

  const maxAge = optional(fields, 'status_max_age_s', isCount);
  const request: ValidationRequest = {
    ...REQUEST_DEFAULTS,
    names: texts(fields, 'names').map(readName),
    policies: texts(fields, 'policies').map(readPolicy),
    purpose: choice(fields, 'purpose', ['server', 'client', 'any']) ?? 'any',
    revocation: choice(fields, 'revocation', ['hard', 'soft', 'off']) ?? REQUEST_DEFAULTS.revocation,
    anchorMode: choice(fields, 'anchors', ['certificate', 'key']) ?? REQUEST_DEFAULTS.anchorMode,
    requireExplicitPolicy: optional(fields, 'require_explicit_policy', isFlag) ?? false,
    inhibitPolicyMapping: optional(fields, 'inhibit_policy_mapping', isFlag) ?? false,
    inhibitAnyPolicy: optional(fields, 'inhibit_any_policy', isFlag) ?? false,
    maxDepth: optional(fields, 'max_depth', isCount) ?? REQUEST_DEFAULTS.maxDepth,
    minRsaBits: optional(fields, 'min_rsa_bits', isCount) ?? REQUEST_DEFAULTS.minRsaBits,
    statusMaxAgeMs: maxAge === undefined ? undefined : maxAge * 1000,
    timeMs: readTime(fields['time'], nowMs),
    anchors: each('trust', 'certificate', readCertificates),
    intermediates: each('untrusted', 'certificate', readCertificates),
    crls: each('crls', 'status', readCrls),
    ocsp: each('ocsp', 'status', readOcsp),
    leaf: readLeaf(fields['leaf']),
  };
  return { request, leftOut };
}

function usage(detail: string): XpsError {
  return new XpsError('usage_invalid', { detail });
}

function readCertificates(text: string): readonly Certificate[] {
  const blocks = readPem(text, ['CERTIFICATE']);
  if (blocks.length === 0) throw new XpsError('certificate_malformed', { detail: 'no PEM certificate' });
  return blocks.map(({ der }) => parseCertificate(der));
}

function readLeaf(value: unknown): Certificate {
  if (typeof value !== 'string') throw usage('leaf is missing or no text');
  const [leaf, ...more] = readCertificates(value);
  if (leaf === undefined || more.length > 0) throw usage('leaf holds more than one certificate');
  return leaf;
}

function readCrls(text: string): readonly Crl[] {
  const blocks = readPem(text, ['X509 CRL']);
  if (blocks.length === 0) throw new XpsError('certificate_malformed', { detail: 'no PEM CRL' });
  return blocks.map(({ der }) => parseCrl(der));
}

function readOcsp(text: string): readonly OcspResponse[] {
  const der = fromBase64(text.replaceAll(/\s/g, ''));
  if (der === undefined) throw new XpsError('certificate_malformed', { detail: 'not base64' });
  return [parseOcspResponse(der)];
}

function readName(text: string): ExpectedName {
  const at = text.indexOf(':');
  const [kind, value] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  switch (kind) {
    case 'dns': {
      const host = value.endsWith('.') ? value.slice(0, -1) : value;
      if (isHostName(host)) return { kind, value: host.toLowerCase() };
      break;
    }
    case 'ip': {
      const address = parseIpAddress(value);
      if (address !== undefined) return { kind, value: address };
      break;
    }
    case 'uri':
      if (parseUri(value) !== undefined) return { kind, value };
      break;
    case 'email':
      if (parseMailbox(value) !== undefined) return { kind, value };
      break;
  }
  throw usage('a name is none of dns:HOST, ip:ADDRESS, uri:URI, email:MAILBOX');
}

function readPolicy(text: string): string {
  if (!/^[0-2](\.(0|[1-9][0-9]{0,39})){1,32}$/.test(text)) throw usage('a policy is not an object identifier');
  return text;
}

/** RFC 3339 with a time zone; null or absent: now. */
function readTime(value: unknown, nowMs: number): number {
  if (value === undefined || value === null) return nowMs;
  const isDateTime = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/.test(value);
  const ms = isDateTime ? Date.parse(value.toUpperCase().replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(ms)) throw usage('time is not an RFC 3339 date and time with a time zone');
  return ms;
}

function texts(fields: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw usage(`${name} is not a list of texts`);
  return value;
}

function choice<const T extends string>(fields: Readonly<Record<string, unknown>>, name: string, choices: readonly T[]): T | undefined {
  return optional(fields, name, (value): value is T => (choices as readonly unknown[]).includes(value));
}

function optional<T>(fields: Readonly<Record<string, unknown>>, name: string, isFitting: (value: unknown) => value is T): T | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (!isFitting(value)) throw usage(`${name} has a value that is not known`);
  return value;
}

const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
