// Two data planes in one process, joined by warm channels over real sockets: applications connect to the client's
// listener and arrive at the server's target.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { findPlaneBinding, type PlaneBinding } from '../../sidecar/plane/binding.ts';
import type { CarriedChannel } from '../../sidecar/plane/carried-channel.ts';
import { ROUTE_COUNTER } from '../../sidecar/plane/counter-slots.ts';
import { NativePlane, type Route, type RouteOptions } from '../../sidecar/plane/native-plane.ts';
import { establishedPair, type PairOptions, type TestPair } from './channel-pair.ts';

export const binding: PlaneBinding | undefined = findPlaneBinding('auto');
/** For `t.test`: loud where the addon is not built. */
export const needsPlane: { readonly skip?: string } = binding === undefined ? { skip: 'the addon is not built' } : {};

interface Teardown {
  teardown(action: () => void): void;
}

export interface PlanePairOptions extends PairOptions {
  /** Where the server dials; absent: its streams are reported as open. */
  readonly target?: string;
  readonly route?: Partial<RouteOptions>;
  readonly listen?: string;
}

/** Where the time of a TestPair begins; it must not go back. */
const STARTED_MS = 1_000_000;

/** One channel whose both ends are carried. */
export interface CarriedPair {
  readonly pair: TestPair;
  readonly client: CarriedChannel;
  readonly server: CarriedChannel;
}

const ROUTE: RouteOptions = {
  idleMs: 0, connectMs: 5000, connections: 100_000, reportsOver: true,
  onWaiting: () => undefined,
  onListenerFailed: () => undefined,
  onTargetFailed: () => undefined,
  onTargetWorked: () => undefined,
};

export class PlanePair {
  readonly clientPlane: NativePlane;
  readonly serverPlane: NativePlane;
  readonly clientRoute: Route;
  readonly serverRoute: Route;
  /** Of the client's listener. */
  readonly port: number;
  readonly channels: CarriedPair[] = [];
  /** Connections that had no channel when they came. */
  waited = 0;
  readonly #options: PlanePairOptions;

  constructor(t: Teardown, options: PlanePairOptions = {}) {
    if (binding === undefined) throw new Error('the addon is not built');
    this.#options = options;
    this.clientPlane = new NativePlane(binding);
    this.serverPlane = new NativePlane(binding);
    t.teardown(() => {
      this.clientPlane[Symbol.dispose]();
      this.serverPlane[Symbol.dispose]();
    });
    const onWaiting = (): void => {
      this.waited += 1;
    };
    this.clientRoute = this.clientPlane.addRoute({ ...ROUTE, onWaiting, ...options.route });
    this.serverRoute = this.serverPlane.addRoute({ ...ROUTE, ...options.route });
    if (options.target !== undefined) this.serverRoute.setTargets([{ address: options.target, tag: 0 }]);
    this.port = this.clientRoute.listen(options.listen ?? 'tcp:127.0.0.1:0', 511);
    const beat = setInterval(() => {
      for (const { pair } of this.channels) {
        pair.nowMs = STARTED_MS + performance.now();
        pair.client.channel.tick();
        pair.server.channel.tick();
      }
    }, 20);
    t.teardown(() => clearInterval(beat));
  }

  /** One more channel, idle. */
  async warm(): Promise<CarriedPair> {
    const [one, other] = await joinedSockets();
    const pair = establishedPair(this.#options);
    pair.nowMs = STARTED_MS + performance.now();
    const client = this.clientPlane.adopt(pair.client.channel, this.clientRoute, descriptorOf(one));
    const server = this.serverPlane.adopt(pair.server.channel, this.serverRoute, descriptorOf(other));
    one.destroy();
    other.destroy();
    const carried = { pair, client, server };
    this.channels.push(carried);
    return carried;
  }

  count(side: 'client' | 'server', counter: keyof typeof ROUTE_COUNTER): number {
    return (side === 'client' ? this.clientRoute : this.serverRoute).slot.read(ROUTE_COUNTER[counter]);
  }

  get failures(): readonly string[] {
    return this.channels.flatMap(({ pair }) => [pair.client, pair.server]).flatMap(({ failure }) => (failure === undefined ? [] : [failure.message]));
  }
}

export function startPlane(t: Teardown): NativePlane {
  if (binding === undefined) throw new Error('the addon is not built');
  const plane = new NativePlane(binding);
  t.teardown(() => plane[Symbol.dispose]());
  return plane;
}

/** A connection's two ends, paused. */
export async function joinedSockets(): Promise<readonly [Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const one = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [[other]] = (await Promise.all([once(server, 'connection'), once(one, 'connect')])) as unknown as [[Socket], unknown];
  one.setNoDelay(true);
  other.setNoDelay(true);
  server.close();
  return [one, other];
}

export function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle: { readonly fd: number } | null };
  if (handle === null) throw new Error('the socket is closed');
  return handle.fd;
}

/** Until `condition` holds; rejects after `limitMs`. */
export async function until(condition: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
