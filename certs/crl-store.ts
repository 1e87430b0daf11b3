import type { Clock } from '../base/clock.ts';
import { equalBytes, toHex } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { Crl } from './crl.ts';

/** A CRL that is in use, and where it came from. */
export interface StoredCrl {
  readonly crl: Crl;
  /** File or URL. */
  readonly source: string;
}

/** Far more than anybody has; a folder of anything must not fill the memory. */
const MAX_CRLS = 4096;
const MAX_TOTAL_BYTES = 512 * 1024 * 1024;
/** After its end a CRL proves nothing, but an older one is still known to be older. */
const KEPT_AFTER_END_MS = 30 * 24 * 3_600_000;

/**
 * The newest CRL of each issuer and scope, wherever it came from. A number never goes back: what is older than the one in
 * use is refused, and a source that disappears takes nothing with it. Nothing here was verified but by the caller.
 */
export class CrlStore {
  readonly #clock: Clock;
  readonly #clockSkewMs: number;
  readonly #newest = new Map<string, StoredCrl>();
  #crls: readonly Crl[] = [];

  constructor(clock: Clock, clockSkewMs: number) {
    this.#clock = clock;
    this.#clockSkewMs = clockSkewMs;
  }

  /** The same array until something changes. */
  get crls(): readonly Crl[] {
    return this.#crls;
  }

  get stored(): readonly StoredCrl[] {
    return [...this.#newest.values()];
  }

  /** True when it is news. Throws `crl_rolled_back` or `crl_invalid`; then the one that was there stays. */
  admit(crl: Crl, source: string): boolean {
    const nowMs = this.#clock.wallMs();
    if (crl.thisUpdateMs > nowMs + this.#clockSkewMs) {
      throw new XpsError('crl_invalid', { detail: `${source}: it is from the future, ${new Date(crl.thisUpdateMs).toISOString()}; compare the clocks` });
    }
    const scope = scopeOf(crl, source);
    const known = this.#newest.get(scope);
    if (known !== undefined) {
      if (equalBytes(known.crl.der, crl.der)) return false;
      checkIsNewer(crl, known.crl, source);
    }
    this.#prune(nowMs);
    this.#checkRoom(crl, source, known?.crl);
    this.#newest.set(scope, { crl, source });
    this.#crls = [...this.#newest.values()].map((stored) => stored.crl);
    return true;
  }

  /** Takes each by itself, so that one bad CRL keeps no good one out. */
  admitAll(candidates: readonly StoredCrl[]): { readonly hasChanged: boolean; readonly failures: readonly XpsError[] } {
    let hasChanged = false;
    const failures: XpsError[] = [];
    for (const { crl, source } of candidates) {
      try {
        hasChanged = this.admit(crl, source) || hasChanged;
      } catch (thrown) {
        failures.push(toXpsError(thrown));
      }
    }
    return { hasChanged, failures };
  }

  #prune(nowMs: number): void {
    for (const [scope, { crl }] of this.#newest) {
      if (crl.nextUpdateMs !== undefined && crl.nextUpdateMs + KEPT_AFTER_END_MS < nowMs) this.#newest.delete(scope);
    }
  }

  #checkRoom(crl: Crl, source: string, replaced: Crl | undefined): void {
    const others = [...this.#newest.values()].reduce((sum, stored) => sum + stored.crl.der.length, 0) - (replaced?.der.length ?? 0);
    const isFull = (replaced === undefined && this.#newest.size >= MAX_CRLS) || others + crl.der.length > MAX_TOTAL_BYTES;
    if (isFull) throw new XpsError('crl_invalid', { detail: `${source}: there are more CRLs than fit (${MAX_CRLS} of ${MAX_TOTAL_BYTES} bytes together)` });
  }
}

/** RFC 5280 §5.2.3: numbers grow. Some CAs repeat one; then the dates decide. */
function checkIsNewer(crl: Crl, known: Crl, source: string): void {
  const isOlder = crl.number < known.number || (crl.number === known.number && crl.thisUpdateMs < known.thisUpdateMs);
  if (!isOlder) return;
  throw new XpsError('crl_rolled_back', {
    detail: `${source}: number ${crl.number} of ${new Date(crl.thisUpdateMs).toISOString()}, in use is ${known.number} of ${new Date(known.thisUpdateMs).toISOString()}`,
  });
}

/** CRLs with the same key replace one another: same issuer and key, same scope, both base or both delta. */
function scopeOf(crl: Crl, source: string): string {
  // Without an identifier of the key two CAs of one name cannot be told apart here: neither may hide the other.
  const key = crl.authorityKeyId === undefined ? `source ${source}` : toHex(crl.authorityKeyId);
  const scope = crl.scopeDer === undefined ? '' : toHex(crl.scopeDer);
  return [crl.issuer.key, key, scope, crl.baseNumber === undefined ? 'base' : 'delta'].join('\u0000');
}
