// The second implementation with itself: that it works, and that it is strict, before it is a measure for anything else.
import t from 'tap';
import { ALL_SUITES } from '../reference/algorithms.ts';
import { toHex } from '../reference/bytes.ts';
import { TYPE, UsageError, type ReferencePeer } from '../reference/reference.ts';
import { pattern } from '../support/channel-pair.ts';
import { eventsOf, TwinPair, type TwinOptions } from './twin-pair.ts';

function received(peer: ReferencePeer): Uint8Array {
  return Buffer.concat(peer.events.flatMap((event) => (event.type === 'data' ? [event.bytes] : [])));
}

/** What the two sides died of, if they did. */
function endingOf(pair: TwinPair, act: () => void): string {
  try {
    act();
  } catch (thrown) {
    return (thrown as Error & { reason?: string }).reason ?? String(thrown);
  }
  return pair.client.state === 'established' && pair.server.state === 'established' ? 'established' : 'nothing';
}

const handshake = (client: TwinOptions, server: TwinOptions, isAnonymous = false): string => {
  const pair = new TwinPair(client, server, isAnonymous);
  return endingOf(pair, () => {
    pair.start();
  });
};

t.test('every suite: handshake, stream, rekeys, resumption, close', async (t) => {
  for (const suite of ALL_SUITES) {
    const store = { ticketStore: new Map() };
    const options = { suites: [suite] };
    const pair = new TwinPair(options, { ...options, ...store }).start();
    t.equal(pair.client.state, 'established');
    pair.client.open(1, 'example.test:80');
    pair.client.sendData(pattern(70_000));
    pair.flow();
    for (const begin of [() => pair.client.startRekey(), () => pair.server.wishRekey()]) {
      begin();
      pair.flow();
      pair.nowMs += 30;
      pair.server.sendData(pattern(100));
      pair.flow();
    }
    t.equal(eventsOf(pair.client, 'rekeyed').length, 2);
    pair.server.sendTicket(60);
    pair.client.end();
    pair.server.end();
    pair.flow();
    t.strictSame(Buffer.from(received(pair.server)), Buffer.from(pattern(70_000)));
    pair.client.close();
    pair.flow();
    t.same([pair.client.state, pair.server.state], ['closed', 'closed']);

    const [event] = eventsOf(pair.client, 'ticket');
    if (event?.type !== 'ticket') throw new Error('no ticket');
    const resumed = new TwinPair({ ...options, ticket: event.ticket }, { ...options, ...store }).start();
    t.match(eventsOf(resumed.server, 'established'), [{ resumed: true }]);
    const again = new TwinPair({ ...options, ticket: event.ticket }, { ...options, ...store }).start();
    t.match(eventsOf(again.server, 'established'), [{ resumed: false }], 'a ticket is good once');
  }
});

t.test('who may be anonymous', async (t) => {
  t.equal(handshake({}, { clientAuth: 0 }, true), 'client_anonymous');
  t.equal(handshake({}, { clientAuth: 1 }, true), 'established');
  t.equal(handshake({}, { clientAuth: 2 }), 'established');
});

t.test('what must agree', async (t) => {
  t.equal(handshake({ suites: [0x0101] }, { suites: [0x0102] }), 'no_common_suite');
  t.equal(handshake({ suites: [0x0101] }, { suites: [0x0201] }), 'no_common_suite');
  t.equal(handshake({ schemes: [0x0403] }, {}), 'no_common_scheme');
  t.equal(handshake({ serviceName: 'a' }, { serviceName: 'b' }), 'service_tag');
  t.equal(handshake({ meshKey: pattern(32) }, {}), 'service_tag');
  t.equal(handshake({ acceptPeer: () => false }, {}), 'certificate_rejected');
  t.equal(handshake({}, { acceptPeer: () => false }), 'certificate_rejected');
  t.equal(handshake({}, { stapleRequired: true }), 'staple_missing');
});

/** Messages that are sent in a full handshake with a cookie, by sender. */
const SPOKEN = {
  client: [TYPE.ClientHello, TYPE.Certificate, TYPE.CertificateVerify, TYPE.Finished],
  server: [TYPE.Retry, TYPE.ServerHello, TYPE.ServerParameters, TYPE.Certificate, TYPE.CertificateVerify, TYPE.Finished],
} as const;
const COOKIE = { retry: () => pattern(20) };

t.test('a change of any message ends the handshake', async (t) => {
  for (const [side, types] of Object.entries(SPOKEN)) {
    for (const type of types) {
      for (const change of [flipFirst, flipMiddle, flipLast, cutLast, append]) {
        // A sender that takes its own change for the truth may choose other values, but no other form.
        const transcripts = change === cutLast || change === append ? (['tampered', 'original'] as const) : (['original'] as const);
        for (const tamperTranscript of transcripts) {
          const tamper = (sent: number, body: Uint8Array): Uint8Array | undefined => (sent === type ? change(body) : undefined);
          const hostile: TwinOptions = { tamper, tamperTranscript };
          const ending = side === 'client' ? handshake(hostile, COOKIE) : handshake({}, { ...COOKIE, ...hostile });
          if (ending === 'established') t.fail(`${side} ${type} ${change.name} ${tamperTranscript}`);
        }
      }
    }
  }
  t.pass('none is established');
});

