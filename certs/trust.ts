import { type Bytes, equalBytes, toHex, utf8 } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { toXpsError, type XpsError } from '../base/errors.ts';
import type { Crypto, VerifyingKey } from '../engines/contract.ts';
import type { RefreshTiming } from './back-off.ts';
import type { PeerJudge, StapleFetcher, Trust, TrustChange, TrustSettings, TrustStatus } from './contract.ts';
import { CrlFiles } from './crl-files.ts';
import { readCrls } from './crl-parsing.ts';
import { CrlStore, type StoredCrl } from './crl-store.ts';
import { type CertsLog, Listeners } from './events.ts';
import { FileWatch, type WatchTiming } from './file-watch.ts';
import { ChainProver, RuleJudge } from './judge.ts';
import { LeafKeys } from './leaf-keys.ts';
import { OwnStaples } from './own-staples.ts';
import type { PeerRules } from './peer-rules.ts';
import { PinSet } from './pins.ts';
import { HttpStatusFetcher, type StatusFetcher } from './status-fetch.ts';
import { StatusNetwork } from './status-network.ts';
import { isCrlSigned, ocspEvaluator } from './status-signatures.ts';
import { type Anchor, type BundleSource, loadBundles } from './trust-bundles.ts';

/** docs/PROTOCOL.md §6.4: 1 024 bytes of hints. */
const MAX_HINTS = 32;
/** A file that could not be used is tried again, even when nothing tells of a change: the clock may have been wrong. */
const RETRY_MS = 30_000;

