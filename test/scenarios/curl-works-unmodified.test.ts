import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
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

await t.test('HTTP/1.1 and h2c', { skip: skipWithout('curl') }, async (t) => {
  const file = join(temporaryFolder(t), 'upload');
  const content = randomBytes(UPLOAD_BYTES);
  writeFileSync(file, content);
  const digest = createHash('sha256').update(content).digest('hex');
  const servers = [
    ['HTTP/1.1', ['--http1.1'], createServer(hashOfUpload)],
    ['HTTP/2.0', ['--http2-prior-knowledge'], createHttp2Server(hashOfUpload as never) as unknown as Server],
  ] as const;
  for (const [version, flags, server] of servers) {
    const pair = await startPair(t, { target: await listening(t, server) });
    const url = pair.url.replace('tcp:', 'http:');
    const upload = await run('curl', ['-sS', ...flags, '--data-binary', `@${file}`, url]);
    t.equal(upload.stdout, `${version} ${digest}`, `an upload over ${version}`);
    // This curl cannot multiplex h2c, with or without a proxy: there, one request after another on one connection.
    const parallel = version === 'HTTP/1.1' ? ['-Z', '--parallel-max', '10'] : [];
    const many = await run('curl', ['-sS', ...flags, ...parallel, ...Array.from({ length: 30 }, (_, i) => `${url}/${i}`)]);
    t.equal(many.code, 0, '30 requests');
    t.equal(many.stdout.split(version).length - 1, 30);
  }
});
