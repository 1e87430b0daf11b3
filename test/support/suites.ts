// Public certificate suites through `verifyBatch`, compared with what they expect and with docs/CERTIFICATE-SUITES.md.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { verifyBatch } from '../../certs/batch.ts';
import { writePem } from '../../certs/pem.ts';
import { crypto } from './test-crypto.ts';
import { VECTORS } from './vectors.ts';

const DOCUMENT = resolve(import.meta.dirname, '../../docs/CERTIFICATE-SUITES.md');

export interface SuiteCase {
  readonly id: string;
  readonly expected: boolean;
  readonly line: string;
}

export interface SuiteResult {
  readonly agreed: number;
  /** `id accepted` or `id refused`, where the suite expects the other. */
  readonly differing: readonly string[];
  readonly slowestMs: number;
  readonly slowest: string;
}

/** The cases of a section of the document, as `id accepted` or `id refused`. */
export function declined(section: string): readonly string[] {
  const [, text = ''] = readFileSync(DOCUMENT, 'utf8').split(`## ${section}: declined`);
  const rows = text.split('\n## ')[0]?.matchAll(/^\| `([^`]+)` \|.*\| (accepted|refused) \|$/gm) ?? [];
  return Array.from(rows, ([, id, answer]) => `${id} ${answer}`);
}

export function runSuite(cases: Iterable<SuiteCase>): SuiteResult {
  const differing: string[] = [];
  let [agreed, slowestMs, slowest] = [0, 0, ''];
  for (const { id, expected, line } of cases) {
    const start = performance.now();
    const { valid } = JSON.parse(verifyBatch(line, crypto, Date.UTC(2026, 10, 24))) as { valid: boolean };
    const tookMs = performance.now() - start;
    if (tookMs > slowestMs) [slowestMs, slowest] = [tookMs, id];
    if (valid === expected) agreed += 1;
    else differing.push(`${id} ${valid ? 'accepted' : 'refused'}`);
  }
  return { agreed, differing, slowestMs, slowest };
}

interface LimboCase {
  readonly id: string;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly crls: readonly string[];
  readonly validation_time: string | null;
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly max_chain_depth: number | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: LimboName | null;
  readonly expected_peer_names: readonly LimboName[];
}

interface LimboName {
  readonly kind: 'DNS' | 'IP' | 'RFC822';
  readonly value: string;
}

const NAME_KINDS = { DNS: 'dns', IP: 'ip', RFC822: 'email' } as const;

export function limboCases(json: string): SuiteCase[] {
  return (JSON.parse(json) as { testcases: LimboCase[] }).testcases.map((each) => ({
    id: each.id,
    expected: each.expected_result === 'SUCCESS',
    line: JSON.stringify({
      id: each.id,
      trust: each.trusted_certs,
      untrusted: each.untrusted_intermediates,
      leaf: each.peer_certificate,
      crls: each.crls,
      time: each.validation_time,
      purpose: each.validation_kind.toLowerCase(),
      names: [each.expected_peer_name ?? [], each.expected_peer_names].flat().map(({ kind, value }) => `${NAME_KINDS[kind]}:${value}`),
      max_depth: each.max_chain_depth,
      revocation: each.crls.length > 0 ? 'hard' : 'off',
    }),
  }));
}

interface PkitsCase {
  readonly number: string;
  readonly certs: readonly string[];
  readonly crls: readonly string[];
  readonly should_validate: boolean;
  readonly SetInitialPolicySet?: readonly string[];
  readonly SetInitialExplicitPolicy?: string;
  readonly SetInitialPolicyMappingInhibit?: string;
  readonly SetInitialInhibitAnyPolicy?: string;
}

export function pkitsCases(): SuiteCase[] {
  const folder = join(VECTORS, 'pkits');
  const pem = (label: string, path: string): string => writePem(label, readFileSync(join(folder, path)));
  return (JSON.parse(readFileSync(join(folder, 'pkits.json'), 'utf8')) as PkitsCase[]).map((each) => {
    const certificates = each.certs.map((file) => pem('CERTIFICATE', `certs/${file}.crt`));
    return {
      id: each.number,
      expected: each.should_validate,
      line: JSON.stringify({
        trust: certificates.slice(0, 1),
        untrusted: certificates.slice(1, -1),
        leaf: certificates.at(-1),
        crls: each.crls.map((file) => pem('X509 CRL', `crls/${file}.crl`)),
        time: '2026-06-01T00:00:00Z',
        purpose: 'any',
        revocation: 'hard',
        policies: (each.SetInitialPolicySet ?? []).flatMap((list) => list.split(',')).map(policyOid),
        require_explicit_policy: each.SetInitialExplicitPolicy === 'true',
        inhibit_policy_mapping: each.SetInitialPolicyMappingInhibit === 'true',
        inhibit_any_policy: each.SetInitialInhibitAnyPolicy === 'true',
      }),
    };
  });
}

/** NIST-test-policy-1 … 10 are consecutive identifiers of the Computer Security Objects Register. */
function policyOid(name: string): string {
  return name === 'anyPolicy' ? '2.5.29.32.0' : `2.16.840.1.101.3.2.1.48.${name.split('-').at(-1)}`;
}
