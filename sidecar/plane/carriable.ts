// Which tunnels a native data plane can carry: plain sockets on both sides, and nothing that needs a look at each connection.
import type { Address, ClientTunnel, ServerTunnel, TcpAddress, UnixAddress } from '../config/schema.ts';

type SocketAddress = TcpAddress | UnixAddress;

export function isCarriableClient(config: ClientTunnel): boolean {
  const { listen, connect, isTransparent, limits } = config;
  const hasSharePerSource = limits.connectionsPerSource < limits.connections;
  return !isTransparent && !hasSharePerSource && [listen, ...connect].every(isSocket);
}

export function isCarriableServer(config: ServerTunnel): boolean {
  return [config.listen, ...config.connect].every(isSocket);
}

export function isSocket(address: Address): address is SocketAddress {
  return address.scheme === 'tcp' || address.scheme === 'unix';
}
