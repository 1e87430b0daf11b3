import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readAll } from '../support/applications.ts';
import { run, skipWithout } from '../support/programs.ts';
import { startPair, temporaryFolder, type Test } from '../support/scenario.ts';

const UPLOAD_BYTES = 5_000_000;

async function listening(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const hashOfUpload: RequestListener = (request, response) => {
  const hash = createHash('sha256');
  request.on('data', (bytes: Buffer) => hash.update(bytes));
  request.on('end', () => response.end(`HTTP/${request.httpVersion} ${hash.digest('hex')}`));
};

await t.test('curl over HTTP/1.1', { skip: skipWithout('curl') }, async (t) => {
  const { url, file, digest } = await uploadThrough(t, createServer(hashOfUpload));
  t.equal((await run('curl', ['-sS', '--data-binary', `@${file}`, url])).stdout, `HTTP/1.1 ${digest}`, 'an upload');
  const many = await run('curl', ['-sS', '-Z', '--parallel-max', '10', ...Array.from({ length: 30 }, (_, i) => `${url}/${i}`)]);
  t.equal(many.code, 0, '30 requests, 10 at a time');
  t.equal(many.stdout.split('HTTP/1.1').length - 1, 30);
});

await t.test('curl over h2c', { skip: skipWithout('curl') }, async (t) => {
  const { url, file, digest } = await uploadThrough(t, createHttp2Server(hashOfUpload as never));
  const upload = await run('curl', ['-sS', '--http2-prior-knowledge', '--data-binary', `@${file}`, url]);
  t.equal(upload.stdout, `HTTP/2.0 ${digest}`, 'an upload');
  // The curl of Debian 12 cannot do a second h2c request on a connection, with or without a proxy; Node.js can.
  const session = connectHttp2(url);
  t.teardown(() => session.destroy());
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => readAll(session.request({ ':path': `/${i}` }).end())));
  t.ok(answers.every((answer) => answer.startsWith('HTTP/2.0')), '30 requests at once on one connection');
});

async function uploadThrough(t: Test, server: Server): Promise<{ readonly url: string; readonly file: string; readonly digest: string }> {
  const file = join(temporaryFolder(t), 'upload');
  const content = randomBytes(UPLOAD_BYTES);
  writeFileSync(file, content);
  const pair = await startPair(t, { target: await listening(t, server) });
  return { url: pair.url.replace('tcp:', 'http:'), file, digest: createHash('sha256').update(content).digest('hex') };
}
