// Numbers that the I/O thread stores and JavaScript reads, without a call (record/native/plane/counters.h has the same order).
const COUNTERS_PER_SLOT = 16;
const SLOTS_PER_SLAB = 256;

export const CHANNEL_COUNTER = {
  isIdle: 0,
  sendEpoch: 1,
  sentRecords: 2,
  sentBytes: 3,
  receiveEpoch: 4,
  receivedRecords: 5,
  receivedBytes: 6,
  streams: 7,
  streamBytesSent: 8,
  streamBytesReceived: 9,
  changes: 10,
} as const;

export const ROUTE_COUNTER = {
  open: 0,
  opened: 1,
  refused: 2,
  unreachable: 3,
  endedInOrder: 4,
  endedByReset: 5,
  endedIdle: 6,
  bytesToChannel: 7,
  bytesFromChannel: 8,
  waiting: 9,
  idleChannels: 10,
  servedWarm: 11,
  streams: 12,
} as const;

type CounterName = (typeof CHANNEL_COUNTER)[keyof typeof CHANNEL_COUNTER] | (typeof ROUTE_COUNTER)[keyof typeof ROUTE_COUNTER];

/** One place for counters; `number` is what the addon is told. */
export class CounterSlot {
  readonly number: number;
  readonly #counters: Float64Array;

  constructor(number: number, counters: Float64Array) {
    this.number = number;
    this.#counters = counters;
  }

  read(counter: CounterName): number {
    return this.#counters[counter] as number;
  }
}

/** Hands slots out and takes them back. A slot may be given back when the addon has said the last of its owner. */
export class CounterSlots {
  readonly #addSlab: () => ArrayBuffer;
  readonly #free: CounterSlot[] = [];
  #slabs = 0;

  constructor(addSlab: () => ArrayBuffer) {
    this.#addSlab = addSlab;
  }

  take(): CounterSlot {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const slab = this.#addSlab();
    const first = this.#slabs * SLOTS_PER_SLAB;
    this.#slabs += 1;
    for (let i = SLOTS_PER_SLAB - 1; i >= 0; i -= 1) {
      this.#free.push(new CounterSlot(first + i, new Float64Array(slab, i * COUNTERS_PER_SLOT * 8, COUNTERS_PER_SLOT)));
    }
    return this.#free.pop() as CounterSlot;
  }

  giveBack(slot: CounterSlot): void {
    this.#free.push(slot);
  }
}
