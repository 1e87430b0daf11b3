import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import { application, connectTo, endingOf, endingOfConnection } from '../support/applications.ts';
import { makePki, startClient, startServer, type Test } from '../support/scenario.ts';

/** Random, but never the beginning of a record. */
function noise(length: number): Buffer {
  return Buffer.concat([Buffer.of(0), randomBytes(length)]);
}

async function listening(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => open.add(socket));
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const CANNOT_BE = {
  'an HTTP server': () => createHttpServer((_request, response) => response.end('hello')),
  'a server that speaks first': () => createServer((socket) => socket.write('220 mail.example ESMTP\r\n')),
  'noise': () => createServer((socket) => socket.write(noise(4096))),
};

for (const [name, make] of Object.entries(CANNOT_BE)) {
  await t.test(`the target is ${name}`, async (t) => {
    const pki = await makePki(t);
    const client = await startClient(t, pki, await listening(t, make()), { target: '' });
    const stream = await connectTo(t, client.listenUrl('test'));
    stream.write('secret');
    t.equal(await endingOf(stream), 'reset');
    const line = await client.until((entry) => entry.msg === 'no channel for an application');
    t.equal(line.reason, 'not_a_sidecar');
    t.match(line['action'], 'check that the address leads to the channel side of another sidecar');
  });
}

await t.test('the target says nothing', async (t) => {
  const pki = await makePki(t);
  const silent = await listening(t, createServer(() => undefined));
  const client = await startClient(t, pki, silent, { target: '', clientTunnel: { timeouts: { hello: '300ms', handshake: '500ms' } } });
  t.equal(await endingOfConnection(t, client.listenUrl('test')), 'reset');
  const line = await client.until((entry) => entry.msg === 'no channel for an application');
  t.equal(line.reason, 'handshake_timeout');
});

await t.test('strangers that come to a server', async (t) => {
  const pki = await makePki(t);
  const app = await application(t, 'tcp', () => undefined);
  const server = await startServer(t, pki, { target: app.url, serverTunnel: { timeouts: { hello: '300ms' } } });
  const { hostname, port } = new URL(server.listenUrl('test'));
  const strangers: Readonly<Record<string, (socket: Socket) => void>> = {
    'HTTP': (socket) => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    'TLS': (socket) => connectTls({ socket }).on('error', () => undefined),
    'noise': (socket) => socket.write(noise(10_000)),
    'nothing': () => undefined,
  };
  for (const [name, speak] of Object.entries(strangers)) {
    const socket = connect({ host: hostname, port: Number(port) });
    const answer: Buffer[] = [];
    socket.on('data', (bytes) => answer.push(bytes)).on('error', () => undefined);
    await once(socket, 'connect');
    speak(socket);
    await once(socket, 'close');
    t.ok(Buffer.concat(answer).length <= 16, `${name}: at most the fixed failure of a few bytes`);
  }
  t.equal(app.connections.length, 0);
  await server.until((entry) => entry.reason === 'not_a_sidecar');
  await server.until((entry) => entry.reason === 'handshake_timeout');
});
