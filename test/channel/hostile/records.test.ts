// Records that were changed, replayed, reordered, dropped, reflected or made wrong on purpose.
import t from 'tap';
import { concat, type Bytes } from '../../../base/bytes.ts';
import { CONFIGURED, establishedPair, pattern, type TestPair } from '../../support/channel-pair.ts';
import { AEADS, MESSAGE, suiteName, suiteOf } from '../../../handshake/codepoints.ts';
import { encodePing } from '../../../channel/messages/control-messages.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';

/** An open stream with two records of data on their way to the server. */
function twoRecords(aead: (typeof AEADS)[number] = 'AES_GCM'): { readonly pair: TestPair; readonly records: readonly Bytes[] } {
  const suites = [suiteOf('X25519', aead)];
  const pair = establishedPair({ client: { suites }, server: { suites } });
  pair.client.channel.open(CONFIGURED);
  pair.flow();
  pair.client.channel.sendData(pattern(100));
  pair.client.channel.sendData(pattern(200, 2));
  return { pair, records: pair.client.channel.takeOutput() };
}

for (const aead of AEADS) {
  t.test(`every byte of a record changed: ${suiteName(suiteOf('X25519', aead))}`, async (t) => {
    const reasons = new Set<string | undefined>();
    for (let at = 0; at < 8 + 100 + 1 + 16; at += 1) {
      const { pair, records } = twoRecords(aead);
      const changed = Uint8Array.from(records[0] as Bytes);
      changed[at] = (changed[at] as number) ^ (at % 3 === 0 ? 0x80 : 0x01);
      pair.server.channel.receive(concat([changed, ...records.slice(1)]));
      const { failure, received } = pair.server;
      if (failure === undefined && pair.server.channel.bufferedBytes === 0) t.fail(`byte ${at} went unnoticed`);
      if (received.length > 0) t.fail(`plaintext was released although byte ${at} was changed`);
      reasons.add(failure?.reason);
    }
    t.same([...reasons].filter((reason) => reason !== undefined).toSorted(), [
      'epoch_unexpected', 'not_a_sidecar', 'record_forged', 'record_header_invalid', 'record_too_long',
    ]);
  });
}

t.test('replayed, reordered, dropped, doubled', async (t) => {
  const orders: Readonly<Record<string, (records: readonly Bytes[]) => readonly Bytes[]>> = {
    replayed: ([a, b]) => [a, a, b] as Bytes[],
    reordered: ([a, b]) => [b, a] as Bytes[],
    dropped: ([, b]) => [b] as Bytes[],
  };
  for (const [name, order] of Object.entries(orders)) {
    const { pair, records } = twoRecords();
    for (const record of order(records)) pair.server.channel.receive(Uint8Array.from(record));
    t.equal(pair.server.failure?.reason, 'record_forged', name);
    pair.flow();
    t.equal(pair.client.failure?.reason, 'peer_alert_protocol');
  }
});

t.test('reflected to its sender, or moved to another channel', async (t) => {
  const { pair, records } = twoRecords();
  pair.client.channel.receive(Uint8Array.from(records[0] as Bytes));
  t.equal(pair.client.failure?.reason, 'record_forged');
  const other = twoRecords();
  other.pair.server.channel.receive(Uint8Array.from(twoRecords().records[0] as Bytes));
  t.equal(other.pair.server.failure?.reason, 'record_forged');
});

t.test('cut off in the middle', async (t) => {
  const { pair, records } = twoRecords();
  pair.server.channel.receive(Uint8Array.from((records[0] as Bytes).subarray(0, 50)));
  t.same(pair.server.received, []);
  pair.server.channel.transportEnded();
  t.equal(pair.server.failure?.reason, 'channel_truncated');
});

