import t from 'tap';
import * as fc from 'fast-check';
import { concat, toHex, type Bytes } from '../../base/bytes.ts';
import { Deframer } from '../../record/deframer.ts';
import { readHeader, writeHeader } from '../../record/header.ts';
import { reasonOf } from '../support/reason-of.ts';

const LIMIT = 16_384;

function record(isProtected: boolean, epoch: number, payload: Bytes): Bytes {
  const whole = new Uint8Array(8 + payload.length);
  writeHeader(whole, isProtected, epoch, payload.length);
  whole.set(payload, 8);
  return whole;
}

const anyRecord = fc.oneof(
  fc.tuple(fc.constant(true), fc.integer({ min: 0, max: 0xffff }), fc.uint8Array({ minLength: 17, maxLength: 3000 })),
  fc.tuple(fc.constant(false), fc.constant(0), fc.uint8Array({ minLength: 4, maxLength: 3000 })),
);

t.test('any records in any segments come out whole and in order', async (t) => {
  fc.assert(fc.property(
    fc.array(anyRecord, { maxLength: 6 }),
    fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 20 }),
    fc.boolean(),
    (specs, cuts, isLazy) => {
      const records = specs.map(([isProtected, epoch, payload]) => record(isProtected, epoch, payload));
      const stream = concat(records);
      const deframer = new Deframer(LIMIT);
      const got: string[] = [];
      const take = (): void => {
        for (let next = deframer.next(); next !== undefined; next = deframer.next()) got.push(toHex(next.whole));
      };
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const length = Math.max(1, cuts[turn % cuts.length] as number);
        deframer.append(stream.slice(at, at + length));
        at += length;
        // Taking after each segment, or only at the end, makes no difference.
        if (!isLazy) take();
      }
      take();
      return deframer.bufferedBytes === 0 && got.join() === records.map(toHex).join();
    },
  ), { numRuns: 300 });
  t.pass('whatever the segments');
});

t.test('what was not taken can be handed over', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 20, maxLength: 300 }), fc.integer({ min: 0, max: 320 }), fc.integer({ min: 1, max: 50 }), (payload, cut, piece) => {
    const stream = concat([record(true, 1, payload), record(true, 1, payload)]).subarray(0, Math.max(1, cut));
    const deframer = new Deframer(LIMIT);
    let taken = 0;
    for (let at = 0; at < stream.length; at += piece) {
      deframer.append(stream.slice(at, at + piece));
      taken += deframer.next()?.whole.length ?? 0;
    }
    return toHex(concat(deframer.takeRest())) === toHex(stream.subarray(taken));
  }));
  t.pass('to the byte');
});

t.test('headers: written ones are read back, others refused', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
    const [form, reserved, high, low] = bytes as unknown as [number, number, number, number];
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4);
    const isLegal = (form === 0x59 && length >= 17 && length <= LIMIT + 17) || (form === 0x58 && high === 0 && low === 0 && length >= 4 && length <= 8192);
    const reason = reasonOf(() => readHeader(bytes, 0, LIMIT));
    return (reason === undefined) === (isLegal && reserved === 0);
  }));
  for (const [isProtected, epoch, length] of [[true, 0, 17], [true, 0xffff, LIMIT + 17], [false, 0, 4], [false, 0, 8192]] as const) {
    const bytes = new Uint8Array(8);
    writeHeader(bytes, isProtected, epoch, length);
    t.same(readHeader(bytes, 0, LIMIT), { isProtected, epoch, length });
  }
});
