import { unlinkSync } from 'node:fs';
import { toXpsError, XpsError } from '../../base/errors.ts';
import type { ClientTunnel } from '../config/schema.ts';
import { errorFields, type Log } from '../log.ts';
import { listenFailure } from '../transports/network-errors.ts';
import type { Listener } from '../transports/transport.ts';
import { clearStaleSocket } from '../transports/unix-socket-file.ts';
import type { TunnelCounters } from '../tunnels/counters.ts';
import type { Link } from '../tunnels/link.ts';
import { longestRestMs, type KeptChannels } from '../tunnels/pool.ts';
import { isSocket } from './carriable.ts';
import { ROUTE_COUNTER } from './counter-slots.ts';
import type { NativePlane, Route } from './native-plane.ts';
import { resolved } from './resolved.ts';

const BACKLOG = 4096;
/** How often idle channels are looked at. */
const LOOK_MS = 1000;

export interface ClientRouteOptions {
  readonly plane: NativePlane;
  readonly config: ClientTunnel;
  readonly counters: TunnelCounters;
  readonly log: Log;
  /** Dials and shakes hands; resolves when a stream could be opened. Rejects with an XpsError. */
  readonly open: () => Promise<Link>;
  readonly nowMs: () => number;
}

interface Carried {
  changes: number;
  /** Since when nothing has happened. */
  sinceMs: number;
}

/**
 * A client tunnel whose applications the plane accepts and carries over warm channels by itself. What is left to do here:
 * open channels when some are wanted, close those that grow old.
 */
export class ClientRoute implements KeptChannels {
  readonly #options: ClientRouteOptions;
  readonly #route: Route;
  readonly #carried = new Map<Link, Carried>();
  /** Handed over, but the plane has not looked at them yet. */
  readonly #arriving = new Set<Link>();
  /** From the dial to the hand-over. */
  #opening = 0;
  #failures = 0;
  #restsUntilMs = 0;
  #isWarming = false;
  #isDraining = false;
  #lookedAtMs = 0;

