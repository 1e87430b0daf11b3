// Front of this folder: one I/O thread with the channels and routes that it carries.
import { concat, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import type { SecureChannel } from '../../channel/channel.ts';
import type { NativeRoute, PlaneBinding, PlaneEvent, PlaneHandle, PlaneOperation } from './binding.ts';
import { CarriedChannel, type CarriedPlane } from './carried-channel.ts';
import { CounterSlots, type CounterSlot } from './counter-slots.ts';
import { HandshakeLitter } from './handshake-litter.ts';

const NOTHING = new Uint8Array(0);

export interface RouteOptions extends Omit<NativeRoute, 'slot'> {
  /** So many accepted connections have no channel. */
  readonly onWaiting: (count: number) => void;
  readonly onListenerFailed: (error: XpsError) => void;
  /** The target of this tag could not be connected to; reported once a second at most. `code`: the errno's name. */
  readonly onTargetFailed: (tag: number, code: string) => void;
  /** A target that had failed could be connected to again. */
  readonly onTargetWorked: (tag: number) => void;
}

export interface RouteTarget {
  readonly address: string;
  /** Names it in reports; several addresses of one target have the same. */
  readonly tag: number;
}

/** What a tunnel is to the plane. */
export class Route {
  readonly slot: CounterSlot;
  readonly id: number;
  readonly options: RouteOptions;
  readonly #binding: PlaneBinding;
  readonly #plane: PlaneHandle;

  constructor(binding: PlaneBinding, plane: PlaneHandle, slot: CounterSlot, options: RouteOptions) {
    this.slot = slot;
    this.options = options;
    this.#binding = binding;
    this.#plane = plane;
    const { idleMs, connectMs, connections, reportsOver } = options;
    this.id = binding.planeRoute(plane, { slot: slot.number, idleMs, connectMs, connections, reportsOver });
  }

  /** `tcp:address:port` or `unix:/path`, in the order to be tried; none: streams are reported to their channel as open. */
  setTargets(targets: readonly RouteTarget[]): void {
    const tags = Uint32Array.from(targets, ({ tag }) => tag);
    this.#binding.planeTargets(this.#plane, this.id, targets.map(({ address }) => address), tags);
  }

  /** Binds and accepts; the port that was bound. Throws an Error with the errno's name as `code`. */
  listen(address: string, backlog: number): number {
    const descriptor = this.#binding.bindListener(address, backlog);
    try {
      const port = this.#binding.localPort(descriptor);
      this.#binding.planeListen(this.#plane, this.id, descriptor);
      return port;
    } finally {
      this.#binding.closeDescriptor(descriptor);
    }
  }

  stopListening(): void {
    this.#binding.planeStopListening(this.#plane, this.id);
  }

  refuseWaiting(count: number): void {
    this.#binding.planeRefuseWaiting(this.#plane, this.id, count);
  }
}

export class NativePlane implements CarriedPlane, Disposable {
  readonly #binding: PlaneBinding;
  readonly #handle: PlaneHandle;
  readonly #slots: CounterSlots;
  readonly #channels = new Map<number, CarriedChannel>();
  readonly #routes = new Map<number, Route>();
  readonly #litter = new HandshakeLitter();
  #isStopped = false;

  constructor(binding: PlaneBinding) {
    this.#binding = binding;
    this.#handle = binding.planeStart((events) => this.#receive(events));
    this.#slots = new CounterSlots(() => binding.planeSlab(this.#handle));
  }

  addRoute(options: RouteOptions): Route {
    const route = new Route(this.#binding, this.#handle, this.#slots.take(), options);
    this.#routes.set(route.id, route);
    return route;
  }

  /**
   * Takes an established channel over. `descriptor` is duplicated: the caller closes its own, which ends nothing. `unread` came
   * from it and has not been given to the channel. Throws `internal_error` when the system has no descriptor left; the channel
   * has to be given up then.
   */
  adopt(channel: SecureChannel, route: Route, descriptor: number, unread: Bytes = NOTHING): CarriedChannel {
    const slot = this.#slots.take();
    try {
      const carried = new CarriedChannel(channel, slot, this, (handOff) =>
        this.#binding.planeAdopt(this.#handle, {
          ...handOff, descriptor,
          unread: unread.length === 0 ? handOff.unread : concat([handOff.unread, unread]),
          slot: slot.number,
          route: route.id,
        }));
      this.#channels.set(carried.id, carried);
      this.#litter.handshake();
      return carried;
    } catch (thrown) {
      this.#slots.giveBack(slot);
      throw new XpsError('internal_error', { detail: 'the data plane could not take a channel over', cause: thrown });
    }
  }

  perform(channel: number, operations: readonly PlaneOperation[]): void {
    if (!this.#isStopped) this.#binding.planePerform(this.#handle, channel, operations);
  }

  attach(channel: number, stream: number, descriptor: number): void {
    if (!this.#isStopped) this.#binding.planeAttach(this.#handle, channel, stream, descriptor);
  }

  /** C: opens a stream for a connection that JavaScript accepted. The descriptor is duplicated. */
  carry(channel: CarriedChannel, descriptor: number, early: Uint8Array): void {
    this.#binding.planeCarry(this.#handle, channel.id, descriptor, early, 0, new Uint8Array(0));
  }

  /** Resets what is still there. */
  [Symbol.dispose](): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#litter[Symbol.dispose]();
    this.#binding.planeStop(this.#handle);
  }

  #receive(events: readonly PlaneEvent[]): void {
    for (const event of events) {
      if (event.kind === 'waiting') this.#routes.get(event.id)?.options.onWaiting(event.number);
      else if (event.kind === 'listener-failed') this.#listenerFailed(event);
      else if (event.kind === 'target-failed') this.#routes.get(event.id)?.options.onTargetFailed(event.number, event.detail);
      else if (event.kind === 'target-worked') this.#routes.get(event.id)?.options.onTargetWorked(event.number);
      else if (event.kind === 'gone') this.#gone(event.id);
      else this.#channels.get(event.id)?.receive(event);
    }
  }

  #listenerFailed(event: PlaneEvent): void {
    this.#routes.get(event.id)?.options.onListenerFailed(new XpsError('listen_failed', { detail: event.detail }));
  }

  #gone(id: number): void {
    const carried = this.#channels.get(id);
    if (carried === undefined) return;
    this.#channels.delete(id);
    this.#slots.giveBack(carried.slot);
  }
}
