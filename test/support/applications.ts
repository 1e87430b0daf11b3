// Applications for the two ends of a pair: plain sockets, UNIX sockets and WebSockets as byte streams.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';
import { temporaryFolder, type Test } from './scenario.ts';

const MAX_WAIT_MS = 300_000;

export interface Application {
  readonly url: string;
  /** Every connection that was accepted, oldest first. */
  readonly connections: readonly Duplex[];
  readonly server: Server;
}

/** Accepts connections and gives each to `serve`. */
export async function application(t: Test, kind: 'tcp' | 'unix' | 'ws', serve: (stream: Duplex) => void): Promise<Application> {
  const connections: Duplex[] = [];
  const accept = (stream: Duplex): void => {
    connections.push(stream);
    stream.on('error', () => undefined);
    serve(stream);
  };
  const server = kind === 'ws' ? webSocketServer(accept) : createServer({ allowHalfOpen: true }, accept);
  const path = kind === 'unix' ? join(temporaryFolder(t), 'app.sock') : undefined;
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    for (const stream of connections) stream.destroy();
    server.close();
  });
  const url = path === undefined ? `${kind}://127.0.0.1:${(server.address() as AddressInfo).port}${kind === 'ws' ? '/' : ''}` : `unix:${path}`;
  return { url, connections, server };
}

/** A connection to where a client tunnel listens. */
export async function connectTo(t: Test, url: string): Promise<Duplex> {
  const stream = await open(url);
  stream.on('error', () => undefined);
  t.teardown(() => stream.destroy());
  return stream;
}

export async function connectSocket(t: Test, url: string): Promise<Socket> {
  return (await connectTo(t, url)) as Socket;
}

/** Connects, says `greeting` and tells how it ended. A reset can be faster than the test: then `connect` itself reports it. */
export async function endingOfConnection(t: Test, url: string, greeting = ''): Promise<Ending> {
  try {
    const stream = await connectTo(t, url);
    if (greeting !== '') stream.write(greeting);
    return await endingOf(stream);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ECONNRESET') return 'reset';
    throw thrown;
  }
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Writes `length` random bytes, minding backpressure; resolves with their SHA-256. Does not end the stream. */
export async function sendRandom(stream: Duplex, length: number): Promise<string> {
  const hash = createHash('sha256');
  const block = randomBytes(Math.min(length, 256 * 1024));
  for (let left = length; left > 0;) {
    // The block changes with every turn, so that a repeated or swapped record shows.
    block.writeUInt32LE(left >>> 0, 0);
    const piece = Buffer.from(block.subarray(0, Math.min(left, block.length)));
    hash.update(piece);
    left -= piece.length;
    if (!stream.write(piece)) await once(stream, 'drain');
  }
  return hash.digest('hex');
}

/** SHA-256 of the next `length` bytes. Rejects when the stream ends before. */
export function receiveHash(stream: Duplex, length: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    let received = 0;
    const timer = setTimeout(() => reject(new Error(`${received} of ${length} bytes within ${MAX_WAIT_MS} ms`)), MAX_WAIT_MS);
    const fail = (): void => reject(new Error(`the stream ended after ${received} of ${length} bytes`));
    stream.on('data', (bytes: Buffer) => {
      hash.update(bytes);
      received += bytes.length;
      if (received < length) return;
      clearTimeout(timer);
      stream.removeListener('close', fail);
      resolve(received === length ? hash.digest('hex') : `${received - length} bytes too many`);
    });
    stream.once('close', fail);
  });
}

/** Everything until the other side's end, as text. */
export async function readAll(stream: Duplex): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

export type Ending = 'end' | 'reset' | 'close';

/** How the other side ended: `end` for FIN, `reset` for RST. What still comes is thrown away. */
export function endingOf(stream: Duplex, withinMs = 10_000): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no end within ${withinMs} ms`)), withinMs);
    const finish = (ending: Ending): void => {
      clearTimeout(timer);
      resolve(ending);
    };
    stream.once('end', () => finish('end'));
    stream.once('error', () => finish('reset'));
    stream.once('close', () => finish('close'));
    stream.resume();
  });
}

function open(url: string): Promise<Duplex> {
  if (url.startsWith('ws:')) {
    const webSocket = new WebSocket(url, { perMessageDeflate: false });
    const stream = createWebSocketStream(webSocket);
    return new Promise((resolve, reject) => {
      webSocket.once('open', () => resolve(stream));
      webSocket.once('error', reject);
    });
  }
  const socket = url.startsWith('unix:')
    ? connect({ path: url.slice('unix:'.length), allowHalfOpen: true })
    : connect({ host: new URL(url).hostname, port: Number(new URL(url).port), allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

function webSocketServer(accept: (stream: Duplex) => void): Server {
  const server = createHttpServer();
  const webSockets = new WebSocketServer({ server, perMessageDeflate: false });
  webSockets.on('connection', (webSocket) => accept(createWebSocketStream(webSocket)));
  return server;
}
