import t from 'tap';
import * as fc from 'fast-check';
import { concat, toHex, type Bytes } from '../../base/bytes.ts';
import { AEAD_PARAMETERS, type AeadAlgorithm } from '../../engines/contract.ts';
import { Deframer, type RawRecord } from '../../record/deframer.ts';
import { CONTENT_DATA, CONTENT_MESSAGE } from '../../record/limits.ts';
import { RecordOpener } from '../../record/opener.ts';
import { plainRecord, RecordSealer, type RecordKeys } from '../../record/sealer.ts';
import { reasonOf } from '../support/reason-of.ts';
import { crypto } from '../support/test-crypto.ts';

const ALGORITHMS = Object.keys(AEAD_PARAMETERS) as readonly AeadAlgorithm[];

function keys(algorithm: AeadAlgorithm, epoch: number, contentLimit = 16_384): RecordKeys {
  const key = new Uint8Array(32).fill(7);
  return { epoch, contentLimit, cipher: crypto.aead(algorithm, key), iv: new Uint8Array(AEAD_PARAMETERS[algorithm].nonceLength).fill(9) };
}

function asRaw(record: Bytes, contentLimit = 65_536): RawRecord {
  const deframer = new Deframer(contentLimit);
  deframer.append(Uint8Array.from(record));
  const raw = deframer.next();
  if (raw === undefined) throw new Error('not one record');
  return raw;
}

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: what is sealed is opened, in order`, async (t) => {
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.constantFrom<1 | 2>(CONTENT_MESSAGE, CONTENT_DATA), fc.uint8Array({ minLength: 1, maxLength: 2000 })), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 0, max: 70_000 }),
      (contents, epoch) => {
        const sealer = new RecordSealer(keys(algorithm, epoch));
        const opener = new RecordOpener(keys(algorithm, epoch));
        return contents.every(([type, content]) => {
          const opened = opener.open(asRaw(sealer.seal(type, content)));
          return opened.type === type && toHex(opened.content) === toHex(content);
        }) && sealer.records === contents.length && opener.bytes === sealer.bytes;
      },
    ), { numRuns: 60 });
    t.pass('any contents');
  });
}

t.test('records of epoch 0 are padded to 256 bytes, or to the limit; others are not', async (t) => {
  const innerLength = (epoch: number, length: number): number =>
    asRaw(new RecordSealer(keys('AES_GCM', epoch)).seal(CONTENT_MESSAGE, new Uint8Array(length).fill(1))).header.length - 16;
  for (const [length, expected] of [[1, 256], [255, 256], [256, 512], [16_000, 16_128], [16_383, 16_384], [16_384, 16_385]] as const) {
    t.equal(innerLength(0, length), expected, `${length} bytes of content`);
    t.equal(innerLength(1, length), length + 1);
  }
});

t.test('content that ends in zeros keeps them', async (t) => {
  const opened = new RecordOpener(keys('AES_GCM', 0)).open(asRaw(new RecordSealer(keys('AES_GCM', 0)).seal(CONTENT_DATA, new Uint8Array(10))));
  t.same(opened.content, new Uint8Array(10));
  t.equal(opened.isPadded, true);
});

t.test('the first failure is final', async (t) => {
  const sealer = new RecordSealer(keys('AES_GCM', 1));
  const opener = new RecordOpener(keys('AES_GCM', 1));
  const [first, second] = [sealer.seal(CONTENT_DATA, Uint8Array.of(1)), sealer.seal(CONTENT_DATA, Uint8Array.of(2))];
  const changed = Uint8Array.from(first);
  changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
  t.equal(reasonOf(() => opener.open(asRaw(changed))), 'record_forged');
  t.equal(reasonOf(() => opener.open(asRaw(first))), 'internal_error', 'not even the right record is taken any more');
  t.equal(reasonOf(() => opener.open(asRaw(second))), 'internal_error');
});

t.test('a failed record leaves no plaintext behind', async (t) => {
  for (const algorithm of ALGORITHMS) {
    const content = new Uint8Array(100).fill(0x42);
    const record = new RecordSealer(keys(algorithm, 1)).seal(CONTENT_DATA, content);
    record[record.length - 1] = (record.at(-1) as number) ^ 1;
    const raw = asRaw(record);
    t.equal(reasonOf(() => new RecordOpener(keys(algorithm, 1)).open(raw)), 'record_forged');
    t.equal(raw.whole.subarray(8, 108).includes(0x42, 0) && raw.whole.subarray(8, 108).every((byte) => byte === 0x42), false, algorithm);
  }
});

t.test('content outside 1 … L is refused by the sealer', async (t) => {
  const sealer = new RecordSealer(keys('AES_GCM', 1));
  t.equal(reasonOf(() => sealer.seal(CONTENT_DATA, new Uint8Array(0))), 'internal_error');
  t.equal(reasonOf(() => sealer.seal(CONTENT_DATA, new Uint8Array(16_385))), 'internal_error');
  t.equal(sealer.records, 0);
});

t.test('keys that were disposed of are of no use', async (t) => {
  const opener = new RecordOpener(keys('AES_GCM', 1));
  opener[Symbol.dispose]();
  t.equal(reasonOf(() => opener.open(asRaw(new RecordSealer(keys('AES_GCM', 1)).seal(CONTENT_DATA, Uint8Array.of(1))))), 'internal_error');
});

t.test('plain records', async (t) => {
  const message = concat([Uint8Array.of(1, 0, 0, 3), Uint8Array.of(7, 8, 9)]);
  const raw = asRaw(plainRecord(message));
  t.same(raw.header, { isProtected: false, epoch: 0, length: 7 });
  t.same(raw.whole.subarray(8), message);
});
