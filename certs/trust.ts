import type { Bytes } from '../base/bytes.ts';
import { concat, toHex, utf8 } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { toXpsError } from '../base/errors.ts';
import type { Crypto, VerifyingKey } from '../engines/contract.ts';
import { parseCertificate } from './certificate.ts';
import type { PeerJudge, Trust, TrustChange, TrustSettings, TrustStatus } from './contract.ts';
import { CrlStore } from './crl-store.ts';
import { FileWatch } from './file-watch.ts';
import { ChainProver, RuleJudge } from './judge.ts';
import type { PeerRules } from './peer-rules.ts';
import { PinSet } from './pins.ts';
import { type Anchor, loadBundles } from './trust-bundles.ts';

/** docs/PROTOCOL.md §6.4: 1 024 bytes of hints. */
const MAX_HINTS = 32;
const MAX_KEYS = 1024;

export interface TrustDependencies {
  readonly crypto: Crypto;
  readonly clock: Clock;
}

/** Reads everything and keeps it current. Rejects when something that was configured cannot be used. */
export async function openTrust(settings: TrustSettings, dependencies: TrustDependencies): Promise<Trust> {
  const trust = new LiveTrust(settings, dependencies);
  try {
    await trust.start();
    return trust;
  } catch (thrown) {
    trust[Symbol.dispose]();
    throw thrown;
  }
}

class LiveTrust implements Trust {
  readonly #settings: TrustSettings;
  readonly #crypto: Crypto;
  readonly #pins: PinSet;
  readonly #crls = new CrlStore();
  readonly #prover: ChainProver;
  readonly #bundleWatch: FileWatch;
  readonly #crlWatch: FileWatch;
  readonly #changeListeners = new Set<(change: TrustChange) => void>();
  readonly #failureListeners = new Set<(error: Error) => void>();
  readonly #keys = new Map<string, VerifyingKey>();
  #anchors: readonly Anchor[] = [];
  #generation = 0;
  #digest: Bytes = new Uint8Array(32);
  #hints: readonly Bytes[] = [];

  constructor(settings: TrustSettings, { crypto, clock }: TrustDependencies) {
    this.#settings = settings;
    this.#crypto = crypto;
    this.#pins = new PinSet(settings.pins);
    this.#prover = new ChainProver(crypto, clock, settings, () => ({
      generation: this.#generation,
      anchors: this.#anchors,
      pins: this.#pins,
      crls: this.#crls.crls,
    }));
    this.#bundleWatch = new FileWatch(settings.bundles.map(({ file }) => file), () => this.#inBackground(this.#loadBundles()));
    this.#crlWatch = new FileWatch(settings.revocation.crl, () => this.#inBackground(this.#loadCrls()));
  }

  async start(): Promise<void> {
    await this.#bundleWatch.start();
    await this.#crlWatch.start();
    await this.reload();
  }

  get digest(): Bytes {
    return this.#digest;
  }

  get caHints(): readonly Bytes[] {
    return this.#hints;
  }

  get status(): TrustStatus {
    return {
      anchors: this.#anchors.map(({ certificate, source }) => ({ name: certificate.subject.text, notAfterMs: certificate.notAfterMs, file: source })),
      crls: this.#crls.stored.map(({ crl, source }) => ({
        issuer: crl.issuer.text,
        thisUpdateMs: crl.thisUpdateMs,
        nextUpdateMs: crl.nextUpdateMs,
        revoked: crl.entryCount,
        source,
      })),
      softPasses: this.#prover.softPasses,
      verdicts: this.#prover.verdicts,
    };
  }

  judgeFor(rules: PeerRules): PeerJudge {
    return new RuleJudge(this.#prover, rules);
  }

  leafKey(leaf: Bytes): VerifyingKey {
    const digest = toHex(this.#crypto.hash.hash('sha256', leaf));
    const known = this.#keys.get(digest);
    if (known !== undefined) return known;
    const key = this.#crypto.signature.loadVerifyingKey(parseCertificate(leaf).spki);
    if (this.#keys.size >= MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value as string);
    this.#keys.set(digest, key);
    return key;
  }

  onChange(listener: (change: TrustChange) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  async reload(): Promise<void> {
    await this.#loadBundles();
    await this.#loadCrls();
  }

  [Symbol.dispose](): void {
    this.#bundleWatch[Symbol.dispose]();
    this.#crlWatch[Symbol.dispose]();
    this.#changeListeners.clear();
    this.#failureListeners.clear();
  }

  async #loadBundles(): Promise<void> {
    this.#anchors = await loadBundles(this.#settings.bundles, this.#crypto);
    this.#digest = this.#digestOf();
    this.#hints = this.#anchors.slice(0, MAX_HINTS).map(({ certificate }) => this.#crypto.hash.hash('sha256', certificate.spki));
    this.#changed('bundles');
  }

  async #loadCrls(): Promise<void> {
    if (this.#settings.revocation.mode === 'off') return;
    await this.#crls.load(this.#settings.revocation.crl);
    this.#changed('crl');
  }

  #changed(change: TrustChange): void {
    this.#generation += 1;
    for (const listener of this.#changeListeners) listener(change);
  }

  #inBackground(work: Promise<void>): void {
    work.catch((thrown: unknown) => {
      for (const listener of this.#failureListeners) listener(toXpsError(thrown));
    });
  }

  #digestOf(): Bytes {
    const { mode, ocsp } = this.#settings.revocation;
    const anchors = this.#anchors.map(({ certificate, trustDomain }) => `${toHex(this.#crypto.hash.hash('sha256', certificate.der))} ${trustDomain ?? ''}`);
    const lines = [...anchors.toSorted(), ...this.#pins.pins, `${mode} ${ocsp.staple} ${ocsp.query} ${ocsp.requireStaple}`];
    return this.#crypto.hash.hash('sha256', concat([utf8('XPSC trust\n'), utf8(lines.join('\n'))]));
  }
}
