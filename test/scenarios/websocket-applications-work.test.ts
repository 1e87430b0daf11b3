import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { application, connectTo, endingOf } from '../support/applications.ts';
import { startPair } from '../support/scenario.ts';

await t.test('an unmodified WebSocket echo, carried as TCP', async (t) => {
  const server = createServer();
  const echo = new WebSocketServer({ server });
  echo.on('connection', (socket) => socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const pair = await startPair(t, { target: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const socket = new WebSocket(pair.url.replace('tcp:', 'ws:'));
  await once(socket, 'open');
  for (const text of ['short', 'x'.repeat(300_000)]) {
    socket.send(text);
    const [message, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
    t.equal(message.toString(), text);
    t.notOk(isBinary, 'a text message stays one');
  }
  socket.close(1000);
  await once(socket, 'close');
});

await t.test('a ws:// listener for applications', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { target: app.url, clientListen: 'ws://127.0.0.1:0/app' });

  const socket = new WebSocket(pair.url, ['first', 'second']);
  await once(socket, 'open');
  t.equal(socket.protocol, 'first', 'the first subprotocol that it offers is accepted');
  socket.send('text becomes bytes');
  const [message, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  t.equal(message.toString(), 'text becomes bytes');
  t.ok(isBinary, 'and comes back as a binary message');
  socket.close(1000);
  await once(socket, 'close');

  const cut = new WebSocket(pair.url);
  await once(cut, 'open');
  cut.send('x');
  await once(cut, 'message');
  const ended = endingOf(app.connections.at(-1) ?? (await connectTo(t, pair.url)));
  cut.terminate();
  t.equal(await ended, 'reset', 'an end without a close frame is a reset');

  const foreign = new WebSocket(pair.url, { origin: 'https://evil.example' });
  const [error] = (await once(foreign, 'error')) as [Error];
  t.match(error.message, /403/, 'a web page of somebody else may not use it');
  const elsewhere = new WebSocket(pair.url.replace('/app', '/other'));
  const [notFound] = (await once(elsewhere, 'error')) as [Error];
  t.match(notFound.message, /404/);
});

await t.test('a channel over WebSocket takes nothing but channels', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { target: app.url, channelListen: 'ws://127.0.0.1:0/in' });
  const url = pair.server.listenUrl('test');
  const withoutProtocol = new WebSocket(url);
  const [error] = (await once(withoutProtocol, 'error')) as [Error];
  t.match(error.message, /400/, 'the subprotocol is demanded');
  const text = new WebSocket(url, ['xpscerpto.v1']);
  await once(text, 'open');
  text.send('a text message');
  await once(text, 'close');
  await pair.server.until((line) => line.msg === 'handshake failed' && line.reason === 'channel_truncated');
  t.equal((await fetch(url.replace('ws:', 'http:'))).status, 426, 'a browser is told what is missing');
});
