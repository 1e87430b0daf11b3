import { type Bytes, concat, toHex } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';
import { authorise, type AuthorisedPeer } from './authorisation.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { PeerJudge, Presented, Purpose, TrustSettings } from './contract.ts';
import type { Crl } from './crl.ts';
import type { OcspEvaluator } from './ocsp-client.ts';
import { type OcspResponse, parseOcspResponse } from './ocsp.ts';
import type { PeerRules } from './peer-rules.ts';
import type { PinSet } from './pins.ts';
import { proveChain, ProvenChain, refusal } from './proven-chain.ts';
import { parseSpiffeId } from './spiffe-id.ts';
import type { StatusNetwork } from './status-network.ts';
import type { Anchor } from './trust-bundles.ts';
import { type Refused, REQUEST_DEFAULTS, type ValidationRequest } from './validation.ts';
import { VerdictCache } from './verdict-cache.ts';

/** docs/PROTOCOL.md §13; the handshake checks them too, before this is asked. */
const MAX_CHAIN = 6;

const MAX_INTERMEDIATES = 256;
/** A peer whose status nobody knew (`mode: soft`) is looked at again soon. */
const UNKNOWN_FOR_MS = 60_000;

/** What is trusted at this moment. Replaced as a whole; the generation tells which one a verdict was made with. */
export interface TrustState {
  readonly generation: number;
  readonly settings: TrustSettings;
  readonly anchors: readonly Anchor[];
  readonly pins: PinSet;
  readonly crls: readonly Crl[];
  /** Undefined when nothing is asked over the network. */
  readonly network: StatusNetwork | undefined;
}

/** Proves chains and remembers the outcome. One per process, shared by the judges of all tunnels. */
export class ChainProver {
  readonly #crypto: Crypto;
  readonly #evaluate: OcspEvaluator;
  readonly #clock: Clock;
  readonly #state: () => TrustState;
  readonly #cache = new VerdictCache<ProvenChain, XpsError>();
  readonly #intermediates = new Map<string, Certificate>();
  readonly #learning = new Map<string, Promise<ProvenChain>>();
  readonly #verdicts = new Map<string, number>();
  #softPasses = 0;

  constructor(crypto: Crypto, clock: Clock, evaluate: OcspEvaluator, state: () => TrustState) {
    this.#crypto = crypto;
    this.#evaluate = evaluate;
    this.#clock = clock;
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

  /** Throws or rejects with the reason of the first check that fails. A promise only when the network has to be asked. */
  prove(presented: Presented, purpose: Purpose): ProvenChain | Promise<ProvenChain> {
    const nowMs = this.#clock.wallMs();
    const state = this.#state();
    const key = this.#key(presented, purpose);
    const known = this.#cache.accepted(key, state.generation, nowMs);
    if (known !== undefined) return known;
    const refused = this.#cache.refused(key, state.generation, nowMs);
    if (refused !== undefined) throw refused;
    const { mode } = state.settings.revocation;
    if (state.network === undefined || mode === 'off') return this.#decide(key, state, () => this.#attempt(presented, purpose, state, mode));

    // An unknown status is worth asking for even where it would pass.
    const outcome = this.#caught(() => this.#attempt(presented, purpose, state, 'hard'));
    const isWorthAsking = outcome !== undefined && !(outcome instanceof ProvenChain) && outcome.code === 'status_unknown';
    if (!isWorthAsking) return this.#decide(key, state, () => outcome ?? this.#attempt(presented, purpose, state, 'hard'));
    return this.#learn(key, presented, purpose, outcome.path, state.network);
  }

  /** Whoever presents the same while the answer is under way waits for the same answer. */
  #learn(key: string, presented: Presented, purpose: Purpose, path: readonly Certificate[], network: StatusNetwork): Promise<ProvenChain> {
    const under = this.#learning.get(key);
    if (under !== undefined) return under;
    const { fetchCrls, ocsp } = this.#state().settings.revocation;
    const learning = network.learn(path, { crls: fetchCrls, ocsp: ocsp.query }).then((failures) => {
      const state = this.#state();
      return this.#decide(key, state, () => this.#attempt(presented, purpose, state, state.settings.revocation.mode), failures);
    });
    const tracked = learning.finally(() => this.#learning.delete(key));
    this.#learning.set(key, tracked);
    return tracked;
  }

  #decide(key: string, state: TrustState, attempt: () => ProvenChain | Refused, failures: readonly XpsError[] = []): ProvenChain {
    const nowMs = this.#clock.wallMs();
    try {
      const outcome = attempt();
      if (!(outcome instanceof ProvenChain)) throw refusal(outcome, failures);
      if (outcome.isStatusUnknown) this.#softPasses += 1;
      const untilMs = outcome.isStatusUnknown ? Math.min(outcome.validUntilMs, nowMs + UNKNOWN_FOR_MS) : outcome.validUntilMs;
      this.#cache.accept(key, outcome, { generation: state.generation, ...basisOf(outcome, state.network) }, nowMs, untilMs);
      return outcome;
    } catch (thrown) {
      const error = toXpsError(thrown);
      this.#cache.refuse(key, error, { generation: state.generation }, nowMs);
      throw error;
    }
  }

