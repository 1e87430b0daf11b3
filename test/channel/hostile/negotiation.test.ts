// Peers that negotiate dishonestly: each is refused for the reason that says so.
import t from 'tap';
import { fromHex } from '../../../base/bytes.ts';
import { MESSAGE, suiteOf } from '../../../handshake/codepoints.ts';
import { makeMessage } from '../../../handshake/messages/message.ts';
import { demandCookies } from '../../support/channel-sides.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer, type HelloChanges } from '../../support/hostile-peer.ts';

const AES = suiteOf('X25519', 'AES_GCM');
const CHACHA = suiteOf('X25519', 'CHACHA20_POLY1305');
const HYBRID = suiteOf('XWING', 'AES_GCM');

function helloReason(changes: HelloChanges, server: ConstructorParameters<typeof HostileClient>[0] = {}): string | undefined {
  const peer = new HostileClient(server);
  peer.sayHello(changes);
  return peer.reason;
}

t.test('hellos that a server refuses', async (t) => {
  t.equal(helloReason({ suites: [CHACHA.id] }), 'no_common_suite', 'no overlap');
  t.equal(helloReason({ suites: [0x0a0a, 0xfafa] }), 'no_common_suite', 'GREASE is never chosen');
  t.equal(helloReason({ suites: [0x0199] }), 'no_common_suite', 'unknown suites are skipped');
  t.equal(helloReason({ suites: [AES.id, AES.id] }), 'malformed', 'a suite twice');
  t.equal(helloReason({ schemes: [0x0807, 0x0807] }), 'malformed', 'a scheme twice');
  t.equal(helloReason({ schemes: [0x0503] }), 'no_common_scheme', 'no scheme for the key of the server');
  t.equal(helloReason({ schemes: [0x0201] }), 'no_common_scheme', 'an unknown scheme only');
  t.equal(helloReason({ recordLimit: 16_383 }), 'malformed');
  t.equal(helloReason({ recordLimit: 65_537 }), 'malformed');
  t.equal(helloReason({ recordLimit: 0 }), 'malformed');
  t.equal(helloReason({ serviceTag: pattern(16) }), 'service_mismatch');
  t.equal(helloReason({ macs: { gate: () => new Uint8Array(32) } }), 'gate_mismatch');
  t.equal(helloReason({ cookie: pattern(10) }), 'cookie_invalid', 'a cookie that nobody asked for');
  t.equal(helloReason({ extensions: new Map([[0x8001, pattern(3)]]) }), 'malformed', 'an unknown critical extension');
  t.equal(helloReason({ extensions: new Map([[0x0002, pattern(3)], [0x7fff, pattern(0)]]) }), undefined, 'other unknown extensions are skipped');
  t.equal(helloReason({ extensions: new Map([[0x0001, pattern(31)]]) }), 'malformed', 'a ticket of the wrong length');
  t.equal(helloReason({ extensions: new Map([[0x0001, pattern(32)]]) }), 'malformed', 'a ticket without a binder');
  t.equal(helloReason({ macs: { binder: () => new Uint8Array(48) } }), 'malformed', 'a binder without a ticket');
  t.equal(helloReason({ extensions: new Map([[0x0001, pattern(32)]]), macs: { binder: () => new Uint8Array(48) } }), undefined, 'an unknown ticket is no mistake');
});

t.test('a share that is not of the group that the suites call for', async (t) => {
  const classical = new HostileClient({ suites: [HYBRID, AES] }, { suites: [AES] });
  classical.sayHello({ suites: [HYBRID.id, AES.id] });
  t.equal(classical.reason, 'malformed');
  const peer = new HostileClient({ suites: [AES] }, { suites: [HYBRID] });
  peer.sayHello({ suites: [AES.id] });
  t.equal(peer.reason, 'malformed');
});

t.test('another magic, another version', async (t) => {
  for (const [at, value, reason] of [[0, 0x59, 'malformed'], [4, 2, 'version_unsupported'], [4, 0, 'version_unsupported']] as const) {
    const honest = new HostileClient();
    const hello = Uint8Array.from(honest.sayHello().body);
    hello[at] = value;
    const peer = new HostileClient();
    peer.plain(makeMessage(MESSAGE.clientHello, hello));
    t.equal(peer.reason, reason);
  }
});

t.test('with a mesh key no stranger gets an answer, whatever is wrong', async (t) => {
  const meshKey = pattern(32);
  const attempts: ((peer: HostileClient) => void)[] = [
    (peer) => peer.sayHello(),
    (peer) => peer.raw(fromHex('474554202f20485454502f312e310d0a')),
    (peer) => peer.plain(makeMessage(MESSAGE.clientHello, pattern(508))),
    (peer) => peer.plain(makeMessage(MESSAGE.finished, pattern(48))),
    (peer) => peer.raw(fromHex('5900000000000040')),
  ];
  for (const attempt of attempts) {
    const peer = new HostileClient({ meshKey });
    attempt(peer);
    peer.advance(4000);
    t.ok(peer.reason);
    t.same(peer.victim.channel.takeOutput(), []);
  }
  const member = new HostileClient({ meshKey }, { meshKey });
  member.sayHello({ suites: [CHACHA.id] });
  t.equal(member.reason, 'no_common_suite');
  t.equal(member.victim.channel.takeOutput().length, 1, 'who has passed the gate is answered');
});

