import type { PlainAddress, ServerTunnel } from '../config/schema.ts';
import { XpsError } from '../../base/errors.ts';
import { errorFields, type Log } from '../log.ts';
import { dialFailure } from '../transports/network-errors.ts';
import { SocketTransport } from '../transports/socket-transport.ts';
import type { Transport } from '../transports/transport.ts';
import type { TunnelCounters } from '../tunnels/counters.ts';
import type { Link } from '../tunnels/link.ts';
import type { Targets } from '../tunnels/targets.ts';
import { isSocket } from './carriable.ts';
import { ROUTE_COUNTER } from './counter-slots.ts';
import type { NativePlane, Route } from './native-plane.ts';
import { resolved } from './resolved.ts';

/** How long the addresses of a name are used before it is asked for again. */
const RESOLVE_MS = 10_000;

export interface ServerRouteOptions {
  readonly plane: NativePlane;
  readonly config: ServerTunnel;
  readonly counters: TunnelCounters;
  readonly targets: Targets<PlainAddress>;
  readonly log: Log;
  readonly nowMs: () => number;
}

/** A server tunnel whose streams the plane connects to their targets by itself. */
export class ServerRoute {
  readonly #options: ServerRouteOptions;
  readonly #route: Route;
  /** By the place in the configuration, which is the tag of a target; empty while a name has no address. */
  #addresses: readonly (readonly string[])[] = [];
  #order = '';
  #resolvedAtMs = Number.NEGATIVE_INFINITY;
  #isResolving = false;
  #unreachable = 0;

  constructor(options: ServerRouteOptions) {
    this.#options = options;
    const { timeouts, limits } = options.config;
    this.#route = options.plane.addRoute({
      idleMs: timeouts.idleMs ?? 0,
      connectMs: timeouts.connectMs,
      connections: limits.connections,
      reportsOver: false,
      onWaiting: () => undefined,
      onListenerFailed: () => undefined,
      onTargetFailed: (tag, code) => this.#targetFailed(tag, code),
      onTargetWorked: (tag) => this.#targetWorked(tag),
    });
  }

  get openConnections(): number {
    return this.#route.slot.read(ROUTE_COUNTER.open);
  }

  /** Before channels come. Names that cannot be resolved now are tried again; until then streams are connected from here. */
  async start(): Promise<void> {
    await this.#resolve();
  }

  /** The channel is established: the plane takes it. */
  adopt(link: Link): void {
    if (link.handOver((descriptor, unread) => this.#options.plane.adopt(link.channel, this.#route, descriptor, unread))) return;
    link.fail(new XpsError('internal_error', { detail: 'the data plane could not take a channel over' }));
  }

  /** The target of a stream that the plane could not connect by itself. */
  attach(link: Link, stream: number, application: Transport): void {
    const carried = link.carried;
    if (carried !== undefined && application instanceof SocketTransport) {
      if (application.release((descriptor) => carried.attach(stream, descriptor))) return;
    }
    application.reset();
  }

  beat(): void {
    this.count();
    this.#arrange();
    const nowMs = this.#options.nowMs();
    if (!this.#isResolving && nowMs - this.#resolvedAtMs > RESOLVE_MS) void this.#resolve();
  }

  /** Brings the counters of the tunnel up to date. */
  count(): void {
    const { counters } = this.#options;
    const { slot } = this.#route;
    counters.streamsOpened = slot.read(ROUTE_COUNTER.streams);
    counters.streamsAborted = slot.read(ROUTE_COUNTER.endedByReset) + slot.read(ROUTE_COUNTER.endedIdle);
    counters.bytesToChannel = slot.read(ROUTE_COUNTER.bytesToChannel);
    counters.bytesFromChannel = slot.read(ROUTE_COUNTER.bytesFromChannel);
    const unreachable = slot.read(ROUTE_COUNTER.unreachable);
    counters.targetsUnreachable += unreachable - this.#unreachable;
    this.#unreachable = unreachable;
  }

  async #resolve(): Promise<void> {
    const { config, log, nowMs } = this.#options;
    this.#isResolving = true;
    this.#resolvedAtMs = nowMs();
    try {
      this.#addresses = await Promise.all(config.connect.filter(isSocket).map(resolved));
      this.#arrange();
    } catch (thrown) {
      log.warn('a target has no address now', { targets: config.connect.map(({ url }) => url).join(' '), ...errorFields(thrown) });
    } finally {
      this.#isResolving = false;
    }
  }

  /** Targets that rest come last; sent down when the order has changed. */
  #arrange(): void {
    const { config, targets, nowMs } = this.#options;
    if (this.#addresses.length === 0) return;
    const order = targets.inOrder(nowMs()).map((target) => config.connect.indexOf(target));
    const arranged = order.flatMap((tag) => (this.#addresses[tag] ?? []).map((address) => ({ address, tag })));
    const description = arranged.map(({ address }) => address).join(' ');
    if (description === this.#order) return;
    this.#order = description;
    this.#route.setTargets(arranged);
  }

  #targetFailed(tag: number, code: string): void {
    const { config, targets, nowMs, log } = this.#options;
    const target = config.connect[tag];
    if (target === undefined) return;
    targets.failed(target, nowMs());
    const error = Object.assign(new Error(code), { code });
    log.warn('target cannot be reached', { target: target.url, ...errorFields(dialFailure(target.url, error)) });
    this.#arrange();
  }

  #targetWorked(tag: number): void {
    const target = this.#options.config.connect[tag];
    if (target === undefined) return;
    this.#options.targets.worked(target);
    this.#arrange();
  }
}
