import type { Bytes } from '../base/bytes.ts';
import { malformed } from './der.ts';

export interface PemBlock {
  /** What stands between BEGIN and the dashes, such as CERTIFICATE or X509 CRL. */
  readonly label: string;
  readonly der: Bytes;
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*\r?$/gm;

/**
 * RFC 7468: the blocks whose label is one of `labels`, in order; other blocks and text between them are skipped.
 * Throws `certificate_malformed` for a block that does not end or holds anything but base64.
 */
export function readPem(text: string, labels: readonly string[]): PemBlock[] {
  const blocks: PemBlock[] = [];
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin !== null; begin = BEGIN.exec(text)) {
    const label = begin[1] as string;
    const endLine = `-----END ${label}-----`;
    const end = text.indexOf(endLine, BEGIN.lastIndex);
    if (end === -1) throw malformed(`a PEM block ${label} has no end`);
    const body = text.slice(BEGIN.lastIndex, end);
    BEGIN.lastIndex = end + endLine.length;
    if (labels.includes(label)) blocks.push({ label, der: decodeBody(body, label) });
  }
  return blocks;
}

export function writePem(label: string, der: Bytes): string {
  const lines = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

function decodeBody(body: string, label: string): Bytes {
  const der = fromBase64(body.replaceAll(/[ \t\r\n]/g, ''));
  if (der === undefined || der.length === 0) throw malformed(`a PEM block ${label} is not base64`);
  return der;
}

/** Strict base64 with padding; undefined for anything else. `Buffer` alone would skip what it does not know. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? Uint8Array.from(bytes) : undefined;
}
