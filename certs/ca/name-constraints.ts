import { type Bytes, concat } from '../../base/bytes.ts';
import { isHostName } from '../general-names.ts';
import { parseIpAddress } from '../ip-address.ts';
import { explicit, implicitOctets, implicitText, sequence } from './der-writer.ts';
import { refuse } from './subject-names.ts';

/** What a CA may issue for: `dns:example.com`, `uri:example.com` (host of the URI), `email:example.com`, `ip:10.0.0.0/8`. */
export interface NameConstraints {
  readonly permitted: readonly string[];
  readonly excluded: readonly string[];
}

/** The extension's value, RFC 5280 §4.2.1.10. Throws `ca_request_invalid` for a subtree that cannot be read. */
export function encodeNameConstraints(constraints: NameConstraints): Bytes {
  const { permitted, excluded } = constraints;
  const parts: Bytes[] = [];
  if (permitted.length > 0) parts.push(explicit(0, ...permitted.map(subtree)));
  if (excluded.length > 0) parts.push(explicit(1, ...excluded.map(subtree)));
  return sequence(...parts);
}

function subtree(text: string): Bytes {
  const colon = text.indexOf(':');
  const kind = text.slice(0, Math.max(colon, 0));
  const value = text.slice(colon + 1);
  switch (kind) {
    case 'dns':
      if (!isHostName(value)) refuse(`"${text}": the name constraint needs a DNS name`);
      return sequence(implicitText(2, value));
    case 'uri':
      if (!isHostOrDomain(value)) refuse(`"${text}": the name constraint needs a host, or a domain with a leading dot`);
      return sequence(implicitText(6, value));
    case 'email':
      if (!isHostOrDomain(value.slice(value.lastIndexOf('@') + 1))) refuse(`"${text}": the name constraint needs a mailbox, a host, or a domain with a leading dot`);
      return sequence(implicitText(1, value));
    case 'ip':
      return sequence(implicitOctets(7, networkOf(value, text)));
    default:
      return refuse(`"${text}": a name constraint begins with dns:, uri:, email: or ip:`);
  }
}

function isHostOrDomain(value: string): boolean {
  return isHostName(value.startsWith('.') ? value.slice(1) : value);
}

/** Address and mask, each 4 or 16 octets. */
function networkOf(value: string, text: string): Bytes {
  const [address = '', prefix = ''] = value.split('/');
  const octets = parseIpAddress(address);
  const bits = Number(prefix);
  if (octets === undefined || !/^[0-9]{1,3}$/.test(prefix) || bits > octets.length * 8) {
    return refuse(`"${text}": the name constraint needs a network such as 10.0.0.0/8`);
  }
  const mask = octets.map((_, at) => 0xff & ~(0xff >> Math.min(8, Math.max(0, bits - at * 8))));
  if (octets.some((octet, at) => (octet & ~(mask[at] as number) & 0xff) !== 0)) refuse(`"${text}": the address has bits beyond the prefix`);
  return concat([octets, mask]);
}
