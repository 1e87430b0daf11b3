// Open, End, Reset and Close of peers that count wrongly, repeat themselves or speak out of turn.
import t from 'tap';
import { encodeClose } from '../../../channel/messages/control-messages.ts';
import { encodeEnd, encodeOpen, encodeReset } from '../../../channel/messages/stream-messages.ts';
import { concat, utf8 } from '../../../base/bytes.ts';
import { MESSAGE } from '../../../handshake/codepoints.ts';
import { CONFIGURED, pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';

const open = (number: bigint) => encodeOpen({ number, destination: CONFIGURED });
const end = (number: bigint, bytes: bigint) => encodeEnd({ number, bytes });
const reset = (number: bigint) => encodeReset({ number, reason: 'reset' });

/** A server with stream 1 open. */
function opened(): HostileClient {
  const peer = HostileClient.established();
  peer.say(open(1n));
  return peer;
}

/** What a victim says to these steps. */
function told(peer: HostileClient, ...steps: readonly (() => void)[]): string | undefined {
  for (const step of steps) step();
  return peer.reason;
}

t.test('Open: numbers, kinds, addresses', async (t) => {
  for (const number of [0n, 2n, (1n << 64n) - 1n]) {
    const peer = HostileClient.established();
    t.equal(told(peer, () => peer.say(open(number))), 'stream_invalid', `number ${number}`);
  }
  const twice = opened();
  t.equal(told(twice, () => twice.say(open(2n))), 'stream_invalid', 'while one is open');
  const fromServer = HostileServer.established();
  fromServer.say(open(1n));
  t.equal(fromServer.reason, 'unexpected_message');
  const body = (kind: number, address: string): Uint8Array =>
    concat([pattern(0), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, kind, address.length >> 8, address.length & 0xff), utf8(address), Uint8Array.of(0, 0)]);
  const bad: readonly (readonly [number, string])[] = [
    [3, 'host:1'], [255, ''], [0, 'host:1'], [1, ''], [1, 'host'], [1, 'host:0'], [1, 'host:65536'], [1, ':80'], [1, 'a b:80'],
    [1, 'host:80\n'], [1, '\u0000:80'], [2, '::1:80'], [2, '[::1]'], [1, 'host:08x'], [1, `${'a'.repeat(254)}:80`],
  ];
  for (const [kind, address] of bad) {
    const peer = HostileClient.established();
    peer.sayBody(MESSAGE.open, body(kind, address));
    t.equal(peer.reason, 'malformed', JSON.stringify([kind, address]));
  }
});

t.test('End: counts, numbers, twice', async (t) => {
  for (const [count, reason] of [[2n, 'close_count_mismatch'], [4n, 'close_count_mismatch'], [3n, undefined]] as const) {
    const peer = opened();
    peer.sayData(pattern(3));
    peer.say(end(1n, count));
    t.equal(peer.reason, reason);
  }
  for (const number of [0n, 2n]) {
    const peer = opened();
    t.equal(told(peer, () => peer.say(end(number, 0n))), 'stream_invalid');
  }
  const twice = opened();
  t.equal(told(twice, () => twice.say(end(1n, 0n)), () => twice.say(end(1n, 0n))), 'stream_invalid');
  const none = HostileClient.established();
  t.equal(told(none, () => none.say(end(1n, 0n))), 'stream_invalid', 'without a stream');
  const data = opened();
  t.equal(told(data, () => data.say(end(1n, 0n)), () => data.sayData(pattern(1))), 'stream_invalid', 'data after End');
});

t.test('Reset: numbers, reasons, twice', async (t) => {
  for (const number of [0n, 2n]) {
    const peer = opened();
    t.equal(told(peer, () => peer.say(reset(number))), 'stream_invalid');
  }
  const reason = opened();
  reason.sayBody(MESSAGE.reset, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 5));
  t.equal(reason.reason, 'malformed', 'an unknown reason');
  const twice = opened();
  t.equal(told(twice, () => twice.say(reset(1n)), () => twice.say(reset(1n))), 'stream_invalid', 'a second Reset');
  const data = opened();
  t.equal(told(data, () => data.say(reset(1n)), () => data.sayData(pattern(1))), 'stream_invalid', 'data after Reset');
  const ended = opened();
  t.equal(told(ended, () => ended.say(reset(1n)), () => ended.say(end(1n, 0n))), 'stream_invalid', 'End after Reset');
});

t.test('a Reset that crossed is ignored once, and only for the last stream', async (t) => {
  const peer = opened();
  peer.say(end(1n, 0n));
  peer.victim.channel.end();
  peer.say(reset(1n));
  t.equal(peer.reason, undefined);
  peer.say(reset(1n));
  t.equal(peer.reason, 'stream_invalid', 'the second time it is one too many');
  const next = opened();
  next.say(end(1n, 0n));
  next.victim.channel.end();
  next.say(open(2n));
  next.say(reset(1n));
  t.equal(next.reason, undefined, 'the next stream is not touched');
  t.ok(next.victim.channel.canReceive);
  next.say(reset(1n));
  t.equal(next.reason, 'stream_invalid');
});

t.test('late bytes of one stream never reach the next', async (t) => {
  const peer = opened();
  peer.victim.channel.reset('reset');
  peer.sayData(pattern(50));
  peer.say(end(1n, 50n));
  peer.say(open(2n));
  peer.sayData(pattern(7));
  t.same(peer.victim.receivedBytes, pattern(7));
  t.equal(peer.reason, undefined);
});

t.test('Close: counts, an open stream, twice, from the server alone', async (t) => {
  for (const [count, reason] of [[6n, 'close_count_mismatch'], [4n, 'close_count_mismatch'], [0n, 'close_count_mismatch'], [5n, undefined]] as const) {
    const peer = opened();
    peer.sayData(pattern(5));
    peer.say(end(1n, 5n));
    peer.victim.channel.end();
    peer.say(encodeClose(count));
    t.equal(peer.reason, reason, `count ${count}`);
  }
  const busy = opened();
  t.equal(told(busy, () => busy.say(encodeClose(0n))), 'stream_invalid');
  const server = HostileServer.established();
  server.say(encodeClose(0n));
  t.equal(server.reason, 'unexpected_message', 'a Close of the server that answers none');
  const wrong = HostileServer.established();
  wrong.victim.channel.close();
  wrong.hear(MESSAGE.close);
  wrong.say(encodeClose(1n));
  t.equal(wrong.reason, 'close_count_mismatch', 'the count of the server is checked too');
});

t.test('lengths of stream messages, one byte less and more', async (t) => {
  const bodies = [[MESSAGE.open, open(1n)], [MESSAGE.end, end(1n, 0n)], [MESSAGE.reset, reset(1n)], [MESSAGE.close, encodeClose(0n)]] as const;
  for (const [type, { body }] of bodies) {
    for (const changed of [body.subarray(0, body.length - 1), Uint8Array.of(...body, 0), new Uint8Array(0)]) {
      const peer = HostileClient.established();
      peer.sayBody(type, changed);
      t.equal(peer.reason, 'malformed', `type ${type}, ${changed.length} bytes`);
    }
  }
});

t.test('a server that speaks after its Reset, or ends with a wrong count, towards a client', async (t) => {
  const peer = HostileServer.established();
  peer.victim.channel.open(CONFIGURED);
  peer.sayData(pattern(10));
  peer.say(end(1n, 11n));
  t.equal(peer.reason, 'close_count_mismatch');
  t.notOk(peer.victim.events.includes('end'), 'the application sees no orderly end');
});
