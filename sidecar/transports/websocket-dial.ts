import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, type ClientOptions } from 'ws';
import { XpsError } from '../../base/errors.ts';
import type { WebSocketAddress } from '../config/schema.ts';
import { timedOut } from './dial.ts';
import type { DialOptions, Transport } from './transport.ts';
import { CHANNEL_SUBPROTOCOL, MAX_MESSAGE_BYTES } from './websocket-constants.ts';
import { WebSocketTransport } from './websocket-transport.ts';

export function dialWebSocket(address: WebSocketAddress, options: DialOptions): Promise<Transport> {
  const { side, timeoutMs, signal } = options;
  const webSocket = new WebSocket(address.url, side === 'channel' ? [CHANNEL_SUBPROTOCOL] : [], clientOptions(options));
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    const give = (outcome: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      webSocket.removeAllListeners();
      outcome();
    };
    const refuse = (error: unknown): void => give(() => {
      webSocket.on('error', () => undefined);
      webSocket.terminate();
      reject(error);
    });
    const onAbort = (): void => refuse(new XpsError('shutting_down'));
    const timer = setTimeout(() => refuse(timedOut(address.url, timeoutMs)), timeoutMs);
    webSocket.once('upgrade', (response: IncomingMessage) => {
      socket = response.socket;
    });
    webSocket.once('open', () => give(() => {
      if (socket === undefined) reject(new XpsError('internal_error', { detail: 'a WebSocket without a socket' }));
      else resolve(new WebSocketTransport(webSocket, socket, side === 'channel' ? 'refuse' : 'bytes', address.url));
    }));
    webSocket.once('unexpected-response', (_request, response: IncomingMessage) => {
      refuse(new XpsError('dial_failed', { detail: `${address.url}: HTTP status ${response.statusCode ?? 0} instead of a WebSocket` }));
    });
    webSocket.once('error', refuse);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

function clientOptions({ side, tls }: DialOptions): ClientOptions {
  return {
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_MESSAGE_BYTES[side],
    minVersion: 'TLSv1.2',
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}
