// Handshakes changed on their way, and messages changed or cut by who has the keys: never a channel, a crash or a hang.
import t, { type Test } from 'tap';
import { concat, type Bytes } from '../../base/bytes.ts';
import { suiteOf } from '../../handshake/codepoints.ts';
import { makeMessage } from '../../handshake/messages/message.ts';
import { demandCookies } from './channel-sides.ts';
import { TestPair, type Direction, type PairOptions } from './channel-pair.ts';
import { HostileClient, HostileServer } from './hostile-peer.ts';

/** Reasons that mean a bug of ours rather than a refusal. */
const BUGS = new Set(['internal_error']);

type Change = (bytes: Uint8Array) => Uint8Array;

/** A handshake whose `index`th flight in a direction is changed as one string of bytes. */
function tampered(options: PairOptions, direction: Direction, index: number, change: Change): TestPair {
  const seen = { 'to server': 0, 'to client': 0 };
  const pair = new TestPair({
    ...options,
    intercept: (way, bytes) => {
      seen[way] += 1;
      return way === direction && seen[way] === index + 1 ? [change(concat(bytes))] : bytes;
    },
  }).start();
  for (let i = 0; i < 3 && !(pair.client.channel.isOver && pair.server.channel.isOver); i += 1) pair.advance(4000, 2000);
  return pair;
}

/** The length of each flight of an undisturbed handshake. */
function flights(options: PairOptions): Readonly<Record<Direction, readonly number[]>> {
  const lengths: Record<Direction, number[]> = { 'to server': [], 'to client': [] };
  new TestPair({
    ...options,
    intercept: (way, bytes) => {
      lengths[way].push(concat(bytes).length);
      return bytes;
    },
  }).start();
  return lengths;
}

function assertRefused(t: Test, pair: TestPair, what: string, isConfirm: boolean): void {
  const { client, server } = pair;
  // Confirm is the last flight: the server has accepted the client by then, and learns of the failure from it.
  if (client.established !== undefined || (!isConfirm && server.established !== undefined)) t.fail(`${what}: established`);
  for (const side of [client, server]) {
    if (!side.channel.isOver && !(isConfirm && side === server)) t.fail(`${what}: one side waits for ever`);
    if (BUGS.has(side.failure?.reason ?? '')) t.fail(`${what}: ${side.failure?.message}`);
  }
}

function everyByte(t: Test, options: PairOptions, step: number): void {
  const lengths = flights(options);
  let count = 0;
  for (const direction of ['to server', 'to client'] as const) {
    for (const [index, length] of lengths[direction].entries()) {
      const isConfirm = direction === 'to client' && index === lengths[direction].length - 1;
      for (let at = count % step; at < length; at += step) {
        count += 1;
        const bit = 1 << (at % 8);
        const pair = tampered(options, direction, index, (bytes) => {
          bytes[at] = (bytes[at] as number) ^ bit;
          return bytes;
        });
        assertRefused(t, pair, `flight ${index} ${direction}, byte ${at}`, isConfirm);
      }
    }
  }
  t.ok(count > 50, `${count} bytes changed`);
}

/** A handshake in which one protected message is changed by somebody who has the keys, but not the transcript's consent. */
function changedInside(side: 'client' | 'server', ordinal: number, change: (body: Bytes) => Bytes): HostileClient | HostileServer {
  const peer = side === 'client' ? new HostileClient() : new HostileServer();
  const say = peer.say.bind(peer);
  let said = 0;
  peer.say = (message) => {
    said += 1;
    say(makeMessage(message.type, said === ordinal + 1 ? change(message.body) : message.body));
  };
  try {
    peer.sayHello();
    if (peer instanceof HostileClient) peer.hearServer();
    else peer.leadParameters();
    peer.leadCertificate();
    peer.leadVerify();
    peer.leadFinished();
    if (peer instanceof HostileServer) {
      peer.hearClient();
      peer.confirm();
    }
  } catch {
    // The victim had no answer to that.
  }
  return peer;
}

/** `step` 1 takes every byte and every length, another one of so many. */
export function tamper(step: number): void {
  const insideStep = Math.ceil(step / 4);
  t.test('bytes of a handshake', async (t) => everyByte(t, {}, step));

  t.test('bytes of a handshake with a Retry', async (t) => everyByte(t, { server: { cookies: demandCookies() } }, 3 * step));

  t.test('bytes of a handshake with X-Wing', async (t) => {
    const suites = [suiteOf('XWING', 'AES_GCM')];
    everyByte(t, { client: { suites }, server: { suites } }, 4 * step);
  });

  t.test('every flight cut short, and then nothing', async (t) => {
    const lengths = flights({});
    let count = 0;
    for (const direction of ['to server', 'to client'] as const) {
      for (const [index, length] of lengths[direction].entries()) {
        const isConfirm = direction === 'to client' && index === lengths[direction].length - 1;
        for (let at = 0; at < length; at += 3 * step) {
          count += 1;
          assertRefused(t, tampered({}, direction, index, (bytes) => bytes.subarray(0, at)), `flight ${index} ${direction} cut at ${at}`, isConfirm);
        }
      }
    }
    t.ok(count > 50, `${count} cuts`);
  });

  for (const [side, messages] of [['client', ['Certificate', 'CertificateVerify', 'Finished']], ['server', ['ServerParameters', 'Certificate', 'CertificateVerify', 'Finished']]] as const) {
    for (const [ordinal, name] of messages.entries()) {
      t.test(`${name} of the ${side}: bytes flipped, cut, one byte more`, async (t) => {
        let length = 0;
        const honest = changedInside(side, ordinal, (body) => {
          ({ length } = body);
          return body;
        });
        t.ok(honest.victim.established, 'unchanged it passes');
        const attempt = (what: string, change: (body: Bytes) => Bytes): void => {
          const peer = changedInside(side, ordinal, change);
          if (peer.victim.established !== undefined) t.fail(`${what}: established`);
          if (peer.reason === undefined || BUGS.has(peer.reason)) t.fail(`${what}: ${peer.reason}`);
        };
        for (let at = 0; at < length; at += insideStep) {
          attempt(`byte ${at}`, (body) => {
            const changed = Uint8Array.from(body);
            changed[at] = (changed[at] as number) ^ (1 << (at % 8));
            return changed;
          });
          attempt(`${at} bytes`, (body) => body.subarray(0, at));
        }
        attempt('one byte more', (body) => Uint8Array.of(...body, 0));
      });
    }
  }
}
