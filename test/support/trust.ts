// Trust and credentials for tests, on certificates of the development CA.
import { readFileSync } from 'node:fs';
import type { Bytes } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import type { AuthorisedPeer } from '../../certs/authorisation.ts';
import type { Issued } from '../../certs/ca/requests.ts';
import type { Presented, Purpose, Trust, TrustSettings } from '../../certs/contract.ts';
import type { CertsEvent } from '../../certs/events.ts';
import { parsePeerRule, type PeerRule, type PeerRules } from '../../certs/peer-rules.ts';
import { readPem } from '../../certs/pem.ts';
import { openTrust, type TrustDependencies } from '../../certs/trust.ts';
import { crypto } from './test-crypto.ts';

type Revocation = TrustSettings['revocation'];

export interface SettingsInput {
  readonly bundles: readonly (string | TrustSettings['bundles'][number])[];
  readonly pins?: readonly string[];
  readonly revocation?: Partial<Omit<Revocation, 'ocsp'>> & { readonly ocsp?: Partial<Revocation['ocsp']> };
  readonly clockSkewMs?: number;
}

/** Revocation is off unless something is said about it. */
export function trustSettings({ bundles, pins = [], revocation = { mode: 'off' }, clockSkewMs = 60_000 }: SettingsInput): TrustSettings {
  const { ocsp, ...rest } = revocation;
  return {
    bundles: bundles.map((bundle) => (typeof bundle === 'string' ? { file: bundle, sha256: [] } : bundle)),
    pins,
    revocation: { mode: 'hard', crl: [], fetchCrls: false, graceMs: 0, ...rest, ocsp: { staple: true, query: false, requireStaple: false, ...ocsp } },
    clockSkewMs,
  };
}

export interface TestTrust {
  readonly trust: Trust;
  readonly events: CertsEvent[];
}

/** Watches quickly, collects events, ends with the test. */
export async function testTrust(
  t: { teardown(end: () => void): void },
  settings: SettingsInput,
  dependencies: Partial<TrustDependencies> = {},
): Promise<TestTrust> {
  const events: CertsEvent[] = [];
  const trust = await openTrust(trustSettings(settings), {
    crypto,
    clock: systemClock,
    log: (event) => events.push(event),
    watchTiming: { quietMs: 10, pollMs: 200 },
    ...dependencies,
  });
  t.teardown(() => trust[Symbol.dispose]());
  return { trust, events };
}

/** A clock whose wall time stands where it is put; the monotonic time follows it. */
export class SteppedClock implements Clock {
  nowMs: number;

  constructor(nowMs: number = Date.now()) {
    this.nowMs = nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }
}

export function derOf(pem: string): readonly Bytes[] {
  return readPem(pem, ['CERTIFICATE', 'X509 CRL']).map(({ der }) => der);
}

export function presented(from: Issued | string, staple: Bytes = new Uint8Array(0)): Presented {
  return { chain: derOf(typeof from === 'string' ? readFileSync(from, 'utf8') : from.chainPem), staple };
}

export function rule(text: string): PeerRule {
  const parsed = parsePeerRule(text);
  if ('mistake' in parsed) throw new Error(parsed.mistake);
  return parsed;
}

export function rules(allow: readonly string[], deny: readonly string[] = []): PeerRules {
  return { allow: allow.map(rule), deny: deny.map(rule) };
}

/** The verdict of a tunnel that allows `allow`; rejects with what speaks against the peer. */
export async function judged(trust: Trust, what: Presented, allow: readonly string[] = ['dns:a.example.org'], purpose: Purpose = 'server'): Promise<AuthorisedPeer> {
  return trust.judgeFor(rules(allow)).judge(what, purpose);
}

/** Polls until it holds; fails the test by throwing after `limitMs`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 5000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
