// What the twin refuses, the implementation refuses too: the same tricks, played on both.
import t, { type Test } from 'tap';
import { TYPE, type ReferencePeer } from '../reference/reference.ts';
import { pattern } from '../support/channel-pair.ts';
import { TwinAnswers, TwinCalls } from './mixed-pair.ts';
import { TwinPair, type TwinOptions } from './twin-pair.ts';

const u64 = (value: number): number[] => [0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff)];
const bytes = (...values: readonly (number | readonly number[])[]): Uint8Array => Uint8Array.from(values.flat());

const CHANGES: Readonly<Record<string, (body: Uint8Array) => Uint8Array>> = {
  'first byte': (body) => body.with(0, (body[0] as number) ^ 1),
  'middle byte': (body) => body.with(body.length >> 1, (body[body.length >> 1] as number) ^ 1),
  'last byte': (body) => body.with(body.length - 1, (body.at(-1) as number) ^ 1),
  'cut': (body) => body.subarray(0, -1),
  'longer': (body) => bytes([...body], 0),
};

/** Both the implementation and the twin, each attacked by a twin; whether they took it. */
function outcomes(side: 'client' | 'server', hostile: TwinOptions, act?: (hostile: ReferencePeer) => void): Record<'ours' | 'twin', string> {
  const mixed = side === 'client' ? new TwinCalls({}, { twin: hostile }) : new TwinAnswers({}, { twin: hostile });
  const ours = outcome(() => {
    mixed.start();
    if (mixed.twin.state !== 'established') return;
    act?.(mixed.twin);
    mixed.flow();
  }, () => mixed.ours.established !== undefined && mixed.ours.failure === undefined);
  const pair = side === 'client' ? new TwinPair(hostile) : new TwinPair({}, hostile);
  const victim = side === 'client' ? pair.server : pair.client;
  const twin = outcome(() => {
    pair.start();
    act?.(side === 'client' ? pair.client : pair.server);
    pair.flow();
  }, () => victim.state === 'established' || victim.state === 'closed');
  return { ours, twin };
}

function outcome(act: () => void, isFine: () => boolean): string {
  try {
    act();
  } catch {
    // Whoever throws is the twin; what became of the victim is asked below.
  }
  return isFine() ? 'accepted' : 'refused';
}

const agree = (t: Test, verdict: 'accepted' | 'refused', what: string, found: Record<'ours' | 'twin', string>): void => {
  t.same(found, { ours: verdict, twin: verdict }, what);
};

t.test('messages of the handshake, changed, cut, longer or left out', async (t) => {
  const spoken = {
    client: [TYPE.ClientHello, TYPE.Certificate, TYPE.CertificateVerify, TYPE.Finished],
    server: [TYPE.ServerHello, TYPE.ServerParameters, TYPE.Certificate, TYPE.CertificateVerify, TYPE.Finished],
  };
  for (const side of ['client', 'server'] as const) {
    for (const type of spoken[side]) {
      for (const [name, change] of Object.entries(CHANGES)) {
        const tamper = (sent: number, body: Uint8Array): Uint8Array | undefined => (sent === type ? change(body) : undefined);
        agree(t, 'refused', `${side} ${type} ${name}`, outcomes(side, { tamper, tamperTranscript: 'original' }));
      }
      agree(t, 'refused', `${side} without ${type}`, outcomes(side, { omit: [type] }));
    }
  }
});