t.test('headers', async (t) => {
  const limit = 65_536;
  const cases: readonly (readonly [string, readonly number[], string])[] = [
    ['another form', [0x57, 0, 0, 1, 0, 0, 0, 20], 'not_a_sidecar'],
    ['reserved byte', [0x59, 1, 0, 1, 0, 0, 0, 20], 'record_header_invalid'],
    ['shorter than a tag', [0x59, 0, 0, 1, 0, 0, 0, 16], 'record_header_invalid'],
    ['length 0', [0x59, 0, 0, 1, 0, 0, 0, 0], 'record_header_invalid'],
    ['one above the limit', [0x59, 0, 0, 1, 0, 1, 0, 18], 'record_too_long'],
    ['the greatest length', [0x59, 0, 0, 1, 0xff, 0xff, 0xff, 0xff], 'record_too_long'],
    ['plain, too short', [0x58, 0, 0, 0, 0, 0, 0, 3], 'record_header_invalid'],
    ['plain, too long', [0x58, 0, 0, 0, 0, 0, 0x20, 1], 'record_too_long'],
    ['plain with an epoch', [0x58, 0, 0, 1, 0, 0, 0, 8], 'record_header_invalid'],
  ];
  t.equal(limit + 1 + 16, 0x1_0011);
  for (const [name, header, reason] of cases) {
    for (const peer of [HostileClient.established(), HostileServer.established()]) {
      peer.raw(Uint8Array.from(header));
      t.equal(peer.reason, reason, `${name}: as soon as the header is there`);
    }
  }
});

t.test('plain records after keys', async (t) => {
  for (const peer of [HostileClient.established(), HostileServer.established()]) {
    peer.plain(encodePing(MESSAGE.ping, pattern(8)));
    t.equal(peer.reason, 'unexpected_plain_record');
  }
});

t.test('an epoch that is not in force', async (t) => {
  for (const epoch of [0, 2, 3, 0xffff]) {
    const peer = HostileClient.established();
    const keys = peer.sendKeys;
    t.ok(keys);
    peer.raw(peer.forge(Uint8Array.of(...encodePing(MESSAGE.ping, pattern(8)).whole, 1), (header) => {
      header[2] = epoch >> 8;
      header[3] = epoch & 0xff;
    }));
    t.equal(peer.reason, 'epoch_unexpected', `epoch ${epoch} with the right tag for its header`);
  }
});

t.test('anything after Close', async (t) => {
  const server = HostileServer.established();
  server.victim.channel.close();
  server.hear(MESSAGE.close);
  server.sayBody(MESSAGE.close, new Uint8Array(8));
  t.same(server.victim.events, ['closed']);
  server.say(encodePing(MESSAGE.ping, pattern(8)));
  t.same(server.victim.events, ['closed'], 'the client is over');

  const client = HostileClient.established();
  client.raw(concat([
    client.sealer?.seal(1, Uint8Array.of(MESSAGE.close, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0)) as Bytes,
    client.sealer?.seal(1, encodePing(MESSAGE.ping, pattern(8)).whole) as Bytes,
  ]));
  t.same(client.victim.events, ['closed'], 'what follows in the same segment is not read');
});

t.test('data before a stream is open, and after it ended', async (t) => {
  const early = HostileClient.established();
  early.sayData(pattern(3));
  t.equal(early.reason, 'stream_invalid');
  const server = HostileServer.established();
  server.sayData(pattern(3));
  t.equal(server.reason, 'stream_invalid');
});

t.test('records beyond the negotiated limit', async (t) => {
  const peer = HostileClient.established({ recordLimit: 20_000 });
  peer.raw(peer.forge(concat([pattern(20_001), Uint8Array.of(2)])));
  t.equal(peer.reason, 'record_too_long');
  const exact = HostileClient.established({ recordLimit: 20_000 });
  exact.sayBody(MESSAGE.open, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0));
  exact.raw(exact.forge(concat([pattern(20_000), Uint8Array.of(2)])));
  t.equal(exact.reason, undefined);
  t.equal(exact.victim.receivedBytes.length, 20_000);
});
