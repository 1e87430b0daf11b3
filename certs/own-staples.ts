import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { Staple, StapleFetcher } from './contract.ts';
import type { OcspClient } from './ocsp-client.ts';
import { describe } from './proven-chain.ts';
import { isFetchable } from './status-fetch.ts';
import { isSignedBy } from './status-signatures.ts';

/** docs/PROTOCOL.md §13. */
const MAX_STAPLE_BYTES = 8192;

/** Fetches the OCSP answers that we present ourselves, and presents none that a peer would refuse. */
export class OwnStaples implements StapleFetcher {
  readonly #ocsp: OcspClient;
  readonly #anchors: () => readonly Certificate[];
  readonly #crypto: Crypto;

  constructor(ocsp: OcspClient, anchors: () => readonly Certificate[], crypto: Crypto) {
    this.#ocsp = ocsp;
    this.#anchors = anchors;
    this.#crypto = crypto;
  }

  async fetchStaple(chain: readonly Bytes[]): Promise<Staple | undefined> {
    const [leaf, ...others] = chain.map(parseCertificate);
    if (leaf === undefined || !leaf.extensions.ocspUris.some(isFetchable)) return undefined;
    const issuer = [...others, ...this.#anchors()].find((candidate) => isSignedBy(leaf, candidate, this.#crypto));
    if (issuer === undefined) throw new XpsError('status_fetch_failed', { detail: `${describe(leaf)}: its issuer is neither in its chain nor in a bundle` });
    const { response, status, untilMs, refreshAtMs } = await this.#ocsp.fetch(leaf, issuer);
    if (status === 'revoked') throw new XpsError('certificate_revoked', { detail: `our own ${describe(leaf)}: its responder says so` });
    if (response.der.length > MAX_STAPLE_BYTES) {
      const detail = `${describe(leaf)}: the answer has ${response.der.length} bytes, at most ${MAX_STAPLE_BYTES} can be stapled`;
      throw new XpsError('status_fetch_failed', { detail });
    }
    return { der: response.der, refreshAtMs, validUntilMs: untilMs };
  }
}
