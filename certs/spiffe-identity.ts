import type { Bytes } from '../base/bytes.ts';
import { equalBytes, utf8 } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { Crypto, SigningKey } from '../engines/contract.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { Credential, CredentialSource, StapleFetcher } from './contract.ts';
import { type CredentialDependencies, credentialOf, sendableChain } from './credential-files.ts';
import { CredentialKeeper } from './credential-keeper.ts';
import { DerCursor } from './der.ts';
import { Listeners } from './events.ts';
import { parseSpiffeId, svidOf } from './spiffe-id.ts';
import type { X509Svid, X509SvidResponse } from './spiffe-messages.ts';
import { WorkloadStream } from './spiffe-workload-api.ts';
import type { Anchor, BundleSource } from './trust-bundles.ts';

/** An agent starts after us sometimes, and registrations take a while to reach it. */
const START_MS = 30_000;
const MAX_ANCHORS = 1024;

export interface SpiffeSettings {
  /** Path of the agent's UNIX socket. */
  readonly spiffeSocket: string;
  /** Which of several SVIDs to use; undefined: the first, which the agent considers the default. */
  readonly spiffeId: string | undefined;
  /** How long to wait for the first identity; 30 s. */
  readonly startMs?: number;
}

/**
 * An identity and the bundles of its trust domain and of federated ones, from a SPIFFE agent. Rejects with
 * `identity_source_failed` when there is none in time. Later failures keep what was; the agent is asked on and on.
 */
export async function openSpiffeIdentity(settings: SpiffeSettings, dependencies: CredentialDependencies): Promise<SpiffeIdentity> {
  const identity = new SpiffeIdentity(settings, dependencies);
  try {
    await identity.reload();
    return identity;
  } catch (thrown) {
    identity[Symbol.dispose]();
    throw thrown;
  }
}

export class SpiffeIdentity implements CredentialSource, BundleSource {
  readonly #settings: SpiffeSettings;
  readonly #crypto: Crypto;
  readonly #dependencies: CredentialDependencies;
  readonly #keeper: CredentialKeeper;
  readonly #bundleChanges = new Listeners<undefined>();
  readonly #waiting = new Set<{ resolve(): void; reject(error: XpsError): void }>();
  #stream: WorkloadStream;
  #anchors: readonly Anchor[] = [];
  #crls: readonly Bytes[] = [];
  #lastFailure: XpsError | undefined;

  constructor(settings: SpiffeSettings, dependencies: CredentialDependencies) {
    this.#settings = settings;
    this.#dependencies = dependencies;
    this.#crypto = dependencies.crypto;
    this.#keeper = new CredentialKeeper(dependencies.clock, dependencies.log);
    this.#stream = this.#open();
  }

  get current(): Credential {
    return this.#keeper.current;
  }

  get anchors(): readonly Anchor[] {
    return this.#anchors;
  }

  get crls(): readonly Bytes[] {
    return this.#crls;
  }

  onChange(listener: () => void): () => void {
    return this.#keeper.onChange(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    return this.#keeper.onFailure(listener);
  }

  onBundleChange(listener: () => void): () => void {
    return this.#bundleChanges.add(listener);
  }

  staple(fetcher: StapleFetcher): Promise<void> {
    return this.#keeper.staple(fetcher);
  }

