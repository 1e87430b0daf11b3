import type { Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { isReason } from '../../base/reasons.ts';
import type { SecureChannel } from '../../channel/channel.ts';
import type { Carrier, HandOff, Usage } from '../../channel/hand-off.ts';
import { RESET_REASONS, type ResetReason } from '../../channel/messages/stream-messages.ts';
import { NATIVE_ALGORITHMS } from '../../engines/native-addon.ts';
import type { TrafficKeys } from '../../handshake/key-schedule.ts';
import type { NativeHandOff, NativeKey, PlaneEvent, PlaneOperation } from './binding.ts';
import { CHANNEL_COUNTER, type CounterSlot } from './counter-slots.ts';

const NOTHING: Usage = { records: 0, bytes: 0 };
const ENDINGS = ['open', 'ended', 'reset'] as const;

/** How a carried channel reaches its plane. */
export interface CarriedPlane {
  perform(channel: number, operations: readonly PlaneOperation[]): void;
  attach(channel: number, stream: number, descriptor: number): void;
}

/** A channel whose bytes the plane moves: passes operations down, in batches, and events up. */
export class CarriedChannel implements Carrier {
  readonly channel: SecureChannel;
  readonly slot: CounterSlot;
  readonly provider: string;
  readonly #plane: CarriedPlane;
  readonly #aead: number;
  #id: number | undefined;
  #operations: PlaneOperation[] = [];
  #isKilled = false;
  #openStream = 0;

  /** `adopt` gives the hand-off to the plane and answers with the channel's number there. */
  constructor(channel: SecureChannel, slot: CounterSlot, plane: CarriedPlane, adopt: (handOff: ReturnType<typeof nativeHandOff>) => number) {
    this.channel = channel;
    this.slot = slot;
    this.provider = channel.provider;
    this.#plane = plane;
    const handOff = channel.handOff(this);
    this.#aead = NATIVE_ALGORITHMS[handOff.aead];
    try {
      this.#id = adopt(nativeHandOff(handOff));
    } finally {
      for (const { key, iv } of [handOff.send, handOff.receive]) {
        key[Symbol.dispose]();
        iv[Symbol.dispose]();
      }
    }
  }

  get id(): number {
    if (this.#id === undefined) throw new XpsError('internal_error', { detail: 'the plane has not adopted this channel' });
    return this.#id;
  }

  seal(message: Bytes): void {
    this.#operations.push({ kind: 'seal', message });
  }

  install(direction: 'send' | 'receive', epoch: number, keys: TrafficKeys, when: 'now' | 'on-epoch'): void {
    // Copies, because the caller wipes its own at once and the batch goes down later; wiped when it has.
    const key = Uint8Array.from(keys.key.reveal());
    const iv = Uint8Array.from(keys.iv.reveal());
    const installed = { key, iv, epoch, records: 0, bytes: 0, aead: this.#aead };
    if (direction === 'send') this.#operations.push({ kind: 'send-key', ...installed });
    else this.#operations.push({ kind: 'receive-key', ...installed, onEpoch: when === 'on-epoch' });
  }

  close(): void {
    this.#operations.push({ kind: 'close' });
  }

  reset(reason: ResetReason): void {
    this.#operations.push({ kind: 'reset', reason: RESET_REASONS.indexOf(reason) });
  }

  kill(): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    this.#operations.push({ kind: 'kill' });
    this.flush();
  }

  flush(): void {
    if (this.#operations.length === 0 || this.#id === undefined) return;
    const operations = this.#operations;
    this.#operations = [];
    this.#plane.perform(this.#id, operations);
    for (const operation of operations) {
      if (!('key' in operation)) continue;
      operation.key.fill(0);
      operation.iv.fill(0);
    }
  }

  /** S: number of the stream that was reported as open last. */
  get openStream(): number {
    return this.#openStream;
  }

  /** S: the connection for a stream that was reported as open. */
  attach(stream: number, descriptor: number): void {
    this.#plane.attach(this.id, stream, descriptor);
  }

  sent(epoch: number): Usage {
    if (this.slot.read(CHANNEL_COUNTER.sendEpoch) !== epoch) return NOTHING;
    return { records: this.slot.read(CHANNEL_COUNTER.sentRecords), bytes: this.slot.read(CHANNEL_COUNTER.sentBytes) };
  }

  received(epoch: number): Usage {
    if (this.slot.read(CHANNEL_COUNTER.receiveEpoch) !== epoch) return NOTHING;
    return { records: this.slot.read(CHANNEL_COUNTER.receivedRecords), bytes: this.slot.read(CHANNEL_COUNTER.receivedBytes) };
  }

  get isIdle(): boolean {
    return this.slot.read(CHANNEL_COUNTER.isIdle) === 1;
  }

  get changes(): number {
    return this.slot.read(CHANNEL_COUNTER.changes);
  }

  /** The plane has begun to carry it. */
  get hasArrived(): boolean {
    return this.slot.read(CHANNEL_COUNTER.sendEpoch) > 0;
  }

  /** Streams so far. */
  get streams(): number {
    return this.slot.read(CHANNEL_COUNTER.streams);
  }

  receive(event: PlaneEvent): void {
    switch (event.kind) {
      case 'message':
        return this.channel.carried({ kind: 'message', message: event.bytes, epoch: event.epoch, hasMoved: event.hasMoved });
      case 'open':
        this.#openStream = event.number;
        return this.channel.carried({ kind: 'open', message: event.bytes });
      case 'failed':
        return this.channel.carried({ kind: 'failed', error: planeError(event) });
      case 'due':
        return this.channel.carried({ kind: 'due', hasMoved: event.hasMoved });
      case 'over':
      case 'closing':
      case 'closed':
        return this.channel.carried({ kind: event.kind });
      case 'gone':
      case 'waiting':
      case 'listener-failed':
      case 'target-failed':
      case 'target-worked':
    }
  }
}

function nativeHandOff(handOff: HandOff): Omit<NativeHandOff, 'route' | 'slot' | 'descriptor'> {
  const { stream, softLimits } = handOff;
  return {
    side: handOff.side === 'client' ? 0 : 1,
    aead: NATIVE_ALGORITHMS[handOff.aead],
    recordLimit: handOff.recordLimit,
    softRecords: softLimits.records,
    softBytes: softLimits.bytes,
    send: nativeKey(handOff.send),
    receive: nativeKey(handOff.receive),
    lane: {
      number: Number(stream.number),
      sending: ENDINGS.indexOf(stream.sending),
      receiving: ENDINGS.indexOf(stream.receiving),
      wasLastEnded: stream.wasLastEnded,
      sentBytes: stream.sentBytes,
      receivedBytes: stream.receivedBytes,
      totalSent: Number(stream.totalSent),
      totalReceived: Number(stream.totalReceived),
    },
    mayOpen: handOff.mayOpen,
    unread: handOff.unread,
    unsent: handOff.unsent,
  };
}

function nativeKey({ key, iv, epoch, used }: HandOff['send']): NativeKey {
  return { key: key.reveal(), iv: iv.reveal(), epoch, records: used.records, bytes: used.bytes };
}

function planeError({ reason, detail }: PlaneEvent): XpsError {
  if (!isReason(reason)) return new XpsError('internal_error', { detail: `the data plane gave an unknown reason; ${detail}` });
  return new XpsError(reason, detail === '' ? {} : { detail });
}
