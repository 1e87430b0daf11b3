/** Entries of peers that were accepted; each is a few kilobytes at most. */
const MAX_ACCEPTED = 4096;
/** Refusals are remembered apart, so that a flood of them displaces nothing. */
const MAX_REFUSED = 512;
/** Long enough for a peer that tries again and again, too short to outlast a correction by the operator. */
const REFUSED_MS = 2000;

/** Everything besides the presented bytes that a verdict depends on. */
export interface VerdictBasis {
  /** Bumped by every change of bundles, pins, CRLs. */
  readonly generation: number;
  /** OCSP answers change one certificate at a time: the version of each slot that was looked at. */
  readonly isStillTold?: () => boolean;
}

interface Entry<T> extends VerdictBasis {
  readonly outcome: T;
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Verdicts by a key over what was presented. An entry answers only under the generation it was made in and within its
 * time: not before it was made (a clock that was set back) and not from its end on.
 */
export class VerdictCache<Accepted, Refused> {
  readonly #accepted = new Map<string, Entry<Accepted>>();
  readonly #refused = new Map<string, Entry<Refused>>();

  accepted(key: string, generation: number, nowMs: number): Accepted | undefined {
    return find(this.#accepted, key, generation, nowMs);
  }

  refused(key: string, generation: number, nowMs: number): Refused | undefined {
    return find(this.#refused, key, generation, nowMs);
  }

  accept(key: string, outcome: Accepted, basis: VerdictBasis, nowMs: number, untilMs: number): void {
    this.#refused.delete(key);
    keep(this.#accepted, MAX_ACCEPTED, key, { outcome, ...basis, fromMs: nowMs, untilMs });
  }

  refuse(key: string, outcome: Refused, basis: VerdictBasis, nowMs: number): void {
    this.#accepted.delete(key);
    keep(this.#refused, MAX_REFUSED, key, { outcome, ...basis, fromMs: nowMs, untilMs: nowMs + REFUSED_MS });
  }
}

function find<T>(entries: Map<string, Entry<T>>, key: string, generation: number, nowMs: number): T | undefined {
  const entry = entries.get(key);
  if (entry === undefined) return undefined;
  const holds = entry.generation === generation && nowMs >= entry.fromMs && nowMs < entry.untilMs && entry.isStillTold?.() !== false;
  entries.delete(key);
  if (!holds) return undefined;
  // Back at the end: the first of a Map is the one that was not asked for the longest time.
  entries.set(key, entry);
  return entry.outcome;
}

function keep<T>(entries: Map<string, Entry<T>>, limit: number, key: string, entry: Entry<T>): void {
  entries.delete(key);
  if (entries.size >= limit) entries.delete(entries.keys().next().value as string);
  entries.set(key, entry);
}