t.test('a hello that changes after the Retry', async (t) => {
  const changed: ((peer: HostileClient) => void)[] = [
    (peer) => peer.sayHello({ suites: [CHACHA.id, AES.id] }),
    (peer) => peer.sayHello({ random: pattern(32) }),
    (peer) => peer.sayHello(),
  ];
  for (const change of changed) {
    const peer = new HostileClient({ cookies: demandCookies(), suites: [AES, CHACHA] });
    peer.sayHello();
    const cookie = peer.hear(MESSAGE.retry).body.subarray(1);
    change(peer);
    t.equal(peer.reason, 'cookie_invalid', 'without the cookie');
    const other = new HostileClient({ cookies: demandCookies(), suites: [AES, CHACHA] });
    other.sayHello();
    other.sayHello({ random: pattern(32), cookie });
    t.equal(other.reason, 'cookie_invalid', 'with a cookie for another hello');
  }
});

function serverReason(act: (peer: HostileServer) => void, suites = [AES]): string | undefined {
  const peer = new HostileServer({ suites });
  act(peer);
  return peer.reason;
}

t.test('answers that a client refuses', async (t) => {
  t.equal(serverReason((peer) => peer.sayHello({ suite: CHACHA.id })), 'negotiation_mismatch', 'a suite that was not offered');
  t.equal(serverReason((peer) => peer.sayHello({ suite: 0x0a0a })), 'negotiation_mismatch', 'GREASE');
  t.equal(serverReason((peer) => peer.sayHello({ recordLimit: 16_383 })), 'negotiation_mismatch');
  t.equal(serverReason((peer) => peer.sayHello({ recordLimit: 65_537 })), 'negotiation_mismatch');
  t.equal(serverReason((peer) => peer.sayHello({ isResumed: true })), 'negotiation_mismatch', 'resumed without a ticket');
});

t.test('a client that requires the hybrid takes nothing less', async (t) => {
  const peer = new HostileServer({ suites: [HYBRID] }, { suites: [AES] });
  peer.sayHello();
  t.equal(peer.reason, 'negotiation_mismatch');
});

t.test('a server that does not choose what it had to choose', async (t) => {
  const downgrade = new HostileServer({ suites: [CHACHA, AES] }, { suites: [AES, CHACHA] });
  downgrade.sayHello();
  downgrade.leadParameters({ suites: [CHACHA.id, AES.id] });
  t.equal(downgrade.reason, 'negotiation_mismatch');
  const hybrid = new HostileServer({ suites: [HYBRID, AES] }, { suites: [AES] });
  hybrid.sayHello();
  hybrid.leadParameters({ suites: [HYBRID.id, AES.id] });
  t.equal(hybrid.reason, 'negotiation_mismatch', 'classical although both have the hybrid');
  const absent = new HostileServer();
  absent.sayHello();
  absent.leadParameters({ suites: [CHACHA.id] });
  t.equal(absent.reason, 'no_common_suite', 'a list without the suite that was chosen');
});

t.test('parameters out of range', async (t) => {
  const reason = (change: (body: Uint8Array) => void): string | undefined => serverReason((peer) => {
    peer.sayHello();
    const parameters = Uint8Array.from([2, 0x01, 0x01, 2, 0x08, 0x07, 0, 0, 0, 0, ...new Uint8Array(32), 0, 0]);
    change(parameters);
    peer.sayBody(MESSAGE.serverParameters, parameters);
  });
  t.equal(reason(() => undefined), undefined);
  t.equal(reason((body) => body.set([3], 6)), 'malformed', 'client_auth 3');
  t.equal(reason((body) => body.set([2], 7)), 'malformed', 'staple_required 2');
});

t.test('a client without identity meets a server that requires one', async (t) => {
  const peer = new HostileServer({ identity: undefined });
  peer.sayHello();
  peer.leadParameters();
  t.equal(peer.reason, 'anonymous_not_allowed');
});

t.test('a second Retry, and a Retry that is empty or too long', async (t) => {
  const peer = new HostileServer();
  peer.plain(makeMessage(MESSAGE.retry, Uint8Array.of(2, 1, 2)));
  peer.plain(makeMessage(MESSAGE.retry, Uint8Array.of(2, 1, 2)));
  t.equal(peer.reason, 'retry_repeated');
  t.equal(serverReason((victim) => victim.plain(makeMessage(MESSAGE.retry, Uint8Array.of(0)))), 'malformed');
  t.equal(serverReason((victim) => victim.plain(makeMessage(MESSAGE.retry, Uint8Array.of(65, ...pattern(64))))), 'malformed');
  t.equal(serverReason((victim) => victim.plain(makeMessage(MESSAGE.retry, Uint8Array.of(64, ...pattern(64))))), undefined);
});
