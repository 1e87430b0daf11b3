// Front for outgoing connections: one function, whatever the address is.
import { connect, type Socket } from 'node:net';
import { XpsError } from '../../base/errors.ts';
import type { Address } from '../config/schema.ts';
import { dialFailure } from './network-errors.ts';
import { SocketTransport } from './socket-transport.ts';
import type { DialOptions, Transport } from './transport.ts';

/** Rejects with `dial_failed`, whose detail says why in words. */
export async function dial(address: Address, options: DialOptions): Promise<Transport> {
  try {
    switch (address.scheme) {
      case 'tcp':
        return await dialSocket(address.url, 'tcp', connect({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true }), options);
      case 'unix':
        return await dialSocket(address.url, 'unix', connect({ path: address.path, allowHalfOpen: true }), options);
      case 'ws':
      case 'wss': {
        const { dialWebSocket } = await import('./websocket-dial.ts');
        return await dialWebSocket(address, options);
      }
    }
  } catch (thrown) {
    throw dialFailure(address.url, thrown);
  }
}

function dialSocket(url: string, kind: 'tcp' | 'unix', socket: Socket, options: DialOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const { signal, timeoutMs } = options;
    const give = (outcome: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('connect', onConnect);
      socket.removeListener('error', onError);
      outcome();
    };
    const refuse = (error: unknown): void => give(() => {
      // A late error of a socket that is given up has nobody else to go to.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    });
    const onConnect = (): void => give(() => resolve(new SocketTransport(socket, kind, url)));
    const onError = (error: Error): void => refuse(error);
    const onAbort = (): void => refuse(new XpsError('shutting_down'));
    const timer = setTimeout(() => refuse(timedOut(url, timeoutMs)), timeoutMs);
    socket.once('connect', onConnect);
    socket.once('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

export function timedOut(url: string, timeoutMs: number): XpsError {
  return new XpsError('dial_failed', { detail: `${url}: no connection within ${timeoutMs} ms` });
}
