// There is one right way to cut a message into records (docs/PROTOCOL.md §3.1); every other is refused.
import t from 'tap';
import { concat, type Bytes } from '../../../base/bytes.ts';
import { MESSAGE } from '../../../handshake/codepoints.ts';
import { encodeCertificate } from '../../../handshake/messages/certificate.ts';
import { makeMessage, type Message } from '../../../handshake/messages/message.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, type HostileServer } from '../../support/hostile-peer.ts';
import { plainRecord } from '../../../record/sealer.ts';

const L = 16_384;
const typed = (content: Bytes, padding = 0): Bytes => concat([content, Uint8Array.of(1), new Uint8Array(padding)]);

/** A server that waits for a Certificate. */
function waiting(): HostileClient {
  const peer = new HostileClient();
  peer.sayHello();
  peer.hearServer();
  return peer;
}

/** Sends inner texts as they are, each in a record with the right tag; the sequence goes on. */
function sayInner(peer: HostileClient | HostileServer, ...inners: readonly Bytes[]): string | undefined {
  for (const inner of inners) {
    const record = peer.forge(inner);
    // Uses up the number that the forged record was made with.
    peer.sealer?.seal(1, Uint8Array.of(0));
    peer.raw(record);
  }
  return peer.reason;
}

const small: Message = encodeCertificate({ chain: [pattern(100)], staple: new Uint8Array(0) });
const large: Message = encodeCertificate({ chain: [pattern(30_000), pattern(2000)], staple: pattern(8000) });

t.test('a message in one record, with padding of any length', async (t) => {
  t.equal(sayInner(waiting(), typed(small.whole)), 'certificate_malformed', 'it was read');
  t.equal(sayInner(waiting(), typed(small.whole, 255)), 'certificate_malformed');
  t.equal(sayInner(waiting(), typed(small.whole, L - small.whole.length)), 'certificate_malformed');
});

t.test('a long message: full records, then the rest', async (t) => {
  const { whole } = large;
  const [one, two, three] = [whole.subarray(0, L), whole.subarray(L, 2 * L), whole.subarray(2 * L)] as const;
  t.equal(sayInner(waiting(), typed(one), typed(two), typed(three, 33)), 'certificate_malformed');
  t.equal(sayInner(waiting(), typed(one.subarray(0, L - 1)), typed(whole.subarray(L - 1, 2 * L - 1)), typed(whole.subarray(2 * L - 1))), 'malformed', 'first fragment not full');
  t.equal(sayInner(waiting(), typed(one), typed(two.subarray(0, 100)), typed(two.subarray(100)), typed(three)), 'malformed', 'second not full');
  t.equal(sayInner(waiting(), typed(one), typed(two), typed(three.subarray(0, 5)), typed(three.subarray(5))), 'malformed', 'last in two');
  t.equal(sayInner(waiting(), typed(one), typed(two), typed(concat([three, Uint8Array.of(7)]))), 'malformed', 'trailing byte');
  t.equal(sayInner(waiting(), typed(one), typed(two), typed(concat([three, small.whole]))), 'malformed', 'the next message in the same record');
  t.equal(sayInner(waiting(), typed(one), concat([pattern(10), Uint8Array.of(2)])), 'malformed', 'data in between');
});

t.test('padding in a fragment that is not the last', async (t) => {
  // A full fragment leaves no room for padding under the limit; only a shorter one could have any.
  const { whole } = large;
  t.equal(sayInner(waiting(), typed(whole.subarray(0, L - 20), 20)), 'malformed');
});

t.test('a plain record in the middle of a message', async (t) => {
  const peer = waiting();
  sayInner(peer, typed(large.whole.subarray(0, L)));
  peer.raw(plainRecord(makeMessage(MESSAGE.failure, new Uint8Array(0)).whole));
  t.equal(peer.reason, 'malformed');
});

t.test('two messages in one record, half a header, an empty record', async (t) => {
  t.equal(sayInner(waiting(), typed(concat([small.whole, small.whole]))), 'malformed');
  for (let length = 1; length < 4; length += 1) t.equal(sayInner(waiting(), typed(small.whole.subarray(0, length))), 'malformed');
  t.equal(sayInner(waiting(), Uint8Array.of(1)), 'record_content_invalid', 'no content');
  t.equal(sayInner(waiting(), new Uint8Array(40)), 'record_content_invalid', 'zeros only');
  t.equal(sayInner(waiting(), Uint8Array.of(1, 2, 3)), 'record_content_invalid', 'content type 3');
  t.equal(sayInner(waiting(), Uint8Array.of(1, 2, 255)), 'record_content_invalid');
});

t.test('a length above the limit of the type is refused with the first record', async (t) => {
  const limits: readonly (readonly [number, number])[] = [
    [MESSAGE.certificate, 45_056], [MESSAGE.certificateVerify, 1028], [MESSAGE.finished, 48],
    [MESSAGE.rekeyFinish, 49_152], [MESSAGE.serverParameters, 4096], [MESSAGE.failure, 0],
  ];
  for (const [type, limit] of limits) {
    const length = limit + 1;
    const start = concat([Uint8Array.of(type, length >> 16, (length >> 8) & 0xff, length & 0xff), new Uint8Array(Math.min(length, L - 4))]);
    t.equal(sayInner(waiting(), typed(start)), 'malformed', `type ${type}`);
  }
  t.equal(sayInner(waiting(), typed(Uint8Array.of(MESSAGE.certificate, 0xff, 0xff, 0xff))), 'malformed');
  t.equal(sayInner(waiting(), typed(Uint8Array.of(0x77, 0, 0, 0))), 'unexpected_message', 'a type that does not exist');
});

t.test('plain records: the length of the record is that of the message', async (t) => {
  for (const difference of [-1, 1]) {
    const hello = new HostileClient().sayHello().whole;
    const peer = new HostileClient();
    peer.raw(plainRecord(difference < 0 ? hello.subarray(0, hello.length - 1) : concat([hello, Uint8Array.of(0)])));
    t.equal(peer.reason, 'malformed');
  }
});

t.test('a message may not go on across a change of keys', async (t) => {
  const peer = HostileClient.established();
  const root = peer.root;
  t.ok(root);
  const big = makeMessage(MESSAGE.rekeyFinish, pattern(49_000));
  // Negotiated limit: 65 536, so that every message fits one record; cut it all the same.
  t.equal(sayInner(peer, typed(big.whole.subarray(0, L))), 'malformed');
});

t.test('a small record limit makes fragments of rekey messages, which arrive', async (t) => {
  const peer = HostileClient.established({ recordLimit: 16_384 });
  const big = makeMessage(MESSAGE.rekeyFinish, pattern(20_000));
  t.equal(sayInner(peer, typed(big.whole.subarray(0, L))), undefined);
  t.equal(sayInner(peer, typed(big.whole.subarray(L))), 'rekey_invalid', 'read as a whole, but none is under way');
});
