import type { Bytes } from '../base/bytes.ts';
import { toHex } from '../base/bytes.ts';
import { type Clock } from '../base/clock.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';
import { authorise, type AuthorisedPeer } from './authorisation.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { PeerJudge, Presented, Purpose, TrustSettings } from './contract.ts';
import type { Crl } from './crl.ts';
import { type OcspResponse, parseOcspResponse } from './ocsp.ts';
import type { PeerRules } from './peer-rules.ts';
import type { PinSet } from './pins.ts';
import { proveChain, type ProvenChain } from './proven-chain.ts';
import type { Anchor } from './trust-bundles.ts';
import { REQUEST_DEFAULTS, type ValidationRequest } from './validation.ts';
import { VerdictCache } from './verdict-cache.ts';

/** docs/PROTOCOL.md §13; the handshake checks them too, before this is asked. */
const MAX_CHAIN = 6;

/** What is trusted at this moment. Replaced as a whole; the generation tells which one a verdict was made with. */
export interface TrustState {
  readonly generation: number;
  readonly anchors: readonly Anchor[];
  readonly pins: PinSet;
  readonly crls: readonly Crl[];
}

/** Proves chains and remembers the outcome. One per process, shared by the judges of all tunnels. */
export class ChainProver {
  readonly #crypto: Crypto;
  readonly #clock: Clock;
  readonly #settings: TrustSettings;
  readonly #state: () => TrustState;
  readonly #cache = new VerdictCache<ProvenChain, XpsError>();
  readonly #verdicts = new Map<string, number>();
  #softPasses = 0;

  constructor(crypto: Crypto, clock: Clock, settings: TrustSettings, state: () => TrustState) {
    this.#crypto = crypto;
    this.#clock = clock;
    this.#settings = settings;
    this.#state = state;
  }

  get softPasses(): number {
    return this.#softPasses;
  }

  get verdicts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#verdicts);
  }

  count(verdict: string): void {
    this.#verdicts.set(verdict, (this.#verdicts.get(verdict) ?? 0) + 1);
  }

  prove(presented: Presented, purpose: Purpose): ProvenChain {
    const nowMs = this.#clock.wallMs();
    const state = this.#state();
    const key = this.#key(presented, purpose);
    const known = this.#cache.accepted(key, state.generation, nowMs);
    if (known !== undefined) return known;
    const refused = this.#cache.refused(key, state.generation, nowMs);
    if (refused !== undefined) throw refused;
    try {
      const chain = proveChain(this.#request(presented, purpose, state, nowMs), state.pins, this.#crypto);
      if (chain.isStatusUnknown) this.#softPasses += 1;
      this.#cache.accept(key, chain, state, nowMs, chain.validUntilMs);
      return chain;
    } catch (thrown) {
      const error = toXpsError(thrown);
      this.#cache.refuse(key, error, state, nowMs);
      throw error;
    }
  }

  #request(presented: Presented, purpose: Purpose, state: TrustState, nowMs: number): ValidationRequest {
    const { revocation, clockSkewMs } = this.#settings;
    if (presented.chain.length > MAX_CHAIN) throw new XpsError('certificate_limit', { detail: `${presented.chain.length} certificates` });
    const [leaf, ...intermediates] = presented.chain.map(parseCertificate);
    if (leaf === undefined) throw new XpsError('certificate_untrusted', { detail: 'no certificate was presented' });
    return {
      ...REQUEST_DEFAULTS,
      leaf,
      intermediates,
      anchors: anchorsFor(leaf, state.anchors),
      crls: state.crls,
      ocsp: revocation.ocsp.staple ? stapled(presented.staple) : [],
      timeMs: nowMs,
      purpose,
      revocation: revocation.mode,
      clockSkewMs,
    };
  }

  /** A digest over everything that was presented, with lengths, so that no two presentations share one. */
  #key({ chain, staple }: Presented, purpose: Purpose): string {
    const hash = this.#crypto.hash.running('sha256');
    const lengths = new Uint32Array([chain.length, ...chain.map(({ length }) => length), staple.length]);
    hash.update(new Uint8Array(lengths.buffer));
    for (const certificate of chain) hash.update(certificate);
    hash.update(staple);
    return `${purpose}${toHex(hash.digest())}`;
  }
}

/** The judge of one tunnel. */
export class RuleJudge implements PeerJudge {
  readonly #prover: ChainProver;
  readonly #rules: PeerRules;
  readonly #authorised = new WeakMap<ProvenChain, AuthorisedPeer>();

  constructor(prover: ChainProver, rules: PeerRules) {
    this.#prover = prover;
    this.#rules = rules;
  }

  judge(presented: Presented, purpose: Purpose): AuthorisedPeer | Promise<AuthorisedPeer> {
    try {
      const peer = this.#authorise(this.#prover.prove(presented, purpose));
      this.#prover.count('accepted');
      return peer;
    } catch (thrown) {
      const error = toXpsError(thrown);
      this.#prover.count(error.reason);
      throw error;
    }
  }

  #authorise(chain: ProvenChain): AuthorisedPeer {
    const known = this.#authorised.get(chain);
    if (known !== undefined) return known;
    const peer = authorise(chain, this.#rules);
    this.#authorised.set(chain, peer);
    return peer;
  }
}

/** Anchors of a trust domain vouch for nobody outside of it, so that a federated CA cannot name our own workloads. */
function anchorsFor(leaf: Certificate, anchors: readonly Anchor[]): readonly Certificate[] {
  const id = leaf.extensions.subjectAltNames?.find((name) => name.kind === 'uri' && name.value.startsWith('spiffe://'));
  const domain = id?.kind === 'uri' ? id.value.slice('spiffe://'.length).split('/')[0] : undefined;
  return anchors.filter(({ trustDomain }) => trustDomain === undefined || trustDomain === domain).map(({ certificate }) => certificate);
}

function stapled(staple: Bytes): readonly OcspResponse[] {
  return staple.length === 0 ? [] : [parseOcspResponse(staple)];
}
