// Every suite, every mode of client authentication, every way of cutting: two channels always come together, and agree.
import t, { type Test } from 'tap';
import { AEADS, GROUPS, suiteName, suiteOf, type Suite } from '../../handshake/codepoints.ts';
import type { ClientAuth } from '../../handshake/messages/server-parameters.ts';
import { makeIdentity } from '../support/certificates.ts';
import { ALICE } from '../support/channel-sides.ts';
import { CONFIGURED, pattern, TestPair, type PairOptions } from '../support/channel-pair.ts';
import { allAtOnce, asWritten, oneByte, randomCut } from '../support/cuts.ts';

const SUITES = GROUPS.flatMap((group) => AEADS.map((aead) => suiteOf(group, aead)));

function exchangeData(t: Test, pair: TestPair): void {
  const { client, server } = pair;
  client.channel.open(CONFIGURED);
  client.channel.sendData(pattern(150_000));
  client.channel.end();
  pair.flow();
  server.channel.sendData(pattern(70_000, 2));
  server.channel.end();
  pair.flow();
  t.same(server.receivedBytes, pattern(150_000), 'the server has every byte');
  t.same(client.receivedBytes, pattern(70_000, 2), 'the client has every byte');
  client.channel.close();
  pair.flow();
  t.same(client.events.at(-1), 'closed');
  t.same(server.events.at(-1), 'closed');
}

function meet(t: Test, suite: Suite, options: PairOptions): void {
  const suites = [suite];
  const pair = new TestPair({ ...options, client: { suites, ...options.client }, server: { suites, ...options.server } }).start();
  const [one, other] = [pair.client.established, pair.server.established];
  t.equal(pair.client.failure ?? pair.server.failure, undefined);
  t.equal(one?.suite.id, suite.id);
  t.equal(other?.suite.id, suite.id);
  t.same(one?.channelId, other?.channelId, 'one channel id');
  t.same(one?.handshakeId, other?.handshakeId, 'one handshake id');
  const exported = [pair.client, pair.server].map(({ channel }) => channel.exportSecret('label', Uint8Array.of(1), 40));
  t.same(exported[0], exported[1], 'one exported secret');
  exchangeData(t, pair);
}

for (const suite of SUITES) {
  t.test(`${suiteName(suite)} in every cut`, async (t) => {
    for (const cut of [asWritten, allAtOnce, randomCut(7), randomCut(8, 40_000)]) meet(t, suite, { cut });
  });
}

t.test('one byte at a time', async (t) => {
  meet(t, suiteOf('X25519', 'AES_GCM'), { cut: oneByte });
  meet(t, suiteOf('XWING', 'CHACHA20_POLY1305'), { cut: oneByte });
});

interface Mode {
  readonly clientAuth: ClientAuth;
  readonly hasIdentity: boolean;
  readonly isAnonymousAllowed: boolean;
  /** Who the server sees, or for which reason nobody. */
  readonly seen: string;
}

const MODES: readonly Mode[] = [
  { clientAuth: 'required', hasIdentity: true, isAnonymousAllowed: false, seen: 'alice' },
  { clientAuth: 'required', hasIdentity: true, isAnonymousAllowed: true, seen: 'alice' },
  { clientAuth: 'required', hasIdentity: false, isAnonymousAllowed: true, seen: 'peer_refused' },
  { clientAuth: 'optional', hasIdentity: true, isAnonymousAllowed: true, seen: 'alice' },
  { clientAuth: 'optional', hasIdentity: false, isAnonymousAllowed: true, seen: 'anonymous' },
  { clientAuth: 'optional', hasIdentity: false, isAnonymousAllowed: false, seen: 'client_certificate_required' },
  { clientAuth: 'none', hasIdentity: true, isAnonymousAllowed: true, seen: 'anonymous' },
  { clientAuth: 'none', hasIdentity: false, isAnonymousAllowed: true, seen: 'anonymous' },
  { clientAuth: 'none', hasIdentity: false, isAnonymousAllowed: false, seen: 'client_certificate_required' },
];

