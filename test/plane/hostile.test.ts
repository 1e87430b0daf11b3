// A peer that breaks the rules after the handshake: the plane gives up for the same reason as the TypeScript twin does.
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { concat, Writer, type Bytes } from '../../base/bytes.ts';
import { encodeClose, encodePing } from '../../channel/messages/control-messages.ts';
import { encodeEnd, encodeOpen, encodeReset } from '../../channel/messages/stream-messages.ts';
import { MESSAGE } from '../../handshake/codepoints.ts';
import { encodeGeneration } from '../../handshake/messages/bare.ts';
import { makeMessage } from '../../handshake/messages/message.ts';
import { CONTENT_MESSAGE } from '../../record/limits.ts';
import type { NativePlane } from '../../sidecar/plane/native-plane.ts';
import { application } from '../support/applications.ts';
import { pattern } from '../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../support/hostile-peer.ts';
import { descriptorOf, joinedSockets, needsPlane, startPlane, until } from '../support/plane-pair.ts';

type Hostile = HostileClient | HostileServer;

interface Case {
  readonly name: string;
  readonly reason: string;
  readonly act: (peer: Hostile) => void;
}

const open = (number = 1n): Bytes => encodeOpen({ number, destination: { kind: 'configured' } }).body;
const sayOpen = (peer: Hostile, number = 1n): void => peer.sayBody(MESSAGE.open, open(number));

const headerOf = (change: (header: Uint8Array) => void) => (peer: Hostile): void => {
  peer.raw(peer.forge(concat([pattern(40), Uint8Array.of(2)]), change));
};