t.test('a hello that is padded otherwise, or repeats itself', async (t) => {
  const insert = (body: Uint8Array, at: number, count: number): Uint8Array => Uint8Array.from([...body.subarray(0, at), ...pattern(count), ...body.subarray(at)]);
  for (const at of [37, 100, 200]) {
    const tamper = (type: number, body: Uint8Array): Uint8Array | undefined => (type === TYPE.ClientHello ? insert(body, at, 2) : undefined);
    agree(t, 'refused', `bytes at ${at}`, outcomes('client', { tamper }));
  }
  agree(t, 'refused', 'a suite twice', outcomes('client', { suites: [0x0101, 0x0101], grease: false }));
  agree(t, 'refused', 'a scheme twice', outcomes('client', { schemes: [0x0807, 0x0807], grease: false }));
  agree(t, 'refused', 'a record limit that is too small', outcomes('client', { recordLimit: 16_383 }));
  agree(t, 'refused', 'one that is too great', outcomes('client', { recordLimit: 65_537 }));
  agree(t, 'accepted', 'no GREASE at all', outcomes('client', { grease: false }));
  agree(t, 'accepted', 'the greatest record limit', outcomes('client', { recordLimit: 65_536 }));
});

const say = (type: number, ...body: readonly (number | readonly number[])[]) => (peer: ReferencePeer): void => peer.sendRawMessage(type, bytes(...body));

/** What a client may not do on an established channel. */
const OF_CLIENT: Readonly<Record<string, (peer: ReferencePeer) => void>> = {
  'a stream number that is not the next': say(TYPE.Open, u64(2), 0, 0, 0, 0, 0),
  'a kind that does not exist': say(TYPE.Open, u64(1), 3, 0, 0, 0, 0),
  'kind 0 with a destination': say(TYPE.Open, u64(1), 0, 0, 3, 0x61, 0x3a, 0x31, 0, 0),
  'kind 1 without one': say(TYPE.Open, u64(1), 1, 0, 0, 0, 0),
  'an unknown critical extension': say(TYPE.Open, u64(1), 0, 0, 0, 0, 4, 0x80, 1, 0, 0),
  'trailing bytes': say(TYPE.Open, u64(1), 0, 0, 0, 0, 0, 0),
  'data without a stream': (peer) => peer.sendRawRecord(2, pattern(5)),
  'an empty record': (peer) => peer.sendRawRecord(2, pattern(0)),
  'a content type that does not exist': (peer) => peer.sendRawRecord(3, pattern(5)),
  'an End of no stream': say(TYPE.End, u64(1), u64(0)),
  'an End with a wrong count': (peer) => {
    peer.open();
    say(TYPE.End, u64(1), u64(1))(peer);
  },
  'data after the End': (peer) => {
    peer.open();
    peer.end();
    peer.sendRawRecord(2, pattern(5));
  },
  'a second Open': (peer) => {
    peer.open();
    say(TYPE.Open, u64(2), 0, 0, 0, 0, 0)(peer);
  },
  'a second Reset': (peer) => {
    peer.open();
    peer.reset(0);
    say(TYPE.Reset, u64(1), 0)(peer);
  },
  'a reason that does not exist': (peer) => {
    peer.open();
    say(TYPE.Reset, u64(1), 5)(peer);
  },
  'a Close with a wrong count': say(TYPE.Close, u64(1)),
  'a Close while a stream is open': (peer) => {
    peer.open();
    say(TYPE.Close, u64(0))(peer);
  },
  'a Close while a rekey is under way': (peer) => {
    peer.startRekey();
    say(TYPE.Close, u64(0))(peer);
  },
  'a Pong that answers nothing': say(TYPE.Pong, [...pattern(8)]),
  'a Ping that is too short': say(TYPE.Ping, 1, 2, 3),
  'an alert that does not exist': say(TYPE.Alert, 7),
  'what only a server says': say(TYPE.Retire),
  'a message that does not exist': say(0x77),
  'a Failure after the handshake': say(TYPE.Failure),
  'a handshake message': say(TYPE.Finished, [...pattern(48)]),
  'a request for a generation that is not the next': say(TYPE.RekeyRequest, 0, 0, 0, 3, 0, 1, 0, 32, [...pattern(32)]),
  'a request in another group': say(TYPE.RekeyRequest, 0, 0, 0, 2, 0, 2, 0, 32, [...pattern(32)]),
  'a share of small order': say(TYPE.RekeyRequest, 0, 0, 0, 2, 0, 1, 0, 32, [...new Uint8Array(32)]),
  'a RekeyFinish without a request': say(TYPE.RekeyFinish, 0, 0, 0, 2),
  'a plain record': (peer) => peer.sendRawBytes(bytes(0x58, 0, 0, 0, 0, 0, 0, 4, TYPE.Failure, 0, 0, 0)),
  'an unknown form': (peer) => peer.sendRawBytes(bytes(0x57, 0, 0, 1, 0, 0, 0, 17)),
  'a reserved byte': (peer) => peer.sendRawBytes(bytes(0x59, 1, 0, 1, 0, 0, 0, 17)),
  'an epoch that is over': (peer) => peer.sendRawBytes(bytes(0x59, 0, 0, 0, 0, 0, 0, 17, [...pattern(17)])),
  'an epoch that is not yet': (peer) => peer.sendRawBytes(bytes(0x59, 0, 0, 2, 0, 0, 0, 17, [...pattern(17)])),
  'a record that is too short': (peer) => peer.sendRawBytes(bytes(0x59, 0, 0, 1, 0, 0, 0, 16)),
  'a record that is too long': (peer) => peer.sendRawBytes(bytes(0x59, 0, 0, 1, 0, 1, 0, 18)),
  'a fragment that does not fill its record': (peer) => peer.sendRawRecord(1, bytes(TYPE.Open, 0, 0, 13, u64(1))),
  'parts of two messages in a record': (peer) => peer.sendRawRecord(1, bytes(TYPE.Retire, 0, 0, 0, 0)),
};