t.test('a message that is left out ends the handshake', async (t) => {
  for (const type of SPOKEN.client) t.not(handshake({ omit: [type] }, {}), 'established', `client without ${type}`);
  for (const type of SPOKEN.server.slice(1)) t.not(handshake({}, { omit: [type] }), 'established', `server without ${type}`);
  t.not(handshake({}, { omit: [TYPE.Confirm] }), 'established', 'without Confirm');
  t.equal(handshake({ omit: [TYPE.Certificate, TYPE.CertificateVerify] }, {}), 'message_unexpected');
  t.equal(handshake({}, { omit: [TYPE.Certificate, TYPE.CertificateVerify] }), 'message_unexpected');
});

t.test('any changed, cut or repeated record is the end', async (t) => {
  for (const change of [flipFirst, flipMiddle, flipLast, append]) {
    const pair = new TwinPair().start();
    pair.client.open();
    pair.client.sendData(pattern(50));
    const sent = pair.client.takeOutput();
    const ending = endingOf(pair, () => {
      pair.server.receive(change(sent));
      pair.server.receive(sent);
    });
    t.not(ending, 'established', change.name);
    t.not(pair.server.state, 'established');
  }
  const replay = new TwinPair().start();
  replay.client.open();
  const sent = replay.client.takeOutput();
  replay.server.receive(sent);
  t.throws(() => replay.server.receive(sent), /record_authentication/);
});

t.test('an Alert is what a client says after its Finished, a Failure before', async (t) => {
  const pair = new TwinPair({}, { omit: [TYPE.Confirm] });
  pair.client.start();
  pair.server.receive(pair.client.takeOutput());
  pair.client.receive(pair.server.takeOutput());
  pair.server.receive(pair.client.takeOutput());
  pair.server.retire();
  t.throws(() => pair.client.receive(pair.server.takeOutput()), /message_unexpected/);
  pair.server.receive(pair.client.takeOutput());
  t.match(pair.server.events.at(-1), { type: 'alert', code: 2 });

  const early = new TwinPair({ acceptPeer: () => false });
  t.throws(() => early.start(), /certificate_rejected/);
  early.server.receive(early.client.takeOutput());
  t.match(early.server.events.at(-1), { type: 'failure', from: 'peer' });
});

t.test('rules of use are told to the caller and harm nothing', async (t) => {
  const pair = new TwinPair().start();
  t.throws(() => pair.server.open(), UsageError);
  t.throws(() => pair.client.sendData(pattern(1)), UsageError);
  pair.client.startRekey();
  t.throws(() => pair.client.close(), UsageError, 'not while a rekey is under way');
  pair.flow();
  t.throws(() => pair.client.startRekey(), UsageError, 'too soon');
  pair.nowMs += 500;
  t.throws(() => pair.client.startRekey(), UsageError, 'too soon on a quiet channel');
  pair.nowMs += 500;
  pair.client.startRekey();
  pair.flow().client.close();
  pair.flow();
  t.equal(pair.server.state, 'closed');
});

t.test('time and repetition are bounded', async (t) => {
  const slow = new TwinPair();
  slow.nowMs += 3001;
  t.throws(() => slow.server.tick(), /hello_deadline/);
  const never = new TwinPair();
  never.client.start();
  never.nowMs += 10_001;
  t.throws(() => never.client.tick(), /handshake_deadline/);

  const pings = new TwinPair().start();
  t.throws(() => {
    for (let i = 0; i < 33; i += 1) {
      pings.client.sendRawMessage(TYPE.Ping, pattern(8));
      pings.server.receive(pings.client.takeOutput());
    }
  }, /limit_exceeded/);

  const worn = new TwinPair({ hardLimit: 8 }).start();
  worn.client.open();
  t.throws(() => {
    for (let i = 0; i < 9; i += 1) worn.client.sendData(pattern(1));
  }, /key_exhausted/);
  worn.server.receive(worn.client.takeOutput());
  t.match(worn.server.events.at(-1), { type: 'alert', code: 5 });
});

t.test('randomness that is fixed gives the same bytes', async (t) => {
  const random = (label: string, length: number): Uint8Array => pattern(length, label.length);
  const [one, two] = [0, 1].map(() => new TwinPair({ random }, { random: (label, length) => random(`${label} of the server`, length) }).start());
  t.same(one?.client.log, two?.client.log);
  t.equal(one?.client.secrets['root_0'], one?.server.secrets['root_0']);
  t.match(one?.client.secrets['channel id'], /^[0-9a-f]{32}$/);
  t.equal(toHex(one?.client.exportSecret('a', pattern(3), 16) ?? pattern(0)), toHex(two?.server.exportSecret('a', pattern(3), 16) ?? pattern(1)));
});

function flipFirst(bytes: Uint8Array): Uint8Array {
  return flip(bytes, 0);
}

function flipMiddle(bytes: Uint8Array): Uint8Array {
  return flip(bytes, bytes.length >> 1);
}

function flipLast(bytes: Uint8Array): Uint8Array {
  return flip(bytes, bytes.length - 1);
}

function cutLast(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, -1);
}

function append(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes, 0]);
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}
