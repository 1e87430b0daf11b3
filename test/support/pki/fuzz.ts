// The fuzzer of parsers and validator: a corpus, a seed, a budget of time.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bytes, equalBytes } from '../../../base/bytes.ts';
import { type Certificate, parseCertificate } from '../../../certs/certificate.ts';
import { type Crl, parseCrl } from '../../../certs/crl.ts';
import { type OcspResponse, parseOcspResponse } from '../../../certs/ocsp.ts';
import { REQUEST_DEFAULTS, validatePath } from '../../../certs/validation.ts';
import { crypto } from '../test-crypto.ts';
import { VECTORS } from '../vectors.ts';
import { alternativeNames, ca, certificateIssuer, crl, crlPoints, deltaIndicator, extendedKeyUsage, issuingPoint, key, keyUsage, leaf, mustStaple, nameConstraints, noCheck, NOW_MS, ocsp, policies, policyConstraints, policyMappings } from './forge.ts';
import { isRefusal, mutated, randomness } from './mutation.ts';

export interface FuzzResult {
  readonly seed: number;
  readonly inputs: number;
  /** Changed inputs that were read all the same, and went on to the validator. */
  readonly read: number;
  readonly accepted: number;
  readonly slowestMs: number;
  /** Anything that was thrown but the typed refusals, with the input as base64. */
  readonly faults: readonly string[];
}

const root = ca('CN=root', undefined, { more: [nameConstraints(['dns:example', 'uri:example', 'email:example', 'ip:0a000000ff000000'], ['dir:O=x'])] });
const middle = ca('CN=middle', root, { more: [policies('1.2.3', '2.5.29.32.0'), policyMappings(['1.2.3', '1.2.4']), policyConstraints(3), crlPoints('http://x/a', 'CN=root')] });
const subject = leaf(middle, { serial: 77n, more: [policies('1.2.4'), mustStaple, crlPoints('http://x/b')] });
const responder = leaf(middle, { subject: 'CN=responder', key: key('responder'), extensions: [keyUsage('digitalSignature'), extendedKeyUsage('ocsp'), noCheck, alternativeNames('dns:r.example')] });

/** Runs until the time is over. A quarter of the inputs mixes kinds: certificates in CRLs, answers in certificates. */
export function fuzz(durationMs: number, seed: number, limit: number = Number.POSITIVE_INFINITY): FuzzResult {
  const below = randomness(seed);
  const certificates = [root.der, middle.der, subject.der, responder.der, ...published('certs', 60)];
  const crls = [
    crl(root, { extensions: [issuingPoint({ flags: [4] })], revoked: [{ serial: 5n, extensions: [certificateIssuer('CN=middle')] }, { serial: 6n, reason: 1 }] }),
    crl(middle, { revoked: [{ serial: 1n }, { serial: 77n, reason: 6 }] }),
    crl(middle, { number: 9n, extensions: [deltaIndicator(7n)], revoked: [{ serial: 77n, reason: 8 }] }),
    ...published('crls', 40),
  ];
  const answers = [ocsp(middle, 77n, { singles: [{}, { serial: 3n, status: { reason: 1 } }] }), ocsp(middle, 77n, { singles: [{ hash: 'sha256' }], signer: responder, certificates: [responder.der], byName: true })];
  const everything = [...certificates, ...crls, ...answers];
  const result = { inputs: 0, read: 0, accepted: 0, slowestMs: 0, faults: [] as string[] };
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs && result.inputs < limit) {
    const kind = below(3);
    const corpus = below(4) === 0 ? everything : ([certificates, crls, answers][kind] as readonly Bytes[]);
    const input = mutated(corpus, below);
    result.inputs += 1;
    const start = performance.now();
    try {
      const parsed = [parseCertificate, parseCrl, parseOcspResponse][kind]?.(input) as Certificate | Crl | OcspResponse;
      result.read += 1;
      const isAccepted = validate(kind, parsed, crls, answers);
      if (isAccepted) result.accepted += 1;
      const isForged = kind === 0 && !certificates.some((original) => equalBytes(original, input));
      if (isAccepted && isForged) result.faults.push(`accepted a changed certificate: ${Buffer.from(input).toString('base64')}`);
    } catch (thrown) {
      if (!isRefusal(thrown)) result.faults.push(`${String(thrown)} ${Buffer.from(input).toString('base64')}`);
    }
    result.slowestMs = Math.max(result.slowestMs, performance.now() - start);
  }
  return { seed, ...result };
}

/** The changed object in its place in an honest chain. */
function validate(kind: number, parsed: Certificate | Crl | OcspResponse, crls: readonly Bytes[], answers: readonly Bytes[]): boolean {
  const [anchor, between, end] = [root, middle, subject].map(({ der }) => parseCertificate(der)) as [Certificate, Certificate, Certificate];
  const certificate = kind === 0 ? (parsed as Certificate) : undefined;
  const verdict = validatePath(
    {
      ...REQUEST_DEFAULTS,
      leaf: certificate ?? end,
      intermediates: certificate === undefined ? [between] : [between, certificate],
      anchors: [anchor],
      crls: [...crls.slice(0, 3).map((der) => parseCrl(der)), ...(kind === 1 ? [parsed as Crl] : [])],
      ocsp: [...answers.map(parseOcspResponse), ...(kind === 2 ? [parsed as OcspResponse] : [])],
      timeMs: NOW_MS,
      purpose: 'server',
    },
    crypto,
  );
  return verdict.valid;
}

/** Real files beside our own, where they are installed. */
function published(folder: 'certs' | 'crls', count: number): Bytes[] {
  const path = join(VECTORS, 'pkits', folder);
  if (!existsSync(path)) return [];
  const files = readdirSync(path).toSorted();
  return files.filter((_, i) => i % Math.ceil(files.length / count) === 0).map((file) => Uint8Array.from(readFileSync(join(path, file))));
}
