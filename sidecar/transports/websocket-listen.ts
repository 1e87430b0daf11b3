import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer, type ServerOptions } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocketAddress } from '../config/schema.ts';
import { bind, boundUrl, stop } from './listen.ts';
import { networkSource } from './network-source.ts';
import type { Listener, ListenOptions, Pass } from './transport.ts';
import { CHANNEL_SUBPROTOCOL, MAX_MESSAGE_BYTES } from './websocket-constants.ts';
import { WebSocketTransport } from './websocket-transport.ts';

const CHECK_INTERVAL_MS = 500;
const MAX_HEADER_BYTES = 16 * 1024;

export async function listenForWebSockets(address: WebSocketAddress, options: ListenOptions): Promise<Listener> {
  const server = createServer(address, options);
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES[options.side],
    // An application is given what it asks for first: its bytes are passed on whatever they mean.
    handleProtocols: (offered) => (options.side === 'channel' ? CHANNEL_SUBPROTOCOL : [...offered][0] ?? false),
  });
  const passes = new Map<string, Pass>();

  server.on('connection', (socket: Socket) => {
    const key = socketKey(socket);
    const pass = options.onAccept(networkSource(socket.remoteAddress), () => socket.destroy());
    if (pass === undefined) {
      socket.destroy();
      return;
    }
    passes.set(key, pass);
    // Until a transport takes the pass over; a timeout here also covers TLS.
    const timer = setTimeout(() => {
      if (passes.has(key)) socket.destroy();
    }, options.upgradeTimeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      passes.get(key)?.leave();
      passes.delete(key);
    });
  });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request, address, options);
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const key = socketKey(request.socket);
      const pass = passes.get(key);
      passes.delete(key);
      if (pass === undefined) webSocket.terminate();
      else options.onConnection(new WebSocketTransport(webSocket, request.socket, options.side === 'channel' ? 'refuse' : 'bytes'), pass);
    });
  });

  await bind(server, { host: address.host, port: address.port }, options);
  return {
    url: boundUrl(address.scheme, server, address.host, address.path),
    close: () => stop(server),
    ...('setSecureContext' in server ? { renewTls: (tls: { cert: string; key: string }) => server.setSecureContext(tls) } : {}),
  };
}

function createServer(address: WebSocketAddress, options: ListenOptions): HttpServer | HttpsServer {
  const http: ServerOptions = {
    headersTimeout: options.upgradeTimeoutMs,
    requestTimeout: options.upgradeTimeoutMs,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
  };
  const server = address.scheme === 'ws'
    ? createHttpServer(http)
    : createHttpsServer({ ...http, ...options.tls, minVersion: 'TLSv1.2', handshakeTimeout: options.upgradeTimeoutMs, ALPNProtocols: ['http/1.1'] });
  server.on('request', (_request, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket', 'Content-Length': 0 }).end();
  });
  // Half-finished or nonsensical requests are the everyday noise of an open port.
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  return server;
}

/** The status line for a request that will not be upgraded. */
function refusalOf(request: IncomingMessage, address: WebSocketAddress, options: ListenOptions): string | undefined {
  if (request.url !== address.path) return '404 Not Found';
  if (options.side === 'channel') {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    return offered.includes(CHANNEL_SUBPROTOCOL) ? undefined : '400 Bad Request';
  }
  return isOwnOrigin(request.headers.origin, address.host, request.socket.localAddress) ? undefined : '403 Forbidden';
}

/** Browsers let any web page open a WebSocket to this machine: only pages that came from it may. */
function isOwnOrigin(origin: string | undefined, listenHost: string, localAddress: string | undefined): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const host = new URL(origin).hostname.replaceAll(/[[\]]/g, '');
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return true;
  return host === listenHost || (isIP(host) !== 0 && host === localAddress);
}

/** TLS sockets and the TCP sockets under them have it in common. */
function socketKey(socket: Socket): string {
  return `${socket.remoteAddress ?? ''}|${socket.remotePort ?? ''}`;
}