  #attempt(presented: Presented, purpose: Purpose, state: TrustState, mode: TrustSettings['revocation']['mode']): ProvenChain | Refused {
    const { settings, network } = state;
    const { length } = presented.chain;
    if (length > MAX_CHAIN) throw new XpsError('certificate_limit', { detail: `${length} certificates, at most ${MAX_CHAIN} are looked at` });
    const [first, ...others] = presented.chain;
    if (first === undefined) throw new XpsError('certificate_untrusted', { detail: 'no certificate was presented' });
    // A copy: what is remembered must not keep the whole buffer alive in which the message came.
    const leaf = parseCertificate(Uint8Array.from(first));
    const intermediates = others.map((der) => this.#intermediate(der));
    const staple = stapled(presented.staple, settings);
    const request: ValidationRequest = {
      ...REQUEST_DEFAULTS,
      leaf,
      intermediates,
      anchors: anchorsFor(leaf, state.anchors),
      crls: state.crls,
      ocsp: [...staple, ...(network?.answersFor([leaf, ...intermediates]) ?? [])],
      timeMs: this.#clock.wallMs(),
      purpose,
      revocation: mode,
      clockSkewMs: settings.clockSkewMs,
      statusGraceMs: settings.revocation.graceMs,
    };
    const outcome = proveChain(request, state.pins, this.#crypto);
    if (outcome instanceof ProvenChain && settings.revocation.ocsp.requireStaple) this.#demandStaple(staple, outcome);
    return outcome;
  }

  /** Many peers bring the same intermediates: as the same object, whose signature was verified once. */
  #intermediate(der: Bytes): Certificate {
    const key = toHex(this.#crypto.hash.hash('sha256', der));
    const known = this.#intermediates.get(key);
    if (known !== undefined) return known;
    const certificate = parseCertificate(Uint8Array.from(der));
    if (this.#intermediates.size >= MAX_INTERMEDIATES) this.#intermediates.delete(this.#intermediates.keys().next().value as string);
    this.#intermediates.set(key, certificate);
    return certificate;
  }

  /** `require_staple`: the staple itself must say good, whatever CRLs say. */
  #demandStaple([staple]: readonly OcspResponse[], { path, name }: ProvenChain): void {
    const [leaf, issuer] = path as readonly [Certificate, Certificate | undefined];
    const isGood = staple !== undefined && issuer !== undefined && this.#evaluate(staple, leaf, issuer)?.status === 'good';
    if (!isGood) throw new XpsError('staple_required', { detail: `${name} ${staple === undefined ? 'brought none' : 'brought one that does not count'}` });
  }

  #caught(attempt: () => ProvenChain | Refused): ProvenChain | Refused | undefined {
    try {
      return attempt();
    } catch {
      return undefined;
    }
  }

  /** A digest over everything that was presented, with lengths, so that no two presentations share one. */
  #key({ chain, staple }: Presented, purpose: Purpose): string {
    const lengths = Uint32Array.of(chain.length, ...chain.map(({ length }) => length), staple.length);
    const bytes = concat([new Uint8Array(lengths.buffer), ...chain, staple]);
    return `${purpose} ${toHex(this.#crypto.hash.hash('sha256', bytes))}`;
  }
}

/** Answers of responders change one certificate at a time, without a new generation. */
function basisOf({ path }: ProvenChain, network: StatusNetwork | undefined): { readonly isStillTold?: () => boolean } {
  if (network === undefined) return {};
  const subjects = path.slice(0, -1);
  const versions = subjects.map((certificate) => network.ocsp.version(certificate));
  return { isStillTold: () => subjects.every((certificate, i) => network.ocsp.version(certificate) === versions[i]) };
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
      const chain = this.#prover.prove(presented, purpose);
      if (chain instanceof ProvenChain) return this.#admit(chain);
      return chain.then(
        (proven) => this.#admit(proven),
        (thrown: unknown) => this.#refuse(thrown),
      );
    } catch (thrown) {
      return this.#refuse(thrown);
    }
  }

  #admit(chain: ProvenChain): AuthorisedPeer {
    const peer = this.#authorise(chain);
    this.#prover.count('accepted');
    return peer;
  }

  #refuse(thrown: unknown): never {
    const error = toXpsError(thrown);
    this.#prover.count(error.reason);
    throw error;
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
  const ids = (leaf.extensions.subjectAltNames ?? []).flatMap((name) => (name.kind === 'uri' ? (parseSpiffeId(name.value) ?? []) : []));
  const domain = ids[0]?.trustDomain;
  return anchors.filter(({ trustDomain }) => trustDomain === undefined || trustDomain === domain).map(({ certificate }) => certificate);
}

/** A responder's excuse says nothing and is passed over; what cannot be read at all is the peer's fault. */
function stapled(staple: Bytes, { revocation }: TrustSettings): readonly OcspResponse[] {
  if (staple.length === 0 || !revocation.ocsp.staple) return [];
  try {
    return [parseOcspResponse(staple)];
  } catch (thrown) {
    const error = toXpsError(thrown);
    if (error.reason === 'certificate_status_unknown') return [];
    throw error;
  }
}