for (const { clientAuth, hasIdentity, isAnonymousAllowed, seen } of MODES) {
  t.test(`client_auth ${clientAuth}, ${hasIdentity ? 'with' : 'without'} identity, anonymous ${isAnonymousAllowed ? '' : 'not '}allowed: ${seen}`, async (t) => {
    for (const suite of SUITES) {
      const pair = new TestPair({
        client: { suites: [suite], identity: hasIdentity ? ALICE : undefined },
        server: { suites: [suite], clientAuth, isAnonymousAllowed },
      }).start();
      const peer = pair.server.established?.peer;
      const name = peer === undefined ? pair.server.failure?.reason : peer.kind === 'anonymous' ? 'anonymous' : peer.name;
      t.equal(name, seen, suiteName(suite));
      t.equal(pair.client.established === undefined, pair.server.established === undefined, 'both or none');
      t.equal(pair.server.events.includes('open'), false);
    }
  });
}

t.test('keys of every kind sign for both roles', async (t) => {
  for (const kind of ['ed25519', 'p256', 'p384', 'rsa'] as const) {
    meet(t, suiteOf('X25519', 'AES_GCM'), {
      client: { identity: makeIdentity('alice', kind) },
      server: { identity: makeIdentity('bob', kind) },
    });
  }
});

t.test('the server chooses in its own order, among what both have', async (t) => {
  const [aes, chacha, hybrid] = [suiteOf('X25519', 'AES_GCM'), suiteOf('X25519', 'CHACHA20_POLY1305'), suiteOf('XWING', 'AES_GCM')];
  const chosen = (client: readonly Suite[], server: readonly Suite[]): string => {
    const pair = new TestPair({ client: { suites: client }, server: { suites: server } }).start();
    return pair.client.established === undefined ? String(pair.server.failure?.reason) : suiteName(pair.client.established.suite);
  };
  t.equal(chosen([aes, chacha], [chacha, aes]), suiteName(chacha));
  t.equal(chosen([hybrid, aes], [aes]), suiteName(aes), 'the classical part of a hybrid share is answered');
  t.equal(chosen([aes], [hybrid, aes]), suiteName(aes));
  t.equal(chosen([aes], [hybrid]), 'no_common_suite', 'a server that requires the hybrid takes nothing less');
  t.equal(chosen([hybrid], [aes]), 'no_common_suite');
});

t.test('record limit: the smaller of both', async (t) => {
  const pair = new TestPair({ client: { recordLimit: 20_000 }, server: { recordLimit: 60_000 } }).start();
  t.equal(pair.client.established?.recordLimit, 20_000);
  t.equal(pair.server.established?.recordLimit, 20_000);
  exchangeData(t, pair);
});

t.test('mesh key and service have to agree', async (t) => {
  const meshKey = pattern(32);
  const outcome = (client: object, server: object): readonly (string | undefined)[] => {
    const pair = new TestPair({ client, server }).start();
    return [pair.client.failure?.reason ?? pair.client.events.at(-1), pair.server.failure?.reason ?? pair.server.events.at(-1)];
  };
  t.same(outcome({ meshKey, service: 'a' }, { meshKey, service: 'a' }), ['established', 'established']);
  t.same(outcome({ service: 'a' }, { service: 'b' }), ['peer_refused', 'service_mismatch']);
  t.same(outcome({ meshKey }, { meshKey: pattern(33) }), [undefined, 'service_mismatch'], 'with a mesh key strangers get no answer');
  t.same(outcome({}, { meshKey }), [undefined, 'service_mismatch']);
  t.same(outcome({ meshKey }, {}), ['peer_refused', 'service_mismatch']);
});

t.test('an identity is not shared between both ends, unless that is allowed', async (t) => {
  const outcome = (isOwnLeafAllowed: boolean): readonly (string | undefined)[] => {
    const pair = new TestPair({ client: { isOwnLeafAllowed }, server: { identity: ALICE, isOwnLeafAllowed } }).start();
    return [pair.client.failure?.reason, pair.server.failure?.reason];
  };
  t.same(outcome(false), ['own_certificate', 'peer_refused']);
  t.same(outcome(true), [undefined, undefined]);
});

t.test('a staple can be demanded', async (t) => {
  const staple = pattern(100);
  t.equal(new TestPair({ client: { isStapleRequired: true } }).start().client.failure?.reason, 'staple_required');
  t.equal(new TestPair({ server: { isStapleRequired: true } }).start().server.failure?.reason, 'staple_required');
  const pair = new TestPair({ client: { isStapleRequired: true, staple }, server: { isStapleRequired: true, staple } }).start();
  t.same(pair.client.established?.peerCredential?.staple, staple);
  t.same(pair.server.established?.peerCredential?.staple, staple);
});
