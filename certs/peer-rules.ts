import { isIP } from 'node:net';
import { isHostName, parseMailbox, parseUri } from './general-names.ts';
import { nameKeyOfText } from './names.ts';
import { readPin } from './pins.ts';
import { parseSpiffeId } from './spiffe-id.ts';

/**
 * One entry of `peer.allow` or `peer.deny`. `text` is as it was written; the rest is in the form in which names of
 * certificates are compared.
 */
export type PeerRule =
  | { readonly kind: 'anonymous'; readonly text: string }
  /** `isPrefix`: every ID below `id`, which then ends with a slash. */
  | { readonly kind: 'spiffe'; readonly text: string; readonly id: string; readonly isPrefix: boolean }
  /** `isWildcard`: any one label before `name`, which then begins with a dot. */
  | { readonly kind: 'dns'; readonly text: string; readonly name: string; readonly isWildcard: boolean }
  | { readonly kind: 'uri'; readonly text: string; readonly uri: string }
  /** Normal form of `canonicalIp`. */
  | { readonly kind: 'ip'; readonly text: string; readonly address: string }
  /** Local part as written, host in lower case. */
  | { readonly kind: 'email'; readonly text: string; readonly mailbox: string }
  /** `key` as in `Name.key`. */
  | { readonly kind: 'subject'; readonly text: string; readonly key: string }
  /** `sha256/base64` of the key of a certificate above the leaf on the path, the anchor included. */
  | { readonly kind: 'issuer'; readonly text: string; readonly pin: string }
  /** `sha256/base64` of the key of the leaf. */
  | { readonly kind: 'spki'; readonly text: string; readonly pin: string };

/** Who may be the peer of a tunnel: default deny; `deny` wins over `allow`. */
export interface PeerRules {
  readonly allow: readonly PeerRule[];
  readonly deny: readonly PeerRule[];
}

export interface RuleMistake {
  readonly mistake: string;
  readonly suggestion?: string;
}

export const PEER_RULE_FORM: string =
  'spiffe://domain/path, spiffe://domain/*, dns:name, dns:*.domain, uri:…, ip:…, email:…, subject:CN=…, issuer:sha256/…, spki:sha256/… or anonymous';

const MAX_RULE_LENGTH = 2048;

/** A rule, or what is wrong with the text. Never throws. */
export function parsePeerRule(text: string): PeerRule | RuleMistake {
  if (text.length > MAX_RULE_LENGTH) return { mistake: `a rule is longer than ${MAX_RULE_LENGTH} characters` };
  if (text === 'anonymous') return { kind: 'anonymous', text };
  if (text.startsWith('spiffe://')) return spiffeRule(text);
  const separator = text.indexOf(':');
  const value = text.slice(separator + 1);
  if (value === '' && separator > 0) return { mistake: `"${text}" names nobody: there is nothing after the colon` };
  switch (text.slice(0, separator)) {
    case 'dns':
      return dnsRule(text, value);
    case 'uri':
      return uriRule(text, value);
    case 'ip':
      return ipRule(text, value);
    case 'email':
      return emailRule(text, value);
    case 'subject':
      return subjectRule(text, value);
    case 'issuer':
    case 'spki':
      return pinRule(text.slice(0, separator) as 'issuer' | 'spki', text, value);
    default:
      return unknownForm(text);
  }
}

/** SPIFFE-ID §2: lower-case trust domain, path of non-empty segments. */
function spiffeRule(text: string): PeerRule | RuleMistake {
  const rest = text.slice('spiffe://'.length);
  const slash = rest.indexOf('/');
  const domain = slash === -1 ? rest : rest.slice(0, slash);
  if (!/^[a-z0-9._-]{1,255}$/.test(domain)) {
    const lower = domain.toLowerCase();
    const isCase = domain !== lower && /^[a-z0-9._-]{1,255}$/.test(lower);
    return {
      mistake: `"${text}": "${domain}" is not a trust domain (a-z, 0-9, dot, hyphen, underscore)`,
      ...(isCase ? { suggestion: `did you mean spiffe://${lower}${slash === -1 ? '' : rest.slice(slash)}?` } : {}),
    };
  }
  if (slash === -1) {
    return { mistake: `"${text}" names a trust domain, not a workload`, suggestion: `for everybody in it, write ${text}/*` };
  }
  const path = rest.slice(slash);
  const isPrefix = path.endsWith('/*');
  const fixed = isPrefix ? path.slice(0, -2) : path;
  if (fixed.includes('*')) return { mistake: `"${text}": * may only be the last segment of the path` };
  const id = parseSpiffeId(`spiffe://${domain}${fixed}`);
  if (id === undefined) {
    return {
      mistake: `"${text}": the path is not one of a SPIFFE ID (segments of letters, digits, dot, hyphen, underscore)`,
      ...(path.endsWith('/') ? { suggestion: `did you mean ${text.replace(/\/+$/, '')} or ${text.replace(/\/+$/, '')}/*?` } : {}),
    };
  }
  return { kind: 'spiffe', text, id: `${id.text}${isPrefix ? '/' : ''}`, isPrefix };
}

