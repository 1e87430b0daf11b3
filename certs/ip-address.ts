/** The 4 or 16 bytes of an address in text (RFC 4291 §2.2), or undefined. No zone, no prefix length, no other notation. */
export function parseIpAddress(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!text.includes(':')) return parseIpv4(text);
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => groups(half, i === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (halves.length === 1) return head.length === 16 ? Uint8Array.from(head) : undefined;
  const end = tail ?? [];
  // `::` stands for at least one group.
  if (head.length + end.length > 14) return undefined;
  return Uint8Array.from([...head, ...Array.from({ length: 16 - head.length - end.length }, () => 0), ...end]);
}

function parseIpv4(text: string): Uint8Array<ArrayBuffer> | undefined {
  const parts = text.split('.');
  const isAddress = parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
  return isAddress ? Uint8Array.from(parts.map(Number)) : undefined;
}

/** Bytes of groups of 16 bits; the last two may be written as an IPv4 address at the end of the whole. */
function groups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const address = isLast && i === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined;
    if (address !== undefined) bytes.push(...address);
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}
