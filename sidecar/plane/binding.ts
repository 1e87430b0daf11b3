// What the addon exports for the data plane (record/native/plane/plane_binding.cc), and how to get it.
import { XpsError } from '../../base/errors.ts';
import { loadAddon } from '../../engines/native-addon.ts';
import type { DataPlaneChoice } from '../config/environment.ts';

declare const planeBrand: unique symbol;
/** A running I/O thread, opaque. */
export interface PlaneHandle {
  readonly [planeBrand]: true;
}

export type PlaneEventKind =
  | 'message' | 'due' | 'open' | 'over' | 'closing' | 'closed' | 'failed' | 'gone' | 'waiting' | 'listener-failed'
  | 'target-failed' | 'target-worked';

export interface PlaneEvent {
  readonly kind: PlaneEventKind;
  /** Of a channel, or of a route. */
  readonly id: number;
  readonly epoch: number;
  readonly hasMoved: boolean;
  readonly number: number;
  /** A reason of base/reasons.ts; constant. */
  readonly reason: string;
  readonly detail: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface NativeKey {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly epoch: number;
  readonly records: number;
  readonly bytes: number;
}

export interface NativeHandOff {
  readonly route: number;
  readonly slot: number;
  readonly descriptor: number;
  /** 0 client, 1 server. */
  readonly side: number;
  readonly aead: number;
  readonly recordLimit: number;
  readonly softRecords: number;
  readonly softBytes: number;
  readonly send: NativeKey;
  readonly receive: NativeKey;
  readonly lane: {
    readonly number: number;
    readonly sending: number;
    readonly receiving: number;
    readonly wasLastEnded: boolean;
    readonly sentBytes: number;
    readonly receivedBytes: number;
    readonly totalSent: number;
    readonly totalReceived: number;
  };
  readonly mayOpen: boolean;
  readonly unread: Uint8Array;
  readonly unsent: Uint8Array;
}

export type PlaneOperation =
  | { readonly kind: 'seal'; readonly message: Uint8Array }
  | ({ readonly kind: 'send-key'; readonly aead: number } & NativeKey)
  | ({ readonly kind: 'receive-key'; readonly aead: number; readonly onEpoch: boolean } & NativeKey)
  | { readonly kind: 'close' | 'kill' }
  | { readonly kind: 'reset'; readonly reason: number };

/** Numbers of counters in a slab, see counters.ts. */
export interface NativeRoute {
  readonly slot: number;
  /** 0: none. */
  readonly idleMs: number;
  readonly connectMs: number;
  readonly connections: number;
  /** Whether the end of each stream is reported: it costs a call of JavaScript per connection. */
  readonly reportsOver: boolean;
}

/** Wrong arguments throw a TypeError or RangeError; what the system refuses an Error with the errno's name as `code`. */
export interface PlaneBinding {
  planeStart(onEvents: (events: readonly PlaneEvent[]) => void): PlaneHandle;
  planeStop(plane: PlaneHandle): void;
  planeSlab(plane: PlaneHandle): ArrayBuffer;
  planeRoute(plane: PlaneHandle, route: NativeRoute): number;
  /** `unix:/path`, `tcp:address:port`; tried in order. Empty: streams are reported as `open`. `tags` name them in events. */
  planeTargets(plane: PlaneHandle, route: number, addresses: readonly string[], tags: Uint32Array): void;
  planeListen(plane: PlaneHandle, route: number, descriptor: number): void;
  planeStopListening(plane: PlaneHandle, route: number): void;
  planeRefuseWaiting(plane: PlaneHandle, route: number, count: number): void;
  planeAdopt(plane: PlaneHandle, handOff: NativeHandOff): number;
  planePerform(plane: PlaneHandle, channel: number, operations: readonly PlaneOperation[]): void;
  planeCarry(plane: PlaneHandle, channel: number, descriptor: number, early: Uint8Array, kind: number, destination: Uint8Array): void;
  planeAttach(plane: PlaneHandle, channel: number, stream: number, descriptor: number): void;
  /** `unix:/path`, `tcp:address:port` → a descriptor that listens. */
  bindListener(address: string, backlog: number): number;
  localPort(descriptor: number): number;
  closeDescriptor(descriptor: number): void;
}

/**
 * The plane that `XPS_DATA_PLANE` asks for: undefined where the portable path has to do, which `native` does not accept
 * (throws `data_plane_unavailable`).
 */
export function findPlaneBinding(choice: DataPlaneChoice, isaMask?: string): PlaneBinding | undefined {
  if (choice === 'portable') return undefined;
  const loaded = loadAddon(isaMask);
  if (loaded.addon !== undefined) return loaded.addon as unknown as PlaneBinding;
  if (choice === 'auto') return undefined;
  throw new XpsError('data_plane_unavailable', { detail: loaded.reason });
}
