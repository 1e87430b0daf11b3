// Key shares that must not be used.
import t from 'tap';
import { concat, fromHex, type Bytes } from '../../../base/bytes.ts';
import { MESSAGE, suiteOf } from '../../../handshake/codepoints.ts';
import { makeMessage } from '../../../handshake/messages/message.ts';
import { decodeClientHello } from '../../../handshake/messages/client-hello.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';

const CLASSICAL = { suites: [suiteOf('X25519', 'AES_GCM')] };
const HYBRID = { suites: [suiteOf('XWING', 'AES_GCM')] };

/** Points of small order on Curve25519 and its twist, canonical and not (RFC 7748 §6.1, "contributory behaviour"). */
const LOW_ORDER: readonly Bytes[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(fromHex);

t.test('points of low order from a client', async (t) => {
  for (const share of LOW_ORDER) {
    const peer = new HostileClient(CLASSICAL);
    peer.sayHello({ share });
    t.equal(peer.reason, 'key_share_invalid');
  }
});

t.test('points of low order from a server', async (t) => {
  for (const answer of LOW_ORDER) {
    const peer = new HostileServer(CLASSICAL);
    peer.sayHello({ answer });
    t.equal(peer.reason, 'key_share_invalid');
  }
});

t.test('points of low order within X-Wing', async (t) => {
  const [low = new Uint8Array(32)] = LOW_ORDER;
  const peer = new HostileClient({ suites: [...HYBRID.suites, ...CLASSICAL.suites] }, HYBRID);
  peer.sayHello({ share: concat([peer.share.share.subarray(0, 1184), low]) });
  t.equal(peer.reason, 'key_share_invalid');
  const classicalPart = new HostileClient(CLASSICAL, { suites: [...HYBRID.suites, ...CLASSICAL.suites] });
  classicalPart.sayHello({ share: concat([classicalPart.share.share.subarray(0, 1184), low]) });
  t.equal(classicalPart.reason, 'key_share_invalid', 'the part that is answered alone');
  const server = new HostileServer(HYBRID);
  server.sayHello({ answer: concat([pattern(1088), low]) });
  t.equal(server.reason, 'key_share_invalid');
});

t.test('an ML-KEM key that is not reduced', async (t) => {
  const peer = new HostileClient(HYBRID);
  const share = Uint8Array.from(peer.share.share);
  // Two coefficients of 12 bits: 0xfff is above q - 1 = 3328 (FIPS 203 §7.2).
  share.set([0xff, 0xff, 0xff], 0);
  peer.sayHello({ share });
  t.equal(peer.reason, 'key_share_invalid');
});

t.test('shares of the wrong length', async (t) => {
  const lengthReason = (length: number, group: 1 | 2): string | undefined => {
    const honest = new HostileClient(group === 1 ? CLASSICAL : HYBRID);
    const { body } = honest.sayHello();
    const hello = decodeClientHello(body);
    // The share is behind magic, version, random, two lists with their lengths, and the group.
    const at = 4 + 1 + 32 + 1 + 2 * hello.suites.length + 1 + 2 * hello.schemes.length + 2;
    const changed = concat([body.subarray(0, at), Uint8Array.of(length >> 8, length & 0xff), pattern(length), body.subarray(at + 2 + hello.share.length)]);
    const peer = new HostileClient(group === 1 ? CLASSICAL : HYBRID);
    peer.plain(makeMessage(MESSAGE.clientHello, changed));
    return peer.reason;
  };
  for (const length of [0, 31, 33, 64, 1216]) t.equal(lengthReason(length, 1), 'malformed', `X25519 ${length}`);
  for (const length of [0, 32, 1215, 1217]) t.equal(lengthReason(length, 2), 'malformed', `X-Wing ${length}`);
  for (const length of [32, 33, 64, 1120]) {
    const peer = new HostileServer(CLASSICAL);
    peer.sayHello({ answer: pattern(length) });
    t.equal(peer.reason, length === 32 ? undefined : 'key_share_invalid', `answer of ${length}`);
  }
  for (const length of [32, 1088, 1119]) {
    const peer = new HostileServer(HYBRID);
    peer.sayHello({ answer: pattern(length) });
    t.equal(peer.reason, 'key_share_invalid', `X-Wing answer of ${length}`);
  }
});

t.test('a group that does not exist', async (t) => {
  const honest = new HostileClient(CLASSICAL);
  const body = Uint8Array.from(honest.sayHello().body);
  const hello = decodeClientHello(body);
  body[4 + 1 + 32 + 1 + 2 * hello.suites.length + 1 + 2 * hello.schemes.length + 1] = 3;
  const peer = new HostileClient(CLASSICAL);
  peer.plain(makeMessage(MESSAGE.clientHello, body));
  t.equal(peer.reason, 'malformed');
});

t.test('reflection: the own share or the own random comes back', async (t) => {
  const share = new HostileServer(CLASSICAL);
  const hello = share.hear(MESSAGE.clientHello);
  share.sayHello({ hello, answer: decodeClientHello(hello.body).share });
  t.equal(share.reason, 'reflection');
  const random = new HostileServer(CLASSICAL);
  const other = random.hear(MESSAGE.clientHello);
  random.sayHello({ hello: other, random: decodeClientHello(other.body).random });
  t.equal(random.reason, 'reflection');
  const whole = new HostileServer(CLASSICAL);
  whole.plain(whole.hear(MESSAGE.clientHello));
  t.equal(whole.reason, 'unexpected_message', 'the whole hello');
});