/** Said by a client to a server. */
const TO_SERVER: readonly Case[] = [
  { name: 'a wrong form', reason: 'not_a_sidecar', act: headerOf((header) => header.set([0x47])) },
  { name: 'a plain record', reason: 'unexpected_plain_record', act: (peer) => peer.plain(encodePing(MESSAGE.ping, pattern(8))) },
  { name: 'reserved bits', reason: 'record_header_invalid', act: headerOf((header) => header.set([1], 1)) },
  { name: 'another epoch', reason: 'epoch_unexpected', act: headerOf((header) => header.set([0, 2], 2)) },
  { name: 'a length of 16', reason: 'record_header_invalid', act: (peer) => peer.raw(Uint8Array.of(0x59, 0, 0, 1, 0, 0, 0, 16)) },
  { name: 'a length above the limit', reason: 'record_too_long', act: (peer) => peer.raw(Uint8Array.of(0x59, 0, 0, 1, 0, 1, 0, 18)) },
  { name: 'the greatest length', reason: 'record_too_long', act: (peer) => peer.raw(Uint8Array.of(0x59, 0, 0, 1, 255, 255, 255, 255)) },
  {
    name: 'a tag that was changed', reason: 'record_forged',
    act: (peer) => {
      const record = peer.forge(concat([pattern(40), Uint8Array.of(2)]));
      record[record.length - 1] = (record.at(-1) as number) ^ 1;
      peer.raw(record);
    },
  },
  {
    name: 'a record twice', reason: 'record_forged',
    act: (peer) => {
      const record = peer.forge(concat([encodePing(MESSAGE.ping, pattern(8)).whole, Uint8Array.of(1)]));
      peer.raw(record);
      peer.raw(record);
    },
  },
  { name: 'zeros only', reason: 'record_content_invalid', act: (peer) => peer.raw(peer.forge(new Uint8Array(100))) },
  { name: 'a type without content', reason: 'record_content_invalid', act: (peer) => peer.raw(peer.forge(Uint8Array.of(2))) },
  { name: 'an unknown content type', reason: 'record_content_invalid', act: (peer) => peer.raw(peer.forge(Uint8Array.of(7, 3))) },
  { name: 'data before a stream', reason: 'stream_invalid', act: (peer) => peer.sayData(pattern(10)) },
  { name: 'Open out of its turn', reason: 'stream_invalid', act: (peer) => sayOpen(peer, 2n) },
  {
    name: 'Open while a stream is open', reason: 'stream_invalid',
    act: (peer) => {
      sayOpen(peer);
      sayOpen(peer, 2n);
    },
  },
  {
    name: 'End with another count', reason: 'close_count_mismatch',
    act: (peer) => {
      sayOpen(peer);
      peer.sayData(pattern(10));
      peer.say(encodeEnd({ number: 1n, bytes: 9n }));
    },
  },
  {
    name: 'End of another stream', reason: 'stream_invalid',
    act: (peer) => {
      sayOpen(peer);
      peer.say(encodeEnd({ number: 2n, bytes: 0n }));
    },
  },
  {
    name: 'End twice', reason: 'stream_invalid',
    act: (peer) => {
      sayOpen(peer);
      peer.say(encodeEnd({ number: 1n, bytes: 0n }));
      peer.say(encodeEnd({ number: 1n, bytes: 0n }));
    },
  },
  {
    name: 'data after End', reason: 'stream_invalid',
    act: (peer) => {
      sayOpen(peer);
      peer.say(encodeEnd({ number: 1n, bytes: 0n }));
      peer.sayData(pattern(1));
    },
  },
  { name: 'Reset without a stream', reason: 'stream_invalid', act: (peer) => peer.say(encodeReset({ number: 1n, reason: 'reset' })) },
  { name: 'a Reset for an unknown reason', reason: 'malformed', act: (peer) => peer.sayBody(MESSAGE.reset, new Writer().u64(1n).u8(9).finish()) },
  { name: 'an End that is too short', reason: 'malformed', act: (peer) => peer.sayBody(MESSAGE.end, pattern(15)) },
  { name: 'an Open that is too long', reason: 'malformed', act: (peer) => peer.sayBody(MESSAGE.open, concat([open(), Uint8Array.of(0)])) },
  {
    name: 'an Open with an unknown critical extension', reason: 'malformed',
    act: (peer) => peer.sayBody(MESSAGE.open, new Writer().u64(1n).u8(0).vector16(new Uint8Array(0)).vector16(Uint8Array.of(0x80, 0x77, 0, 0)).finish()),
  },
  { name: 'an Open of an unknown kind', reason: 'malformed', act: (peer) => peer.sayBody(MESSAGE.open, new Writer().u64(1n).u8(9).vector16(new Uint8Array(0)).vector16(new Uint8Array(0)).finish()) },
  {
    name: 'Close while a stream is open', reason: 'stream_invalid',
    act: (peer) => {
      sayOpen(peer);
      peer.say(encodeClose(0n));
    },
  },
  { name: 'Close with another count', reason: 'close_count_mismatch', act: (peer) => peer.say(encodeClose(1n)) },
  { name: 'Retire from a client', reason: 'unexpected_message', act: (peer) => peer.sayBody(MESSAGE.retire) },
  { name: 'a message of unknown type', reason: 'unexpected_message', act: (peer) => peer.sayBody(0x77) },
  { name: 'a message of the handshake', reason: 'unexpected_message', act: (peer) => peer.sayBody(MESSAGE.finished, pattern(48)) },
  { name: 'a message above its limit', reason: 'malformed', act: (peer) => peer.record(CONTENT_MESSAGE, Uint8Array.of(MESSAGE.ping, 0, 0, 9, ...pattern(9))) },
  { name: 'a message that ends early', reason: 'malformed', act: (peer) => peer.record(CONTENT_MESSAGE, Uint8Array.of(MESSAGE.ping, 0, 0, 8, ...pattern(7))) },
  { name: 'less than a message header', reason: 'malformed', act: (peer) => peer.record(CONTENT_MESSAGE, Uint8Array.of(MESSAGE.ping, 0, 0)) },
  {
    name: 'two messages in a record', reason: 'malformed',
    act: (peer) => peer.record(CONTENT_MESSAGE, concat([encodePing(MESSAGE.ping, pattern(8)).whole, encodePing(MESSAGE.ping, pattern(8)).whole])),
  },
  {
    name: 'a message cut where it need not be', reason: 'malformed',
    act: (peer) => {
      const { whole } = makeMessage(MESSAGE.rekeyRequest, pattern(100));
      peer.record(CONTENT_MESSAGE, whole.subarray(0, 50));
      peer.record(CONTENT_MESSAGE, whole.subarray(50));
    },
  },
  { name: 'RekeyFinish without a rekey', reason: 'rekey_invalid', act: (peer) => peer.sayBody(MESSAGE.rekeyFinish, pattern(100)) },
  { name: 'RekeyDone from a client', reason: 'rekey_invalid', act: (peer) => peer.say(encodeGeneration(MESSAGE.rekeyDone, 2)) },
  {
    name: 'a flood of pings', reason: 'control_flood',
    act: (peer) => {
      for (let i = 0; i < 60; i += 1) peer.say(encodePing(MESSAGE.ping, pattern(8, i)));
    },
  },
  { name: 'an Alert', reason: 'peer_alert_limit', act: (peer) => peer.sayBody(MESSAGE.alert, Uint8Array.of(4)) },
];

/** Said by a server to a client. */
const TO_CLIENT: readonly Case[] = [
  { name: 'Open from a server', reason: 'unexpected_message', act: (peer) => sayOpen(peer) },
  { name: 'Close that answers none', reason: 'unexpected_message', act: (peer) => peer.say(encodeClose(0n)) },
  { name: 'data without a stream', reason: 'stream_invalid', act: (peer) => peer.sayData(pattern(10)) },
  { name: 'RekeyDone without a rekey', reason: 'rekey_invalid', act: (peer) => peer.say(encodeGeneration(MESSAGE.rekeyDone, 2)) },
  { name: 'a pong that answers no ping', reason: 'pong_invalid', act: (peer) => peer.say(encodePing(MESSAGE.pong, pattern(8))) },
  {
    name: 'Retire twice', reason: 'unexpected_message',
    act: (peer) => {
      peer.sayBody(MESSAGE.retire);
      peer.sayBody(MESSAGE.retire);
    },
  },
];