function dnsRule(text: string, value: string): PeerRule | RuleMistake {
  const isWildcard = value.startsWith('*.');
  const host = (isWildcard ? value.slice(2) : value).toLowerCase();
  if (isIP(host) !== 0) return { mistake: `"${text}" holds an IP address`, suggestion: `did you mean ip:${value}?` };
  if (host.includes('*')) return { mistake: `"${text}": * may only be the whole first label` };
  if (isHostName(host) && (!isWildcard || host.includes('.'))) {
    return { kind: 'dns', text, name: isWildcard ? `.${host}` : host, isWildcard };
  }
  if (isWildcard && isHostName(host)) return { mistake: `"${text}" would allow every name below a top-level domain` };
  return { mistake: `"${text}": "${value}" is not a DNS name`, ...(host.endsWith('.') ? { suggestion: 'leave out the last dot' } : {}) };
}

function uriRule(text: string, value: string): PeerRule | RuleMistake {
  if (value.includes('*')) return { mistake: `"${text}": a uri rule knows no *`, suggestion: 'spiffe:// rules do' };
  return parseUri(value) === undefined ? { mistake: `"${text}": "${value}" is not a URI` } : { kind: 'uri', text, uri: value };
}

function ipRule(text: string, value: string): PeerRule | RuleMistake {
  const address = canonicalIp(value);
  if (address !== undefined) return { kind: 'ip', text, address };
  return { mistake: `"${text}": "${value}" is not an IP address`, ...(value.includes('/') ? { suggestion: 'name each address; ranges are not supported' } : {}) };
}

function emailRule(text: string, value: string): PeerRule | RuleMistake {
  const mailbox = parseMailbox(value);
  return mailbox === undefined ? { mistake: `"${text}": "${value}" is not a mailbox` } : { kind: 'email', text, mailbox: `${mailbox.local}@${mailbox.host}` };
}

function subjectRule(text: string, value: string): PeerRule | RuleMistake {
  const key = nameKeyOfText(value);
  if (key !== undefined) return { kind: 'subject', text, key };
  return {
    mistake: `"${text}": "${value}" is not a distinguished name (RFC 4514: CN=name,O=organisation, most specific first)`,
    ...(value.startsWith('/') ? { suggestion: 'write commas instead of slashes, in reverse order' } : {}),
  };
}

function pinRule(kind: 'issuer' | 'spki', text: string, value: string): PeerRule | RuleMistake {
  const pin = readPin(value);
  if (pin !== undefined) return { kind, text, pin };
  return { mistake: `"${text}": "${value}" is not sha256/ and the base64 of 32 bytes`, suggestion: 'run: xpscerpto pki pin CERT' };
}

const LABELS = ['dns', 'uri', 'ip', 'email', 'subject', 'issuer', 'spki'] as const;

function unknownForm(text: string): RuleMistake {
  const mistake = `"${text}" is no rule for a peer`;
  const meant = likelyForm(text);
  return meant === undefined ? { mistake } : { mistake, suggestion: `did you mean ${meant}?` };
}

function likelyForm(text: string): string | undefined {
  const label = /^([A-Za-z]+):\/{0,2}/.exec(text);
  const rest = text.slice(label?.[0].length ?? 0);
  const lower = label?.[1]?.toLowerCase();
  if (lower === 'spiffe') return `spiffe://${rest.replace(/^[^/]*/, (domain) => domain.toLowerCase())}`;
  if (lower === 'pin') return `spki:${rest}`;
  if (lower === 'san' || lower === 'host') return `dns:${rest}`;
  if (lower === 'cn') return `subject:CN=${rest}`;
  if (lower !== undefined && text.slice(lower.length).startsWith('://')) return `uri:${text}`;
  const known = LABELS.find((name) => name === lower);
  if (known !== undefined) return `${known}:${rest}`;
  if (text.toLowerCase() === 'anonymous') return 'anonymous';
  if (text.startsWith('sha256/')) return `spki:${text}`;
  if (isIP(text) !== 0) return `ip:${text}`;
  if (parseMailbox(text) !== undefined) return `email:${text}`;
  if (nameKeyOfText(text) !== undefined) return `subject:${text}`;
  const host = text.startsWith('*.') ? text.slice(2) : text;
  return isHostName(host) && host.includes('.') ? `dns:${text}` : undefined;
}

/** One spelling for each address: IPv4 dotted, IPv6 as eight groups in full. Undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  const version = isIP(text);
  // A zone is meaningful on one machine only.
  if (version === 0 || text.includes('%')) return undefined;
  if (version === 4) return text;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const hex = (high: string | undefined, low: string | undefined): string => (Number(high) * 256 + Number(low)).toString(16);
  const plain = dotted === null ? text : `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const gap = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => '0');
  return [...before, ...gap, ...after].map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}

/** The form of `canonicalIp` for the 4 or 16 bytes of a certificate's name. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) groups.push((((bytes[at] as number) << 8) | (bytes[at + 1] as number)).toString(16));
  return groups.join(':');
}