export interface TrustDependencies {
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly log?: CertsLog;
  /** Anchors and CRLs of an agent, besides those of files. */
  readonly bundles?: BundleSource | undefined;
  /** Default: HTTP. */
  readonly fetcher?: StatusFetcher;
  readonly watchTiming?: WatchTiming;
  readonly refreshTiming?: RefreshTiming;
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

/** Everything that follows from one set of settings. */
interface Configured {
  readonly settings: TrustSettings;
  readonly pins: PinSet;
  readonly bundleWatch: FileWatch;
  readonly crlWatch: FileWatch;
}

class LiveTrust implements Trust {
  readonly #crypto: Crypto;
  readonly #clock: Clock;
  readonly #log: CertsLog;
  readonly #timing: WatchTiming | undefined;
  readonly #source: BundleSource | undefined;
  readonly #stopSource: (() => void) | undefined;
  readonly #fetcher: StatusFetcher;
  readonly #ownFetcher: HttpStatusFetcher | undefined;
  readonly #crlFiles: CrlFiles;
  readonly #store: CrlStore;
  readonly #network: StatusNetwork;
  readonly #staples: StapleFetcher;
  readonly #prover: ChainProver;
  readonly #changes = new Listeners<TrustChange>();
  readonly #failures = new Listeners<Error>();
  readonly #keys: LeafKeys;
  #configured: Configured;
  #fileAnchors: readonly Anchor[] = [];
  #anchors: readonly Anchor[] = [];
  #generation = 0;
  #digest: Bytes = new Uint8Array(32);
  #hints: readonly Bytes[] = [];
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(settings: TrustSettings, { crypto, clock, log, bundles, fetcher, watchTiming, refreshTiming }: TrustDependencies) {
    this.#crypto = crypto;
    this.#clock = clock;
    this.#log = log ?? ((): void => {});
    this.#timing = watchTiming;
    this.#keys = new LeafKeys(crypto);
    this.#source = bundles;
    this.#ownFetcher = fetcher === undefined ? new HttpStatusFetcher() : undefined;
    this.#fetcher = fetcher ?? (this.#ownFetcher as HttpStatusFetcher);
    this.#crlFiles = new CrlFiles(crypto);
    this.#store = new CrlStore(clock, settings.clockSkewMs);
    const evaluate = ocspEvaluator(crypto, clock, () => this.#configured.settings);
    this.#network = new StatusNetwork({
      fetcher: this.#fetcher,
      crypto,
      clock,
      store: this.#store,
      isSigned: (crl, candidates) => isCrlSigned(crl, candidates, crypto),
      evaluate,
      log: this.#log,
      timing: refreshTiming,
      onNews: (what) => this.#changed(what),
    });
    this.#staples = new OwnStaples(this.#network.ocsp, () => this.#anchors.map(({ certificate }) => certificate), crypto);
    this.#configured = this.#configure(settings);
    this.#prover = new ChainProver(crypto, clock, evaluate, () => {
      const { settings: now, pins } = this.#configured;
      const asks = now.revocation.fetchCrls || now.revocation.ocsp.query;
      return { generation: this.#generation, settings: now, anchors: this.#anchors, pins, crls: this.#store.crls, network: asks ? this.#network : undefined };
    });
    this.#stopSource = bundles?.onBundleChange(() => this.#inBackground(() => this.#takeSource()));
  }

  async start(): Promise<void> {
    await startWatching(this.#configured);
    await this.reload();
  }

  get digest(): Bytes {
    return this.#digest;
  }

  get caHints(): readonly Bytes[] {
    return this.#hints;
  }

  get staples(): StapleFetcher | undefined {
    const { revocation } = this.#configured.settings;
    return revocation.ocsp.staple ? this.#staples : undefined;
  }

  get status(): TrustStatus {
    return {
      anchors: this.#anchors.map(({ certificate, source }) => ({ name: certificate.subject.text, notAfterMs: certificate.notAfterMs, file: source })),
      crls: this.#store.stored.map(({ crl, source }) => ({
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
    return this.#keys.of(leaf);
  }

  onChange(listener: (change: TrustChange) => void): () => void {
    return this.#changes.add(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    return this.#failures.add(listener);
  }

  reload(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#loadBundles(this.#configured.settings);
      this.#adopt();
      await this.#loadCrls();
    });
  }

  update(settings: TrustSettings): Promise<void> {
    return this.#inTurn(async () => {
      const next = this.#configure(settings);
      try {
        await startWatching(next);
        await this.#loadBundles(settings);
      } catch (thrown) {
        stopWatching(next);
        throw thrown;
      }
      const before = this.#configured;
      this.#configured = next;
      stopWatching(before);
      this.#adopt();
      if (!equalLists(before.pins.pins, next.pins.pins)) this.#changed('pins');
      await this.#loadCrls();
    });
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#retry);
    stopWatching(this.#configured);
    this.#stopSource?.();
    this.#network[Symbol.dispose]();
    this.#ownFetcher?.[Symbol.dispose]();
    this.#changes.clear();
    this.#failures.clear();
  }

  #configure(settings: TrustSettings): Configured {
    const crlPaths = settings.revocation.mode === 'off' ? [] : settings.revocation.crl;
    return {
      settings,
      pins: new PinSet(settings.pins),
      bundleWatch: new FileWatch(
        settings.bundles.map(({ file }) => file),
        () => this.#inBackground(async () => {
          await this.#loadBundles(this.#configured.settings);
          this.#adopt();
        }),
        this.#timing,
      ),
      crlWatch: new FileWatch(crlPaths, () => this.#inBackground(() => this.#loadCrls()), this.#timing),
    };
  }

  /** All bundles or none. */
  async #loadBundles(settings: TrustSettings): Promise<void> {
    this.#fileAnchors = await loadBundles(settings.bundles, this.#crypto);
  }

  /** Trust what was loaded, if it is anything else than before. */
  #adopt(): void {
    this.#anchors = [...this.#fileAnchors, ...(this.#source?.anchors ?? [])];
    const digest = digestOf(this.#anchors, this.#configured, this.#crypto);
    if (equalBytes(digest, this.#digest)) return;
    this.#digest = digest;
    this.#hints = this.#anchors.slice(0, MAX_HINTS).map(({ certificate }) => this.#crypto.hash.hash('sha256', certificate.spki));
    this.#log({ level: 'info', what: 'bundles_loaded', detail: `${this.#anchors.length} trust anchors` });
    this.#changed('bundles');
  }

  /** Every CRL that can be used is, whatever is wrong with another one: each revokes somebody. */
  async #loadCrls(): Promise<void> {
    const { revocation } = this.#configured.settings;
    if (revocation.mode === 'off') return;
    const { found, failures } = await this.#crlFiles.read(revocation.crl);
    this.#take([...found, ...(await this.#sourceCrls())], failures);
    this.#warnOfStale();
  }

  #take(candidates: readonly StoredCrl[], readFailures: readonly XpsError[]): void {
    const { hasChanged, failures } = this.#store.admitAll(candidates);
    if (hasChanged) {
      this.#log({ level: 'info', what: 'crls_loaded', detail: `${this.#store.crls.length} CRLs in use` });
      this.#changed('crl');
    }
    const [first, ...others] = [...readFailures, ...failures];
    if (first === undefined) return;
    for (const error of others) this.#fail(error);
    this.#retryLater();
    throw first;
  }

  #warnOfStale(): void {
    const nowMs = this.#clock.wallMs();
    for (const { crl, source } of this.#store.stored) {
      if (crl.nextUpdateMs === undefined || crl.nextUpdateMs > nowMs) continue;
      this.#log({ level: 'warn', what: 'crl_stale', detail: `${source}: the CRL of ${crl.issuer.text} ended at ${new Date(crl.nextUpdateMs).toISOString()}` });
    }
  }

  async #takeSource(): Promise<void> {
    this.#adopt();
    if (this.#configured.settings.revocation.mode !== 'off') this.#take(await this.#sourceCrls(), []);
  }

  async #sourceCrls(): Promise<readonly StoredCrl[]> {
    const found: StoredCrl[] = [];
    for (const der of this.#source?.crls ?? []) {
      for (const crl of await readCrls(der)) found.push({ crl, source: 'agent' });
    }
    return found;
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#inBackground(() => this.#loadCrls()), RETRY_MS);
    this.#retry.unref();
  }

  #changed(change: TrustChange): void {
    if (this.#isDisposed) return;
    this.#generation += 1;
    this.#changes.tell(change);
  }

  /** One after the other: two loads at the same time could end in the wrong order. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.then(work);
    this.#work = turn.catch(() => {});
    return turn;
  }

  #inBackground(work: () => Promise<void>): void {
    if (this.#isDisposed) return;
    this.#inTurn(work).catch((thrown: unknown) => this.#fail(toXpsError(thrown)));
  }

  #fail(error: XpsError): void {
    if (this.#isDisposed) return;
    this.#log({ level: 'error', what: 'failed', detail: error.message, error });
    this.#failures.tell(error);
  }
}

async function startWatching({ bundleWatch, crlWatch }: Configured): Promise<void> {
  await bundleWatch.start();
  await crlWatch.start();
}

function stopWatching({ bundleWatch, crlWatch }: Configured): void {
  bundleWatch[Symbol.dispose]();
  crlWatch[Symbol.dispose]();
}

/** docs/PROTOCOL.md §6.4, §10.3: what decides about a peer, in an order that does not depend on files. */
function digestOf(anchors: readonly Anchor[], { settings, pins }: Configured, crypto: Crypto): Bytes {
  const { mode, graceMs, ocsp } = settings.revocation;
  const trusted = anchors.map(({ certificate, trustDomain }) => `${toHex(crypto.hash.hash('sha256', certificate.der))} ${trustDomain ?? ''}`);
  const policy = [mode, graceMs, ocsp.staple, ocsp.query, ocsp.requireStaple, settings.clockSkewMs].join(' ');
  return crypto.hash.hash('sha256', utf8(['XPSC trust', ...new Set(trusted.toSorted()), ...pins.pins, policy].join('\n')));
}

function equalLists(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