/** The victim's bytes are moved by `plane` from now on, over a real connection whose other end is the peer's. */
async function carry(t: Test, peer: Hostile, plane: NativePlane, target: string | undefined): Promise<Socket> {
  const [mine, victims] = await joinedSockets();
  const route = plane.addRoute({
    idleMs: 0, connectMs: 1000, connections: 100, reportsOver: true,
    onWaiting: () => undefined, onListenerFailed: () => undefined, onTargetFailed: () => undefined, onTargetWorked: () => undefined,
  });
  if (target !== undefined) route.setTargets([{ address: target, tag: 0 }]);
  plane.adopt(peer.victim.channel, route, descriptorOf(victims));
  victims.destroy();
  mine.on('error', () => undefined);
  const heard: Bytes[] = [];
  mine.on('data', (bytes: Buffer) => heard.push(bytes));
  mine.resume();
  t.teardown(() => mine.destroy());
  peer.raw = (bytes) => {
    mine.write(Uint8Array.from(bytes));
  };
  peer.victim.channel.takeOutput = () => heard.splice(0);
  return mine;
}

t.test('the twin agrees on every reason', async (t) => {
  for (const { name, reason, act } of TO_SERVER) {
    const peer = HostileClient.established();
    act(peer);
    t.equal(peer.reason, reason, name);
  }
  for (const { name, reason, act } of TO_CLIENT) {
    const peer = HostileServer.established();
    act(peer);
    t.equal(peer.reason, reason, name);
  }
});

t.test('a client against the plane', needsPlane, async (t) => {
  const plane = startPlane(t);
  const target = await application(t, 'tcp', (stream) => stream.resume());
  for (const { name, reason, act } of TO_SERVER) {
    const peer = HostileClient.established();
    await carry(t, peer, plane, target.url.replace('//', ''));
    act(peer);
    await until(() => peer.reason !== undefined, name);
    t.equal(peer.reason, reason, name);
  }
});

t.test('a server against the plane', needsPlane, async (t) => {
  const plane = startPlane(t);
  for (const { name, reason, act } of TO_CLIENT) {
    const peer = HostileServer.established();
    await carry(t, peer, plane, undefined);
    act(peer);
    await until(() => peer.reason !== undefined, name);
    t.equal(peer.reason, reason, name);
  }
});

t.test('the peer is told, and the connection ends', needsPlane, async (t) => {
  const peer = HostileClient.established();
  const connection = await carry(t, peer, startPlane(t), undefined);
  let isOver = false;
  connection.on('close', () => {
    isOver = true;
  });
  connection.on('end', () => connection.end());
  peer.say(encodeClose(1n));
  await until(() => isOver, 'the connection ends');
  t.same(peer.hear(MESSAGE.alert).body, Uint8Array.of(2), 'protocol violation');
});

t.test('nothing of a record is delivered before its tag was right', needsPlane, async (t) => {
  const received: Buffer[] = [];
  let ending = '';
  const target = await application(t, 'tcp', (stream) => {
    stream.on('data', (bytes: Buffer) => received.push(bytes));
    stream.on('error', (error: NodeJS.ErrnoException) => {
      ending = error.code ?? '';
    });
  });
  const peer = HostileClient.established();
  await carry(t, peer, startPlane(t), target.url.replace('//', ''));
  sayOpen(peer);
  peer.sayData(pattern(100));
  await until(() => received.length > 0, 'the honest record');
  const forged = peer.forge(concat([pattern(60_000, 2), Uint8Array.of(2)]));
  forged[forged.length - 3] = (forged.at(-3) as number) ^ 4;
  peer.raw(forged);
  await until(() => ending !== '', 'the application is reset');
  t.equal(ending, 'ECONNRESET');
  t.same(new Uint8Array(Buffer.concat(received)), pattern(100));
});

t.test('the end of the transport without Close is a truncation', needsPlane, async (t) => {
  const peer = HostileClient.established();
  const connection = await carry(t, peer, startPlane(t), undefined);
  connection.end();
  await until(() => peer.reason !== undefined, 'noticed');
  t.equal(peer.reason, 'channel_truncated');
});

t.test('a record in single bytes', needsPlane, async (t) => {
  const target = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const peer = HostileClient.established();
  const connection = await carry(t, peer, startPlane(t), target.url.replace('//', ''));
  const { raw } = peer;
  peer.raw = (bytes) => {
    for (const byte of bytes) raw.call(peer, Uint8Array.of(byte));
  };
  connection.setNoDelay(true);
  sayOpen(peer);
  peer.sayData(pattern(300));
  await until(() => {
    peer.listen();
    return peer.data.length === 300;
  }, 'the echo');
  t.same(peer.data, pattern(300));
  t.equal(peer.reason, undefined);
});
