// What a stranger can make us keep or do.
import t from 'tap';
import { concat, fromHex, utf8, type Bytes } from '../../../base/bytes.ts';
import { Deframer } from '../../../record/deframer.ts';
import { MESSAGE } from '../../../handshake/codepoints.ts';
import { encodeCertificate } from '../../../handshake/messages/certificate.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';
import { reasonOf } from '../../support/reason-of.ts';

t.test('what does not speak the protocol is told apart at its first bytes', async (t) => {
  const strangers: readonly (readonly [Bytes, RegExp])[] = [
    [utf8('GET / HTTP/1.1\r\n'), /HTTP request/],
    [utf8('HTTP/1.1 400 Bad Request\r\n'), /HTTP response/],
    [utf8('PRI * HTTP/2.0\r\n'), /HTTP request/],
    [utf8('SSH-2.0-OpenSSH_9.2\r\n'), /SSH/],
    [fromHex('16030100f8010000f40303'), /TLS/],
    [fromHex('15030100020228'), /TLS alert/],
    [utf8('PROXY TCP4 1.2.3.4'), /PROXY/],
    [new Uint8Array(64).fill(0xaa), /no record form/],
  ];
  for (const [bytes, detail] of strangers) {
    for (const peer of [new HostileClient(), new HostileServer()]) {
      peer.raw(concat([bytes, new Uint8Array(8)]));
      t.equal(peer.reason, 'not_a_sidecar');
      t.match(peer.victim.failure?.detail, detail);
    }
  }
});

t.test('a stranger that says nothing, or a byte now and then', async (t) => {
  const silent = new HostileClient();
  silent.advance(3500);
  t.equal(silent.reason, 'handshake_timeout');
  t.notOk(silent.victim.channel.hasHello);
  const slow = new HostileClient();
  const hello = new HostileClient().sayHello().whole;
  const record = concat([Uint8Array.of(0x58, 0, 0, 0, 0, 0, hello.length >> 8, hello.length & 0xff), hello]);
  for (let at = 0; slow.reason === undefined && at < record.length; at += 1) {
    slow.raw(record.subarray(at, at + 1));
    slow.advance(250);
  }
  t.equal(slow.reason, 'handshake_timeout', 'slow-loris');
});

t.test('at most 64 KiB before a peer is authenticated', async (t) => {
  // The greatest chain is 45 KiB as a message; with signature and Finished it fits, more does not.
  const peer = new HostileClient();
  peer.sayHello();
  peer.hearServer();
  peer.leadCertificate({ chain: [...(peer.credential.presented.chain), pattern(16_000), pattern(15_000)], staple: pattern(8000) });
  peer.leadVerify();
  peer.leadFinished();
  t.ok(peer.victim.established, 'everything at its maximum is accepted');

  const heavy = new HostileServer();
  heavy.sayHello();
  heavy.leadParameters({ caHints: Array.from({ length: 32 }, (_, i) => pattern(32, i)) });
  heavy.leadCertificate({ chain: [...(heavy.credential.presented.chain), pattern(16_000), pattern(15_000)], staple: pattern(8000) });
  heavy.leadVerify();
  t.equal(heavy.reason, undefined);

  const again = new HostileClient();
  again.sayHello();
  again.hearServer();
  const certificate = encodeCertificate({ chain: [...again.credential.presented.chain, pattern(31_000)], staple: new Uint8Array(0) });
  again.lead(certificate);
  again.leadVerify();
  again.say(encodeCertificate({ chain: [pattern(32_000)], staple: pattern(8000) }));
  t.equal(again.reason, 'handshake_too_large', 'the budget is judged before the order');
});

t.test('padding counts against the budget too', async (t) => {
  const peer = new HostileServer();
  peer.sayHello();
  peer.leadParameters();
  peer.leadCertificate({ chain: [...peer.credential.presented.chain, pattern(16_000), pattern(15_000)], staple: pattern(8000) });
  const { scheme, signature } = peer.sign('server', peer.transcript.digest());
  const verify = Uint8Array.of(MESSAGE.certificateVerify, 0, 0, signature.length + 4, scheme >> 8, scheme & 0xff, 0, signature.length, ...signature);
  peer.transcript.add(verify);
  const padding = new Uint8Array(16_384 - verify.length);
  peer.raw(peer.forge(concat([verify, Uint8Array.of(1), padding])));
  peer.sealer?.seal(1, Uint8Array.of(0));
  const finished = peer.secrets.finished('server', peer.transcript.digest());
  peer.raw(peer.forge(concat([Uint8Array.of(MESSAGE.finished, 0, 0, 48), finished, Uint8Array.of(1), new Uint8Array(16_000)])));
  t.equal(peer.reason, 'handshake_too_large');
});

t.test('a claimed length reserves nothing before it was judged', async (t) => {
  const deframer = new Deframer(16_384);
  deframer.append(fromHex('590000000fffffff'));
  t.equal(reasonOf(() => deframer.next()), 'record_too_long');
  const peer = new HostileClient();
  peer.raw(fromHex('5800000000002000'));
  t.equal(peer.reason, undefined, 'the greatest plain record may follow');
  t.equal(peer.victim.channel.bufferedBytes, 8);
});

t.test('thousands of half-open channels cost little each', async (t) => {
  const before = process.memoryUsage().heapUsed;
  const peers = Array.from({ length: 2000 }, () => {
    const peer = new HostileClient();
    peer.raw(fromHex('58000000000001fc'));
    return peer;
  });
  const each = (process.memoryUsage().heapUsed - before) / peers.length;
  t.ok(each < 60_000, `${Math.round(each)} bytes each, with the hostile half and its key share`);
});