  /** Asks the agent anew and waits for its answer. */
  async reload(): Promise<void> {
    if (this.#keeper.hasCurrent) {
      this.#stream[Symbol.dispose]();
      this.#stream = this.#open();
    }
    const limitMs = this.#settings.startMs ?? START_MS;
    await new Promise<void>((resolve, reject) => {
      const noAnswer = new XpsError('identity_source_failed', { detail: `${this.#settings.spiffeSocket}: no answer` });
      const timer = setTimeout(() => waiter.reject(this.#lastFailure ?? noAnswer), limitMs);
      const waiter = {
        resolve: (): void => {
          clearTimeout(timer);
          this.#waiting.delete(waiter);
          resolve();
        },
        reject: (error: XpsError): void => {
          clearTimeout(timer);
          this.#waiting.delete(waiter);
          reject(error);
        },
      };
      this.#waiting.add(waiter);
    });
  }

  [Symbol.dispose](): void {
    this.#stream[Symbol.dispose]();
    this.#keeper[Symbol.dispose]();
    this.#bundleChanges.clear();
    for (const waiter of this.#waiting) waiter.reject(new XpsError('identity_source_failed', { detail: 'stopped' }));
  }

  #open(): WorkloadStream {
    return new WorkloadStream(this.#settings.spiffeSocket, {
      onResponse: (response) => void this.#take(response),
      onFailure: (error) => this.#failed(error),
    });
  }

  async #take(response: X509SvidResponse): Promise<void> {
    try {
      const svid = chosen(response.svids, this.#settings.spiffeId);
      const credential = credentialOfSvid(svid, this.#crypto);
      const anchors = anchorsOf(response);
      // Bundles first: whoever sees the new identity must be able to see its issuer as well.
      if (!isSameAnchors(anchors, this.#anchors) || !isSameList(response.crls, this.#crls)) {
        this.#anchors = anchors;
        this.#crls = response.crls;
        this.#bundleChanges.tell(undefined);
      }
      await this.#keeper.replace(credential);
      if (this.#lastFailure !== undefined) this.#dependencies.log?.({ level: 'info', what: 'agent_connected', detail: this.#settings.spiffeSocket });
      this.#lastFailure = undefined;
      for (const waiter of this.#waiting) waiter.resolve();
    } catch (thrown) {
      const error = toXpsError(thrown);
      const detail = `what the agent sent cannot be used: ${error.detail}`;
      this.#failed(error.reason === 'identity_source_failed' ? error : new XpsError('identity_source_failed', { detail, cause: error }));
    }
  }

  /** An agent that is away fails many times a minute: the same failure is told once. */
  #failed(error: XpsError): void {
    const isNews = this.#lastFailure?.message !== error.message;
    this.#lastFailure = error;
    if (isNews) this.#keeper.fail(error);
  }
}

function chosen(svids: readonly X509Svid[], wanted: string | undefined): X509Svid {
  const found = wanted === undefined ? svids[0] : svids.find(({ spiffeId }) => spiffeId === wanted);
  if (found !== undefined) return found;
  const offered = svids.slice(0, 8).map(({ spiffeId }) => spiffeId.slice(0, 256));
  const detail = svids.length === 0 ? 'the agent sent no identity' : `the agent has no ${wanted}, only ${offered.join(', ')}`;
  throw new XpsError('identity_source_failed', { detail });
}

function credentialOfSvid({ spiffeId, chain, key }: X509Svid, crypto: Crypto): Credential {
  const certificates = sendableChain(certificatesOf(chain));
  const [leaf] = certificates;
  const found = svidOf(leaf)?.text;
  if (found !== spiffeId) throw new XpsError('identity_source_failed', { detail: `the agent says ${spiffeId}, the certificate ${found ?? 'no SPIFFE ID'}` });
  const signing = loadKey(key, crypto);
  if (!equalBytes(leaf.spki, signing.spki)) throw new XpsError('identity_source_failed', { detail: `the key does not belong to the certificate of ${spiffeId}` });
  return credentialOf(certificates, signing);
}

function loadKey(der: Bytes, crypto: Crypto): SigningKey {
  const base64 = Buffer.from(der).toString('base64');
  return crypto.signature.loadSigningKey(`-----BEGIN PRIVATE KEY-----\n${base64.replaceAll(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`);
}

/** Each trust domain's CAs, for that domain only. SVIDs of the same domain repeat them. */
function anchorsOf({ svids, federatedBundles }: X509SvidResponse): readonly Anchor[] {
  const anchors = new Map<string, Anchor>();
  const add = (id: string, bundle: Bytes): void => {
    const trustDomain = trustDomainOf(id);
    for (const certificate of certificatesOf(bundle)) {
      anchors.set(`${trustDomain} ${Buffer.from(certificate.der).toString('latin1')}`, { certificate, source: `agent, trust domain ${trustDomain}`, trustDomain });
    }
  };
  for (const { spiffeId, bundle } of svids) add(spiffeId, bundle);
  for (const [id, bundle] of federatedBundles) add(id, bundle);
  if (anchors.size > MAX_ANCHORS) throw new XpsError('identity_source_failed', { detail: `more than ${MAX_ANCHORS} CA certificates` });
  return [...anchors.values()];
}

function trustDomainOf(id: string): string {
  const domain = parseSpiffeId(id)?.trustDomain;
  if (domain === undefined) throw new XpsError('identity_source_failed', { detail: 'the agent sent a malformed SPIFFE ID' });
  return domain;
}

function certificatesOf(concatenated: Bytes): readonly Certificate[] {
  const cursor = new DerCursor(concatenated, 0, concatenated.length);
  const found: Certificate[] = [];
  while (!cursor.isAtEnd) found.push(parseCertificate(cursor.next().raw));
  return found;
}

function isSameAnchors(a: readonly Anchor[], b: readonly Anchor[]): boolean {
  const key = ({ certificate, trustDomain }: Anchor): Bytes => Buffer.concat([utf8(`${trustDomain} `), certificate.der]);
  return isSameList(a.map(key), b.map(key));
}

function isSameList(a: readonly Bytes[], b: readonly Bytes[]): boolean {
  return a.length === b.length && a.every((item, i) => equalBytes(item, b[i] as Bytes));
}