  constructor(options: ClientRouteOptions) {
    this.#options = options;
    const { timeouts, limits } = options.config;
    this.#route = options.plane.addRoute({
      idleMs: timeouts.idleMs ?? 0,
      connectMs: timeouts.connectMs,
      connections: limits.connections,
      reportsOver: false,
      onWaiting: () => this.#fill(),
      onTargetFailed: () => undefined,
      onTargetWorked: () => undefined,
      onListenerFailed: (error) => options.log.warn('accepting a connection failed', errorFields(error)),
    });
  }

  get idleCount(): number {
    return this.#route.slot.read(ROUTE_COUNTER.idleChannels);
  }

  get openConnections(): number {
    return this.#route.slot.read(ROUTE_COUNTER.open);
  }

  /** Rejects with `listen_failed`. */
  async listen(): Promise<Listener> {
    const { listen } = this.#options.config;
    if (!isSocket(listen)) throw new XpsError('internal_error', { detail: 'the plane listens on sockets only' });
    if (listen.scheme === 'unix') await clearStaleSocket(listen.path);
    try {
      const [address = ''] = await resolved(listen);
      const port = this.#route.listen(address, BACKLOG);
      const url = listen.scheme === 'unix' ? listen.url : `tcp://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}`;
      return { url, close: () => this.#stopListening() };
    } catch (thrown) {
      throw listenFailure(listen.url, thrown);
    }
  }

  /** The channel is established: the plane takes it. */
  adopt(link: Link): void {
    const { plane, nowMs } = this.#options;
    this.#opening -= 1;
    if (!link.handOver((descriptor, unread) => plane.adopt(link.channel, this.#route, descriptor, unread))) {
      link.fail(new XpsError('internal_error', { detail: 'the data plane could not take a channel over' }));
      return;
    }
    this.#carried.set(link, { changes: 0, sinceMs: nowMs() });
    this.#arriving.add(link);
    if (this.#isDraining) link.close();
    this.#fill();
  }

  startWarming(): void {
    this.#isWarming = true;
    this.#fill();
  }

  giveBack(): void {
    // The plane has done it.
  }

  remove(link: Link): void {
    this.#carried.delete(link);
  }

  openingFailed(): void {
    this.#opening -= 1;
    this.#failed(new XpsError('channel_truncated', { detail: 'the server did not confirm the channel' }));
  }

  confirmed(): void {
    this.#failures = 0;
    this.#restsUntilMs = 0;
  }

  beat(): void {
    this.count();
    this.#fill();
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#lookedAtMs < LOOK_MS) return;
    this.#lookedAtMs = nowMs;
    this.#closeOld(nowMs);
  }

  drain(): void {
    this.#isDraining = true;
    for (const link of this.#carried.keys()) link.close();
  }

  abandon(error: XpsError): void {
    const waiting = this.#route.slot.read(ROUTE_COUNTER.waiting);
    if (waiting > 0) this.#options.log.warn('no channel for applications', { waiting, ...errorFields(error) });
    this.#route.refuseWaiting(waiting);
  }

  /** Brings the counters of the tunnel up to date. */
  count(): void {
    const { counters } = this.#options;
    const { slot } = this.#route;
    counters.accepted = slot.read(ROUTE_COUNTER.opened) + slot.read(ROUTE_COUNTER.refused);
    counters.refused = slot.read(ROUTE_COUNTER.refused);
    counters.streamsOpened = slot.read(ROUTE_COUNTER.streams);
    counters.streamsOnWarmChannels = slot.read(ROUTE_COUNTER.servedWarm);
    counters.streamsAborted = slot.read(ROUTE_COUNTER.endedByReset) + slot.read(ROUTE_COUNTER.endedIdle);
    counters.bytesToChannel = slot.read(ROUTE_COUNTER.bytesToChannel);
    counters.bytesFromChannel = slot.read(ROUTE_COUNTER.bytesFromChannel);
  }

  /** Channels for those who wait, and `warm` ones ahead of need. */
  #fill(): void {
    const { config, nowMs } = this.#options;
    for (const link of this.#arriving) if (link.isOver || link.carried?.hasArrived !== false) this.#arriving.delete(link);
    const waiting = this.#route.slot.read(ROUTE_COUNTER.waiting);
    const isResting = nowMs() < this.#restsUntilMs;
    const warm = this.#isWarming && !this.#isDraining && !isResting ? Math.max(0, config.pool.warm - this.idleCount) : 0;
    const wanted = Math.min(waiting + warm, config.limits.handshakes) - this.#opening - this.#arriving.size;
    for (let i = 0; i < wanted; i += 1) this.#open();
  }

  #open(): void {
    this.#opening += 1;
    this.#options.open().catch((thrown: unknown) => {
      this.#opening -= 1;
      this.#failed(toXpsError(thrown));
      this.#fill();
    });
  }

  /** Opening another one at once would fail as well; who has waited longest is told. */
  #failed(error: XpsError): void {
    this.#failures += 1;
    this.#restsUntilMs = this.#options.nowMs() + longestRestMs(this.#failures);
    if (this.#route.slot.read(ROUTE_COUNTER.waiting) === 0) return;
    this.#options.log.warn('no channel for an application', errorFields(error));
    this.#route.refuseWaiting(1);
  }

  #closeOld(nowMs: number): void {
    const { warm, maxIdle, idleMs } = this.#options.config.pool;
    const idle: { readonly link: Link; readonly sinceMs: number }[] = [];
    for (const [link, carried] of this.#carried) {
      const changes = link.carried?.changes ?? 0;
      if (changes !== carried.changes) Object.assign(carried, { changes, sinceMs: nowMs });
      if (!link.isBusy) idle.push({ link, sinceMs: carried.sinceMs });
    }
    idle.sort((one, other) => one.sinceMs - other.sinceMs);
    for (const [index, { link, sinceMs }] of idle.entries()) {
      const left = idle.length - index;
      if (left > maxIdle || (left > warm && nowMs - sinceMs > idleMs)) link.close();
    }
  }

  #stopListening(): Promise<void> {
    this.#route.stopListening();
    const { listen } = this.#options.config;
    if (listen.scheme === 'unix') {
      try {
        unlinkSync(listen.path);
      } catch {
        // Somebody has removed it already; nothing is left behind.
      }
    }
    return Promise.resolve();
  }
}
