import { isIP, isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import type { Address } from './schema.ts';
import { nearest } from './suggest.ts';

export interface AddressMistake {
  readonly what: string;
  readonly expected?: string;
  readonly suggestion?: string;
}

export const SCHEMES = ['tcp', 'unix', 'ws', 'wss'] as const;
const FORM = 'tcp://host:port, unix:/path, ws://host:port/path or wss://host:port/path';
const DEFAULT_PORTS = { ws: 80, wss: 443 } as const;
/** sun_path of Linux holds 108 bytes with the final zero. */
const MAX_UNIX_PATH_BYTES = 107;

/** Reads a URL as users write it. A relative path of a UNIX socket is relative to `baseDir`. */
export function parseAddress(text: string, baseDir: string): Address | AddressMistake {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(?!\d+$)(.*)$/s.exec(text);
  if (match === null || /^[^/]*:\d+$/.test(text)) return withoutScheme(text);
  const [, scheme, rest] = match as unknown as [string, string, string];
  switch (scheme) {
    case 'unix':
      return unixAddress(rest, baseDir);
    case 'tcp':
      return tcpAddress(text, rest);
    case 'ws':
    case 'wss':
      return webSocketAddress(scheme, text, rest);
    default:
      return unknownScheme(scheme, rest);
  }
}

export function isMistake(parsed: Address | AddressMistake): parsed is AddressMistake {
  return !('scheme' in parsed);
}

/** `host:port` without a scheme, as in `admin.listen`. */
export function parseHostPort(text: string): { readonly host: string; readonly port: number } | AddressMistake {
  const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(text);
  if (match === null) {
    return { what: `"${text}" has no port`, expected: 'host:port, e.g. 127.0.0.1:9901' };
  }
  return hostAndPort(match[1] as string, match[2] as string);
}

function withoutScheme(text: string): AddressMistake {
  const isPath = text.startsWith('/') || text.startsWith('./');
  const isHostPort = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):\d+$/.test(text);
  return {
    what: `"${text}" has no scheme`,
    expected: FORM,
    ...(isPath ? { suggestion: `did you mean unix:${text}?` } : {}),
    ...(isHostPort ? { suggestion: `did you mean tcp://${text}?` } : {}),
  };
}

function unknownScheme(scheme: string, rest: string): AddressMistake {
  const web = { http: 'ws', https: 'wss' }[scheme.toLowerCase()];
  const near = web ?? nearest(scheme, SCHEMES);
  const isTls = ['tls', 'ssl', 'tcps'].includes(scheme.toLowerCase());
  return {
    what: `unknown URL scheme "${scheme}:"`,
    expected: FORM,
    ...(near === undefined || rest.includes('@') ? {} : { suggestion: `did you mean ${near}:${rest}?` }),
    ...(isTls ? { suggestion: `write tcp:${rest}: the channel itself is always encrypted` } : {}),
  };
}

function unixAddress(rest: string, baseDir: string): Address | AddressMistake {
  const path = rest.startsWith('//') ? rest.slice(2) : rest;
  if (rest.startsWith('//') && !path.startsWith('/')) {
    return { what: `"unix:${rest}" has a host`, expected: 'unix:/path', suggestion: `did you mean unix:/${path}?` };
  }
  if (path === '') return { what: 'the path of the UNIX socket is missing', expected: 'unix:/path' };
  if (path.includes('\0')) return { what: 'the path of the UNIX socket has a zero byte', expected: 'unix:/path' };
  const absolute = resolve(baseDir, path);
  const length = Buffer.byteLength(absolute);
  if (length > MAX_UNIX_PATH_BYTES) {
    return {
      what: `the path of the UNIX socket is ${length} bytes long`,
      expected: `at most ${MAX_UNIX_PATH_BYTES} bytes`,
      suggestion: 'use a shorter folder such as /run',
    };
  }
  return { scheme: 'unix', path: absolute, url: `unix:${absolute}` };
}

function tcpAddress(text: string, rest: string): Address | AddressMistake {
  const authority = splitAuthority(text, rest, 'tcp://host:port');
  if ('what' in authority) return authority;
  if (authority.path !== '' && authority.path !== '/') {
    return { what: `"${text}" has a path`, expected: 'tcp://host:port' };
  }
  if (authority.port === '') return { what: `"${text}" has no port`, expected: 'tcp://host:port' };
  const place = hostAndPort(authority.host, authority.port);
  if ('what' in place) return place;
  return { scheme: 'tcp', ...place, url: `tcp://${bracketed(place.host)}:${place.port}` };
}

function webSocketAddress(scheme: 'ws' | 'wss', text: string, rest: string): Address | AddressMistake {
  const authority = splitAuthority(text, rest, `${scheme}://host:port/path`);
  if ('what' in authority) return authority;
  const place = hostAndPort(authority.host, authority.port === '' ? String(DEFAULT_PORTS[scheme]) : authority.port);
  if ('what' in place) return place;
  if (!/^[\x21-\x7e]*$/.test(authority.path) || authority.path.includes('#')) {
    return { what: `the path "${authority.path}" cannot be sent`, expected: 'printable ASCII without spaces and #' };
  }
  const path = authority.path.startsWith('/') ? authority.path : `/${authority.path}`;
  return { scheme, ...place, path, url: `${scheme}://${bracketed(place.host)}:${place.port}${path}` };
}

function splitAuthority(
  text: string,
  rest: string,
  form: string,
): { readonly host: string; readonly port: string; readonly path: string } | AddressMistake {
  const match = /^\/\/(\[[^\]]*\]|[^:/?#[\]]*)(?::(\d*))?((?:[/?#].*)?)$/s.exec(rest);
  if (match !== null && !(match[1] as string).includes('@')) {
    return { host: match[1] as string, port: match[2] ?? '', path: match[3] as string };
  }
  if (!rest.startsWith('//')) return { what: `"${text}" has no // after the scheme`, expected: form };
  if (rest.includes('@')) return { what: 'a user or password in a URL is not supported', expected: form };
  const isBareIpv6 = (rest.slice(2).split('/')[0] as string).split(':').length > 2;
  return {
    what: `"${text}" is not a valid address`,
    expected: form,
    ...(isBareIpv6 ? { suggestion: 'write an IPv6 address in brackets, e.g. tcp://[::1]:8443' } : {}),
  };
}

function hostAndPort(
  hostText: string,
  portText: string,
): { readonly host: string; readonly port: number } | AddressMistake {
  const port = Number(portText);
  if (portText.length > 5 || port > 65_535) {
    return { what: `port ${portText} does not exist`, expected: 'a port of 0 to 65535' };
  }
  if (hostText === '') {
    return { what: 'the host is missing', expected: 'host:port', suggestion: 'write 0.0.0.0 or [::] for every address' };
  }
  const isBracketed = hostText.startsWith('[');
  const host = isBracketed ? hostText.slice(1, -1) : hostText;
  if (isBracketed ? isIP(host.split('%')[0] as string) !== 6 : !isHostName(host)) {
    return { what: `"${host}" is neither a host name nor an IP address`, expected: 'host:port' };
  }
  return { host: host.toLowerCase(), port };
}

/** Underscores are no host-name characters by RFC 1123 but live in the DNS of container networks. */
function isHostName(host: string): boolean {
  if (isIPv4(host)) return true;
  // All digits and dots but no IPv4 address: some resolvers would make an address of it (127.1, 10.0.0.256).
  if (/^[\d.]+$/.test(host) || host.length > 253) return false;
  return host.replace(/\.$/, '').split('.').every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
