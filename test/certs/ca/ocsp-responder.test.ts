import t, { type Test } from 'tap';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Authority } from '../../../certs/ca/authority.ts';
import { element, integer, octetString, oid, sequence } from '../../../certs/ca/der-writer.ts';
import { type OcspResponder, startOcspResponder } from '../../../certs/ca/ocsp-responder.ts';
import { parseDer } from '../../../certs/der.ts';
import { refusal } from '../../support/refusal.ts';

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

const OCSP_REQUEST = { 'content-type': 'application/ocsp-request' };

async function send({ port }: OcspResponder, method: string, path: string, headers: Record<string, string>, body?: Uint8Array): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function newResponder(t: Test): Promise<OcspResponder> {
  const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA' });
  return startOcspResponder(await authority.ocsp());
}

/** OCSPResponseStatus; 0 is successful. */
const statusOf = (body: Uint8Array): number => parseDer(body, 'answer').children()[0]?.content[0] ?? -1;
const malformedAnswer = 1;
const unauthorized = 6;

const certId = sequence(sequence(oid('1.3.14.3.2.26')), octetString(new Uint8Array(20)), octetString(new Uint8Array(20)), integer(1));
const asking = (ids: number): Uint8Array => sequence(sequence(sequence(...Array.from({ length: ids }, () => sequence(certId)))));

t.test('a request about another CA is answered, without a signature', async (t) => {
  await using responder = await newResponder(t);
  const { status, body } = await send(responder, 'POST', '/', OCSP_REQUEST, asking(1));
  t.equal(status, 200);
  t.equal(statusOf(body), unauthorized);
});

t.test('GET carries the request in the path', async (t) => {
  await using responder = await newResponder(t);
  const path = `/${encodeURIComponent(Buffer.from(asking(1)).toString('base64'))}`;
  const { status, body } = await send(responder, 'GET', path, {});
  t.equal(status, 200);
  t.equal(statusOf(body), unauthorized);
  t.equal((await send(responder, 'GET', '/%zz', {})).status, 400);
  t.equal((await send(responder, 'GET', '/', {})).status, 400);
});

t.test('what is no request gets malformedRequest', async (t) => {
  await using responder = await newResponder(t);
  const version = element(0xa0, integer(0));
  const nonce = (length: number): Uint8Array => element(0xa2, sequence(sequence(oid('1.3.6.1.5.5.7.48.1.2'), octetString(octetString(new Uint8Array(length))))));
  const critical = element(0xa2, sequence(sequence(oid('1.2.3'), element(1, Uint8Array.of(0xff)), octetString(new Uint8Array(0)))));
  const list = sequence(sequence(certId));
  const wrong: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array(0)],
    ['text', Buffer.from('GET / HTTP/1.1')],
    ['trailing bytes', Buffer.concat([asking(1), Buffer.of(0)])],
    ['cut off', asking(1).subarray(0, -1)],
    ['no certificate', asking(0)],
    ['more certificates than one answer takes', asking(33)],
    ['a written default version', sequence(sequence(version, list))],
    ['an empty nonce', sequence(sequence(list, nonce(0)))],
    ['an endless nonce', sequence(sequence(list, nonce(129)))],
    ['an unknown critical extension', sequence(sequence(list, critical))],
  ];
  for (const [name, body] of wrong) {
    const reply = await send(responder, 'POST', '/', OCSP_REQUEST, body);
    t.equal(reply.status, 200, name);
    t.equal(statusOf(reply.body), malformedAnswer, name);
  }
  t.equal(statusOf((await send(responder, 'POST', '/', OCSP_REQUEST, sequence(sequence(list, nonce(128))))).body), unauthorized, 'the longest nonce');
});

t.test('other uses of HTTP get an HTTP status', async (t) => {
  await using responder = await newResponder(t);
  t.equal((await send(responder, 'PUT', '/', OCSP_REQUEST, asking(1))).status, 405);
  t.equal((await send(responder, 'POST', '/', { 'content-type': 'text/plain' }, asking(1))).status, 415);
  t.equal((await send(responder, 'POST', '/', OCSP_REQUEST, Buffer.alloc(9000))).status, 413);
});

t.test('a client that goes away in the middle does no harm', async (t) => {
  await using responder = await newResponder(t);
  const socket = connect(responder.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/ocsp-request\r\ncontent-length: 100\r\n\r\nabc');
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  t.equal((await send(responder, 'POST', '/', OCSP_REQUEST, asking(1))).status, 200);
});

t.test('a port that is taken is named', async (t) => {
  await using responder = await newResponder(t);
  const authority = await Authority.create(join(t.testdir(), 'other'), { name: 'Other CA' });
  await t.rejects(startOcspResponder(await authority.ocsp(), responder.port), refusal('listen_failed', new RegExp(`127.0.0.1:${responder.port}`)));
});
