// Failure, Alert, Ping and everything else that is small and could come in floods or at the wrong time.
import t from 'tap';
import { encodeAlert, encodePing } from '../../../channel/messages/control-messages.ts';
import { MESSAGE } from '../../../handshake/codepoints.ts';
import { encodeBare, encodeGeneration } from '../../../handshake/messages/bare.ts';
import { encodeTicket } from '../../../handshake/messages/ticket.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';

const FAILURE = encodeBare(MESSAGE.failure);
const PING = encodePing(MESSAGE.ping, pattern(8));

t.test('a plain Failure ends a handshake only before anything protected came', async (t) => {
  const early = new HostileServer();
  early.plain(FAILURE);
  t.equal(early.reason, 'peer_refused');
  t.equal(early.victim.channel.takeOutput().length, 1, 'only the hello: a Failure is not answered');
  const late = new HostileServer();
  late.sayHello();
  late.leadParameters();
  late.plain(FAILURE);
  t.equal(late.reason, 'unexpected_message', 'injected by somebody without keys');
});

t.test('Failure with a body, and on an established channel', async (t) => {
  const loud = new HostileServer();
  loud.raw(Uint8Array.of(0x58, 0, 0, 0, 0, 0, 0, 5, MESSAGE.failure, 0, 0, 1, 0));
  t.equal(loud.reason, 'malformed');
  for (const peer of [HostileClient.established(), HostileServer.established()]) {
    peer.say(FAILURE);
    t.equal(peer.reason, 'unexpected_message');
  }
});

t.test('each alert has its reason; it is final and not answered', async (t) => {
  const reasons = ['internal', 'protocol', 'credential', 'limit', 'rekey', 'shutdown'];
  for (const [index, reason] of reasons.entries()) {
    const peer = HostileClient.established();
    peer.say(encodeAlert(index + 1));
    t.equal(peer.reason, `peer_alert_${reason}`);
    t.same(peer.listen(), []);
  }
  for (const code of [0, 7, 255]) {
    const peer = HostileClient.established();
    peer.say(encodeAlert(code));
    t.equal(peer.reason, 'malformed', `code ${code}`);
  }
});

t.test('an alert before the channel is established', async (t) => {
  const peer = HostileServer.authenticated();
  peer.hearClient();
  peer.say(encodeAlert(1));
  t.equal(peer.reason, 'unexpected_message');
});

t.test('a failure tells the peer a code and nothing else', async (t) => {
  const peer = HostileClient.established();
  peer.say(encodePing(MESSAGE.pong, pattern(8)));
  t.equal(peer.reason, 'pong_invalid');
  t.same([...peer.hear(MESSAGE.alert).body], [2]);
});

t.test('a flood of Pings', async (t) => {
  for (const make of [() => HostileClient.established(), () => HostileServer.established()]) {
    const peer = make();
    let pings = 0;
    while (peer.reason === undefined && pings < 100) {
      peer.say(PING);
      pings += 1;
    }
    t.equal(peer.reason, 'control_flood');
    t.equal(pings, 33, 'a credit of 32');
  }
});

t.test('credit comes back with time, four in a second, and with data at once', async (t) => {
  const slow = HostileClient.established();
  for (let i = 0; i < 200; i += 1) {
    slow.say(PING);
    slow.nowMs += 250;
  }
  t.equal(slow.reason, undefined);
  const spent = HostileClient.established();
  for (let i = 0; i < 32; i += 1) spent.say(PING);
  spent.nowMs += 500;
  spent.say(PING);
  spent.say(PING);
  t.equal(spent.reason, undefined, 'half a second is worth two');
  spent.say(PING);
  t.equal(spent.reason, 'control_flood');
  const busy = HostileClient.established();
  busy.sayBody(MESSAGE.open, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0));
  for (let i = 0; i < 20; i += 1) {
    for (let j = 0; j < 32; j += 1) busy.say(PING);
    busy.sayData(pattern(1));
  }
  t.equal(busy.reason, undefined);
});

t.test('Pings and Pongs of the wrong length, Pongs that answer nothing', async (t) => {
  for (const type of [MESSAGE.ping, MESSAGE.pong]) {
    for (const length of [0, 7]) {
      const peer = HostileClient.established();
      peer.sayBody(type, pattern(length));
      t.equal(peer.reason, 'malformed');
    }
  }
  const twice = HostileClient.established({ timeouts: { keepAliveMs: 1000 } });
  twice.advance(1500);
  const { body } = twice.hear(MESSAGE.ping);
  twice.sayBody(MESSAGE.pong, body);
  t.equal(twice.reason, undefined);
  twice.sayBody(MESSAGE.pong, body);
  t.equal(twice.reason, 'pong_invalid');
});

t.test('tickets: too many, out of range, from a client, to an anonymous one', async (t) => {
  const ticket = (lifetimeS: number) => encodeTicket({ lifetimeS, ticket: pattern(32), nonce: pattern(16) });
  const many = HostileServer.established();
  for (let i = 0; i < 8; i += 1) many.say(ticket(60));
  t.equal(many.reason, undefined);
  many.say(ticket(60));
  t.equal(many.reason, 'control_flood');
  for (const lifetime of [0, 86_401, 0xffff_ffff]) {
    const peer = HostileServer.established();
    peer.say(ticket(lifetime));
    t.equal(peer.reason, 'malformed');
  }
  const client = HostileClient.established();
  client.say(ticket(60));
  t.equal(client.reason, 'unexpected_message');
});

t.test('messages from the wrong side, and those of the handshake again', async (t) => {
  const fromClient = [encodeGeneration(MESSAGE.rekeyWish, 2), encodeBare(MESSAGE.retire), encodeBare(MESSAGE.confirm)];
  for (const message of fromClient) {
    const peer = HostileClient.established();
    peer.say(message);
    t.equal(peer.reason, 'unexpected_message');
  }
  const handshake = [MESSAGE.clientHello, MESSAGE.serverHello, MESSAGE.retry, MESSAGE.serverParameters, MESSAGE.certificate, MESSAGE.certificateVerify, MESSAGE.finished];
  for (const type of handshake) {
    for (const peer of [HostileClient.established(), HostileServer.established()]) {
      peer.sayBody(type, pattern(20));
      t.equal(peer.reason, 'unexpected_message');
    }
  }
  const server = HostileServer.established();
  server.say(encodeBare(MESSAGE.confirm));
  t.equal(server.reason, 'unexpected_message', 'a second Confirm');
  const retired = HostileServer.established();
  retired.victim.channel.open({ kind: 'configured' });
  retired.say(encodeBare(MESSAGE.retire));
  retired.say(encodeBare(MESSAGE.retire));
  t.equal(retired.reason, 'unexpected_message', 'a second Retire');
});
