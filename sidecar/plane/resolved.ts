import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { TcpAddress, UnixAddress } from '../config/schema.ts';

/** What the plane takes for an address; names become every address that they have now, in the resolver's order. */
export async function resolved(address: TcpAddress | UnixAddress): Promise<readonly string[]> {
  if (address.scheme === 'unix') return [`unix:${address.path}`];
  const hosts = isIP(address.host) === 0 ? (await lookup(address.host, { all: true })).map((found) => found.address) : [address.host];
  return hosts.map((host) => planeAddress(host, address.port));
}

function planeAddress(host: string, port: number): string {
  return `tcp:${host.includes(':') ? `[${host}]` : host}:${port}`;
}
