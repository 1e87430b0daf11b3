// The seam between a channel and a data plane that takes its bytes over: what goes down once, what is asked of the plane
// afterwards, and what comes up. record/native/plane/README.md describes the other side.
import type { Bytes } from '../base/bytes.ts';
import type { XpsError } from '../base/errors.ts';
import type { AeadAlgorithm } from '../engines/contract.ts';
import type { Side, TrafficKeys } from '../handshake/key-schedule.ts';
import type { ResetReason } from './messages/stream-messages.ts';
import type { LaneState } from './streams.ts';

/** What one key has carried, records and content bytes. */
export interface Usage {
  readonly records: number;
  readonly bytes: number;
}

/** A key that is in force, with its place in the sequence. Whoever takes it over disposes of it. */
export interface KeyInUse extends TrafficKeys {
  readonly epoch: number;
  readonly used: Usage;
}

/** An established channel, ready to be carried elsewhere. */
export interface HandOff {
  readonly side: Side;
  readonly aead: AeadAlgorithm;
  readonly recordLimit: number;
  readonly send: KeyInUse;
  readonly receive: KeyInUse;
  readonly stream: LaneState;
  /** C: further streams may be opened. */
  readonly mayOpen: boolean;
  /** Bytes of the transport that no record was made of yet. */
  readonly unread: Bytes;
  /** Records that were sealed and not given to the transport yet. */
  readonly unsent: Bytes;
  /** Of each key: reaching one is reported as `due`. */
  readonly softLimits: Usage;
}

/** What a channel asks of the plane that carries it. Everything since the last `flush` is done in one piece, in order. */
export interface Carrier {
  /** A whole message, sealed with the present key. */
  seal(message: Bytes): void;
  /** Copied at once. `on-epoch`: comes into force with the first record of its epoch (docs/PROTOCOL.md §9.6). */
  install(direction: 'send' | 'receive', epoch: number, keys: TrafficKeys, when: 'now' | 'on-epoch'): void;
  /** C: no further stream; Close as soon as none is open. */
  close(): void;
  /** Aborts the stream that is open. */
  reset(reason: ResetReason): void;
  /** The end: keys are wiped, applications reset; what was sealed still goes out. */
  kill(): void;
  flush(): void;

  /** Of the key of this epoch; nothing, while the plane has not installed it yet. */
  sent(epoch: number): Usage;
  received(epoch: number): Usage;
  readonly isIdle: boolean;
  /** Grows with every record and stream: while it stands still nothing has happened. */
  readonly changes: number;
  /** Which kernel seals, for operators. */
  readonly provider: string;
}

/** What the plane reports of a channel. */
export type CarrierEvent =
  /** A message that the plane does not handle. `hasMoved`: DATA was sent or received since the last one (§7.2). */
  | { readonly kind: 'message'; readonly message: Bytes; readonly epoch: number; readonly hasMoved: boolean }
  /** A soft limit of a key was reached. `hasMoved` as above. */
  | { readonly kind: 'due'; readonly hasMoved: boolean }
  /** S: an Open that the plane cannot serve by itself. */
  | { readonly kind: 'open'; readonly message: Bytes }
  | { readonly kind: 'over' }
  /** Our Close was sent. */
  | { readonly kind: 'closing' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly error: XpsError };
