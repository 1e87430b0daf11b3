import { toHex, type Bytes } from '../../base/bytes.ts';
import type { MintedTicket } from '../../channel/session.ts';
import type { Suite } from '../../handshake/codepoints.ts';
import type { PresentedCredential } from '../../handshake/messages/certificate.ts';
import type { ClientTicket, ServerTicket } from '../../handshake/settings.ts';

/** docs/PROTOCOL.md §10.3: a full, signed handshake at least this often, counted along the whole series. */
const SERIES_MS = 24 * 3_600_000;
const LIFETIME_S = 3600;
const KEPT_PER_TARGET = 4;
const KEPT_BY_SERVER = 10_000;

/** What a ticket is bound to on this side besides the peer: own leaf, trust and policy, as one text. */
export type Binding = string;

/** The signed handshake that a channel's resumptions go back to. */
export interface Series {
  readonly signedAtMs: number;
}

interface Kept {
  readonly minted: MintedTicket;
  readonly suite: Suite;
  readonly peer: PresentedCredential;
  readonly binding: Binding;
  readonly series: Series;
  readonly expiresAtMs: number;
}

/** Seconds that a ticket of this series may live from now; 0: none may be minted. */
export function ticketLifetimeS(series: Series, nowMs: number): number {
  return Math.max(0, Math.min(LIFETIME_S, Math.floor((series.signedAtMs + SERIES_MS - nowMs) / 1000)));
}

export interface KeepRequest {
  readonly minted: MintedTicket;
  readonly suite: Suite;
  readonly peer: PresentedCredential;
  readonly binding: Binding;
  readonly series: Series;
  readonly nowMs: number;
}

function keep(request: KeepRequest): Kept {
  const { minted, series, nowMs } = request;
  const lifetimeMs = Math.min(minted.lifetimeS * 1000, series.signedAtMs + SERIES_MS - nowMs);
  return { ...request, expiresAtMs: nowMs + lifetimeMs };
}

function isGood(kept: Kept, binding: Binding, nowMs: number): boolean {
  return nowMs < kept.expiresAtMs && kept.binding === binding;
}

/** Tickets of a client tunnel, by target. Each is given out once. */
export class ClientTickets implements Disposable {
  readonly #byTarget = new Map<string, Kept[]>();

  put(target: string, request: KeepRequest): void {
    const kept = this.#byTarget.get(target) ?? [];
    kept.push(keep(request));
    if (kept.length > KEPT_PER_TARGET) kept.shift()?.minted.psk[Symbol.dispose]();
    this.#byTarget.set(target, kept);
  }

  /** The newest that still fits. */
  take(target: string, binding: Binding, suites: readonly Suite[], nowMs: number): { readonly ticket: ClientTicket; readonly series: Series } | undefined {
    const kept = this.#byTarget.get(target) ?? [];
    for (let last = kept.pop(); last !== undefined; last = kept.pop()) {
      const { minted, suite, peer, series } = last;
      if (isGood(last, binding, nowMs) && suites.some(({ id }) => id === suite.id)) {
        return { ticket: { ticket: minted.ticket, psk: minted.psk, suite, peer }, series };
      }
      minted.psk[Symbol.dispose]();
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    for (const kept of this.#byTarget.values()) for (const { minted } of kept) minted.psk[Symbol.dispose]();
    this.#byTarget.clear();
  }
}

/** Tickets that a server tunnel gave out. Each is accepted once. */
export class ServerTickets implements Disposable {
  readonly #kept = new Map<string, Kept>();

  put(request: KeepRequest): void {
    this.#kept.set(toHex(request.minted.ticket), keep(request));
    if (this.#kept.size <= KEPT_BY_SERVER) return;
    const oldest = this.#kept.keys().next().value;
    if (oldest !== undefined) this.#remove(oldest)?.minted.psk[Symbol.dispose]();
  }

  redeem(ticket: Bytes, binding: Binding, nowMs: number): { readonly ticket: ServerTicket; readonly series: Series } | undefined {
    const kept = this.#remove(toHex(ticket));
    if (kept === undefined) return undefined;
    const { minted, suite, peer, series } = kept;
    if (isGood(kept, binding, nowMs)) return { ticket: { psk: minted.psk, suite, peer }, series };
    minted.psk[Symbol.dispose]();
    return undefined;
  }

  [Symbol.dispose](): void {
    for (const { minted } of this.#kept.values()) minted.psk[Symbol.dispose]();
    this.#kept.clear();
  }

  #remove(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    return kept;
  }
}
