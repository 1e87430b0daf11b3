// Front for listeners: one function, whatever the address is.
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { Address } from '../config/schema.ts';
import { listenFailure } from './network-errors.ts';
import { networkSource } from './network-source.ts';
import { SocketTransport } from './socket-transport.ts';
import type { Listener, ListenOptions } from './transport.ts';
import { clearStaleSocket } from './unix-socket-file.ts';

const BACKLOG = 4096;

/** Binds and accepts. Rejects with `listen_failed`, whose detail says why in words. */
export async function listen(address: Address, options: ListenOptions): Promise<Listener> {
  try {
    switch (address.scheme) {
      case 'tcp':
      case 'unix':
        return await listenOnSocket(address, options);
      case 'ws':
      case 'wss': {
        const { listenForWebSockets } = await import('./websocket-listen.ts');
        return await listenForWebSockets(address, options);
      }
    }
  } catch (thrown) {
    throw listenFailure(address.url, thrown);
  }
}

async function listenOnSocket(address: Extract<Address, { readonly scheme: 'tcp' | 'unix' }>, options: ListenOptions): Promise<Listener> {
  const kind = address.scheme;
  if (kind === 'unix') await clearStaleSocket(address.path);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: kind === 'tcp' }, (socket) => {
    const transport = new SocketTransport(socket, kind, kind === 'unix' ? address.url : undefined);
    const pass = options.onAccept(networkSource(socket.remoteAddress), () => transport.destroy(0));
    if (pass === undefined) transport.reset();
    else options.onConnection(transport, pass);
  });
  await bind(server, kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path }, options);
  return { url: kind === 'tcp' ? boundUrl('tcp', server, address.host, '') : address.url, close: () => stop(server) };
}

export function bind(server: Server, where: { readonly host: string; readonly port: number } | { readonly path: string }, options: Pick<ListenOptions, 'onError'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.removeListener('error', reject);
      server.on('error', options.onError);
      resolve();
    });
  });
}

export function boundUrl(scheme: string, server: Server, host: string, path: string): string {
  const { port } = server.address() as AddressInfo;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}

/** Resolves at once: `server.close` would wait for connections that live on. */
export function stop(server: Server): Promise<void> {
  server.close();
  return Promise.resolve();
}