/** What a server may not do. */
const OF_SERVER: Readonly<Record<string, (peer: ReferencePeer) => void>> = {
  'a Confirm again': say(TYPE.Confirm),
  'a Close that answers none': say(TYPE.Close, u64(0)),
  'an Open': say(TYPE.Open, u64(1), 0, 0, 0, 0, 0),
  'data without a stream': (peer) => peer.sendRawRecord(2, pattern(5)),
  'a second Retire': (peer) => {
    say(TYPE.Retire)(peer);
    say(TYPE.Retire)(peer);
  },
  'a wish above the next generation': say(TYPE.RekeyWish, 0, 0, 0, 3),
  'a RekeyDone that nobody waits for': say(TYPE.RekeyDone, 0, 0, 0, 2),
  'a RekeyResponse without a request': say(TYPE.RekeyResponse, 0, 0, 0, 2),
  'a Ticket that lives for ever': say(TYPE.Ticket, 0xff, 0xff, 0xff, 0xff, [...pattern(32)], 16, [...pattern(16)]),
  'a Ticket that does not live': say(TYPE.Ticket, 0, 0, 0, 0, [...pattern(32)], 16, [...pattern(16)]),
  'a nonce of another length': say(TYPE.Ticket, 0, 0, 1, 0, [...pattern(32)], 15, [...pattern(15)]),
  'nine tickets': (peer) => {
    for (let i = 0; i < 9; i += 1) say(TYPE.Ticket, 0, 0, 1, 0, [...pattern(32, i)], 16, [...pattern(16, i)])(peer);
  },
};

t.test('on an established channel, by a client', async (t) => {
  for (const [what, act] of Object.entries(OF_CLIENT)) agree(t, 'refused', what, outcomes('client', {}, act));
});

t.test('on an established channel, by a server', async (t) => {
  for (const [what, act] of Object.entries(OF_SERVER)) agree(t, 'refused', what, outcomes('server', {}, act));
});

t.test('what looks strange and is legal', async (t) => {
  agree(t, 'accepted', 'padding', outcomes('client', {}, (peer) => {
    peer.open();
    peer.sendRawRecord(2, bytes(1), 300);
  }));
  agree(t, 'accepted', 'an unknown extension', outcomes('client', {}, say(TYPE.Open, u64(1), 0, 0, 0, 0, 4, 0x12, 0x34, 0, 0)));
  agree(t, 'accepted', 'a wish of a generation that is over', outcomes('server', {}, say(TYPE.RekeyWish, 0, 0, 0, 1)));
});
