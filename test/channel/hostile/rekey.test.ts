// Rekeys of hostile peers: every rule of docs/PROTOCOL.md §9 broken once.
import t from 'tap';
import type { Bytes } from '../../../base/bytes.ts';
import { MESSAGE } from '../../../handshake/codepoints.ts';
import { encodeGeneration } from '../../../handshake/messages/bare.ts';
import { encodeOpen } from '../../../channel/messages/stream-messages.ts';
import { MALLORY, credentialOf, type ClientOptions, type ServerOptions } from '../../support/channel-sides.ts';
import { CONFIGURED, pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';
import { HostileRekey, NOBODY, type RekeyChanges } from '../../support/hostile-rekey.ts';
import { crypto } from '../../support/test-crypto.ts';

const wish = (generation: number) => encodeGeneration(MESSAGE.rekeyWish, generation);
const done = (generation: number) => encodeGeneration(MESSAGE.rekeyDone, generation);

/** A hostile client's rekey as far as its Finish. */
function clientRekey(changes: RekeyChanges = {}, server: ServerOptions = {}): HostileClient {
  const peer = HostileClient.established(server);
  const rekey = new HostileRekey(peer, changes);
  rekey.finish(rekey.request(), changes);
  return peer;
}

/** A hostile server's rekey as far as its Response. */
function serverRekey(changes: RekeyChanges = {}, client: ClientOptions = {}): { readonly peer: HostileServer; readonly rekey: HostileRekey } {
  const peer = HostileServer.established(client);
  peer.victim.channel.demandRekey();
  peer.advance(250);
  const rekey = new HostileRekey(peer, changes);
  rekey.respond(changes);
  return { peer, rekey };
}

t.test('without a fault it succeeds', async (t) => {
  const client = clientRekey();
  t.equal(client.reason, undefined);
  t.equal(client.victim.channel.generation, 2);
  const { peer, rekey } = serverRekey();
  rekey.hearFinish();
  rekey.switchSending();
  peer.say(done(2));
  t.equal(peer.reason, undefined);
  t.equal(peer.victim.channel.generation, 2);
});

t.test('a RekeyFinish that is wrong in one respect', async (t) => {
  const flip = (right: Uint8Array): Bytes => {
    right[0] = (right[0] as number) ^ 1;
    return right;
  };
  t.equal(clientRekey({ sign: { change: (s) => flip(Uint8Array.from(s)) } }).reason, 'signature_invalid');
  t.equal(clientRekey({ sign: { purpose: 'client' } }).reason, 'signature_invalid', 'signed for a handshake');
  t.equal(clientRekey({ sign: { purpose: 'rekey-server' } }).reason, 'signature_invalid');
  t.equal(clientRekey({ sign: { transcript: pattern(48) } }).reason, 'signature_invalid');
  t.equal(clientRekey({ sign: { scheme: 0x0403 } }).reason, 'negotiation_mismatch');
  t.equal(clientRekey({ sign: { credential: credentialOf(crypto, MALLORY) } }).reason, 'signature_invalid', 'a thief of the traffic keys has no signing key');
  t.equal(clientRekey({ verifyData: flip }).reason, 'finished_invalid');
  t.equal(clientRekey({ presented: NOBODY, isUnsigned: true }).reason, 'rekey_invalid', 'a named client that becomes anonymous');
  t.equal(clientRekey({ isUnsigned: true }).reason, 'negotiation_mismatch');
  t.equal(clientRekey({ presented: { chain: MALLORY.chain, staple: NOBODY.staple }, sign: { credential: credentialOf(crypto, MALLORY) } }).reason, 'identity_changed');
  t.equal(clientRekey({ channelId: pattern(16) }).reason, 'signature_invalid', 'bound to another channel');
});

t.test('an anonymous client that presents somebody', async (t) => {
  const server: ServerOptions = { clientAuth: 'optional', isAnonymousAllowed: true };
  const peer = new HostileClient(server);
  peer.sayHello();
  peer.hearServer();
  peer.leadCertificate(NOBODY);
  peer.leadFinished();
  peer.useApplicationKeys();
  peer.hear(MESSAGE.confirm);
  const rekey = new HostileRekey(peer);
  rekey.finish(rekey.request());
  t.equal(peer.reason, 'identity_changed');
});

t.test('a RekeyResponse that is wrong in one respect', async (t) => {
  t.equal(serverRekey({ sign: { change: () => new Uint8Array(64) } }).peer.reason, 'signature_invalid');
  t.equal(serverRekey({ sign: { purpose: 'server' } }).peer.reason, 'signature_invalid');
  t.equal(serverRekey({ sign: { credential: credentialOf(crypto, MALLORY) } }).peer.reason, 'signature_invalid');
  t.equal(serverRekey({ sign: { scheme: 0x0503 } }).peer.reason, 'negotiation_mismatch');
  t.equal(serverRekey({ presented: NOBODY }).peer.reason, 'rekey_invalid');
  t.equal(serverRekey({ presented: { chain: MALLORY.chain, staple: NOBODY.staple }, sign: { credential: credentialOf(crypto, MALLORY) } }).peer.reason, 'identity_changed');
  t.equal(serverRekey({ answer: new Uint8Array(32) }).peer.reason, 'key_share_invalid', 'low order');
  t.equal(serverRekey({ channelId: pattern(16) }).peer.reason, 'signature_invalid');
  t.equal(serverRekey({ generation: 3 }).peer.reason, 'rekey_invalid', 'another generation');
});

t.test('generations of a request', async (t) => {
  for (const generation of [0, 1, 3, 0xffff_ffff]) {
    const peer = HostileClient.established();
    new HostileRekey(peer).request({ generation });
    t.equal(peer.reason, 'rekey_invalid', `generation ${generation}`);
  }
});

t.test('a share that came before on the channel', async (t) => {
  const first = HostileClient.established();
  new HostileRekey(first).request({ share: first.share });
  t.equal(first.reason, 'rekey_invalid', 'that of the handshake');

  const peer = HostileClient.established();
  const rekey = new HostileRekey(peer);
  const share = crypto.keyExchange.initiate('X25519', pattern(32));
  rekey.request({ share });
  rekey.finish(crypto.keyExchange.initiate('X25519', pattern(32)));
  t.equal(peer.victim.channel.generation, 2);
  rekey.switchSending();
  rekey.switchReceiving();
  peer.root = rekey.root;
  peer.hear(MESSAGE.rekeyDone);
  peer.nowMs += 1000;
  new HostileRekey(peer).request({ share: crypto.keyExchange.initiate('X25519', pattern(32)) });
  t.equal(peer.reason, 'rekey_invalid', 'that of the rekey before');

  const reflected = HostileServer.established();
  reflected.victim.channel.demandRekey();
  reflected.advance(250);
  reflected.listen();
  const request = reflected.inbox.find(({ type }) => type === MESSAGE.rekeyRequest);
  new HostileRekey(reflected).respond({ answer: request?.body.subarray(8) as Bytes });
  t.equal(reflected.reason, 'rekey_invalid', 'the own share sent back as answer');
});

t.test('out of order', async (t) => {
  const twice = HostileClient.established();
  new HostileRekey(twice).request();
  new HostileRekey(twice).request();
  t.equal(twice.reason, 'rekey_invalid', 'two requests outstanding');

  for (const type of [MESSAGE.rekeyResponse, MESSAGE.rekeyDone]) {
    const client = HostileClient.established();
    client.sayBody(type, pattern(4));
    t.match(client.reason, /rekey_invalid/, `type ${type} from a client`);
  }
  const finish = HostileClient.established();
  finish.sayBody(MESSAGE.rekeyFinish, pattern(100));
  t.equal(finish.reason, 'rekey_invalid', 'a Finish without a request');
  const request = HostileServer.established();
  request.sayBody(MESSAGE.rekeyRequest, pattern(38));
  t.equal(request.reason, 'unexpected_message', 'a request of a server');
  const unasked = HostileServer.established();
  unasked.sayBody(MESSAGE.rekeyResponse, pattern(100));
  t.equal(unasked.reason, 'rekey_invalid');
  const early = serverRekey();
  early.peer.say(done(2));
  t.equal(early.peer.reason, 'rekey_invalid', 'Done in the old epoch');
  const other = serverRekey();
  other.rekey.hearFinish();
  other.rekey.switchSending();
  other.peer.say(done(3));
  t.equal(other.peer.reason, 'rekey_invalid', 'Done of another generation');
});

t.test('wishes: crossed ones mean nothing, bold ones are fatal', async (t) => {
  const early = HostileServer.established();
  early.say(wish(1));
  t.equal(early.reason, undefined);
  t.equal(early.victim.channel.needsPeer, false);
  const bold = HostileServer.established();
  bold.say(wish(3));
  t.equal(bold.reason, 'rekey_invalid');
  const right = HostileServer.established();
  right.say(wish(2));
  t.equal(right.victim.channel.needsPeer, true);
  right.say(wish(2));
  t.equal(right.reason, undefined, 'a second wish during the rekey is ignored');
  for (let i = 0; i < 40 && right.reason === undefined; i += 1) right.say(wish(2));
  t.equal(right.reason, 'control_flood', 'but not for ever');
});

t.test('requests without end', async (t) => {
  const peer = HostileClient.established();
  const run = (): void => {
    const rekey = new HostileRekey(peer);
    rekey.finish(rekey.request());
    rekey.switchSending();
    rekey.switchReceiving();
    peer.root = rekey.root;
    peer.hear(MESSAGE.rekeyDone);
  };
  run();
  peer.nowMs += 9;
  new HostileRekey(peer).request();
  t.equal(peer.reason, 'rekey_invalid', 'within 10 ms');
  const flood = HostileClient.established();
  let rekeys = 0;
  try {
    for (; rekeys < 50; rekeys += 1) {
      const rekey = new HostileRekey(flood);
      rekey.finish(rekey.request());
      rekey.switchSending();
      rekey.switchReceiving();
      flood.root = rekey.root;
      flood.hear(MESSAGE.rekeyDone);
      flood.nowMs += 20;
    }
  } catch {
    // The victim has given up.
  }
  t.equal(flood.reason, 'control_flood');
  t.ok(rekeys <= 17, `${rekeys} rekeys`);
});

t.test('the old epoch after the switch', async (t) => {
  const peer = HostileClient.established();
  peer.say(encodeOpen({ number: 1n, destination: CONFIGURED }));
  const rekey = new HostileRekey(peer);
  rekey.finish(rekey.request());
  t.equal(peer.victim.channel.generation, 2);
  peer.sayData(pattern(10));
  t.equal(peer.reason, 'epoch_unexpected', 'from a client, after RekeyFinish');
  t.same(peer.victim.received, []);

  const { peer: server, rekey: answered } = serverRekey();
  const oldSealer = server.sealer;
  const oldKeys = server.sendKeys;
  answered.hearFinish();
  answered.switchSending();
  server.say(done(2));
  server.sealer = oldSealer;
  server.sendKeys = oldKeys;
  server.sayBody(MESSAGE.ping, pattern(8));
  t.equal(server.reason, 'epoch_unexpected', 'from a server, after RekeyDone');
});

t.test('the new epoch before RekeyDone', async (t) => {
  const { peer, rekey } = serverRekey();
  rekey.hearFinish();
  rekey.switchSending();
  peer.sayBody(MESSAGE.ping, pattern(8));
  t.equal(peer.reason, 'rekey_invalid');
});

t.test('every byte of Request, Response and Finish flipped: no new generation', async (t) => {
  const clean = HostileClient.established();
  const share = crypto.keyExchange.initiate('X25519');
  t.ok(clean && share);
  for (const type of [MESSAGE.rekeyRequest, MESSAGE.rekeyResponse, MESSAGE.rekeyFinish] as const) {
    const isFromClient = type !== MESSAGE.rekeyResponse;
    let length = 1;
    for (let at = 0; at < length; at += 3) {
      const peer = isFromClient ? HostileClient.established() : HostileServer.established();
      const say = peer.say.bind(peer);
      peer.say = (message) => {
        if (message.type !== type) return say(message);
        length = message.whole.length;
        const whole = Uint8Array.from(message.whole);
        whole[at] = (whole[at] as number) ^ 0x04;
        peer.record(1, whole);
      };
      try {
        const rekey = new HostileRekey(peer);
        if (isFromClient) rekey.finish(rekey.request());
        else {
          peer.victim.channel.demandRekey();
          peer.advance(250);
          rekey.respond();
        }
      } catch {
        // The victim had no answer to that.
      }
      peer.advance(31_000);
      if (peer.victim.channel.generation !== 1) t.fail(`byte ${at} of type ${type} went unnoticed`);
      if (peer.reason === undefined) t.fail(`byte ${at} of type ${type}: the channel lives on`);
    }
    t.ok(length > 30, `${length} bytes of type ${type}`);
  }
});
