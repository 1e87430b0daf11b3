import { isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * What counts as one source where limits are shared out: an IPv4 address, or the /64 of an IPv6
 * address, because whoever has one address of a /64 has them all.
 */
export function networkSource(address: string | undefined): string {
  if (address === undefined || address === '') return 'local';
  const mapped = MAPPED_IPV4.exec(address);
  if (mapped !== null) return mapped[1] as string;
  if (!isIPv6(address)) return address;
  return `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

/** `host:port` for logs, IPv4-mapped addresses in their short form. */
export function shownAddress(address: string | undefined, port: number | undefined): string {
  if (address === undefined || address === '') return 'local';
  const plain = MAPPED_IPV4.exec(address)?.[1] ?? address;
  return `${plain.includes(':') ? `[${plain}]` : plain}:${port ?? 0}`;
}

function groupsOf(address: string): readonly string[] {
  const [plain = ''] = address.split('%');
  const [head = '', tail] = plain.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array.from({ length: zeros }, () => '0'), ...last].map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
}
