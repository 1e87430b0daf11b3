import type { Clock } from '../base/clock.ts';
import { toXpsError, type XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';
import type { RefreshTiming } from './back-off.ts';
import type { Certificate } from './certificate.ts';
import { CrlPoints, type CrlSignatureCheck } from './crl-points.ts';
import type { CrlStore } from './crl-store.ts';
import type { CertsLog } from './events.ts';
import { OcspClient, type OcspEvaluator } from './ocsp-client.ts';
import type { OcspResponse } from './ocsp.ts';
import type { StatusFetcher } from './status-fetch.ts';

/** A peer's handshake waits no longer than this for somebody else's server. */
const LEARN_MS = 5000;
/** Verdicts that wait for the network at the same time. */
const MAX_LEARNING = 64;

export interface StatusNetworkParts {
  readonly fetcher: StatusFetcher;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly store: CrlStore;
  readonly isSigned: CrlSignatureCheck;
  readonly evaluate: OcspEvaluator;
  readonly log: CertsLog;
  readonly timing?: RefreshTiming | undefined;
  readonly onNews: (what: 'crl' | 'ocsp') => void;
}

export interface SourcesInUse {
  readonly crls: boolean;
  readonly ocsp: boolean;
}

/** What can be learnt about certificates over the network: CRLs of their distribution points, answers of their responders. */
export class StatusNetwork implements Disposable {
  readonly ocsp: OcspClient;
  readonly #points: CrlPoints;
  #learning = 0;

  constructor({ onNews, ...parts }: StatusNetworkParts) {
    this.ocsp = new OcspClient({ ...parts, onRevoked: () => onNews('ocsp') });
    this.#points = new CrlPoints({ ...parts, onNews: () => onNews('crl') });
  }

  [Symbol.dispose](): void {
    this.ocsp[Symbol.dispose]();
    this.#points[Symbol.dispose]();
  }

  answersFor(certificates: readonly Certificate[]): readonly OcspResponse[] {
    return certificates.flatMap((certificate) => this.ocsp.known(certificate)?.response ?? []);
  }

  /**
   * Asks about every certificate of a path that was validated but for revocation, leaf first, anchor last. Resolves when
   * everything has answered, or after a few seconds with what there is; never rejects.
   */
  async learn(path: readonly Certificate[], use: SourcesInUse): Promise<readonly XpsError[]> {
    if (this.#learning >= MAX_LEARNING) return [];
    this.#learning += 1;
    try {
      const work = path.slice(0, -1).map((certificate, i) => this.#learnOne(certificate, path[i + 1] as Certificate, path, use));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<XpsError[][]>((resolve) => {
        timer = setTimeout(resolve, LEARN_MS, []);
      });
      const failures = await Promise.race([Promise.all(work), late]);
      clearTimeout(timer);
      return failures.flat();
    } finally {
      this.#learning -= 1;
    }
  }

  async #learnOne(certificate: Certificate, issuer: Certificate, path: readonly Certificate[], use: SourcesInUse): Promise<readonly XpsError[]> {
    const failures: XpsError[] = [];
    if (use.ocsp && certificate.extensions.ocspUris.length > 0) {
      try {
        await this.ocsp.ask(certificate, issuer);
        return failures;
      } catch (thrown) {
        failures.push(toXpsError(thrown));
      }
    }
    if (use.crls) failures.push(...(await this.#points.learn(certificate, path)));
    return failures;
  }
}
