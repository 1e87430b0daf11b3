import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import {
  FORM_PLAIN,
  FORM_PROTECTED,
  HEADER_LENGTH,
  PLAIN_MAX_LENGTH,
  PLAIN_MIN_LENGTH,
  TAG_LENGTH,
} from './limits.ts';

export interface RecordHeader {
  readonly isProtected: boolean;
  /** Low 16 bits of the epoch. */
  readonly epoch: number;
  /** Bytes after the header. */
  readonly length: number;
}

/** docs/PROTOCOL.md §2.1. */
export function writeHeader(target: Bytes, isProtected: boolean, epoch: number, length: number): void {
  target[0] = isProtected ? FORM_PROTECTED : FORM_PLAIN;
  target[1] = 0;
  target[2] = (epoch >>> 8) & 0xff;
  target[3] = epoch & 0xff;
  target[4] = (length >>> 24) & 0xff;
  target[5] = (length >>> 16) & 0xff;
  target[6] = (length >>> 8) & 0xff;
  target[7] = length & 0xff;
}

/**
 * Reads and judges the 8 bytes at `at`. `contentLimit` is L of §2.3. Throws `not_a_sidecar`,
 * `record_header_invalid` or `record_too_long` before anything is reserved for the payload.
 */
export function readHeader(bytes: Bytes, at: number, contentLimit: number): RecordHeader {
  const form = bytes[at];
  if (form !== FORM_PLAIN && form !== FORM_PROTECTED) {
    throw new XpsError('not_a_sidecar', { detail: describeStranger(bytes.subarray(at, at + HEADER_LENGTH)) });
  }
  const isProtected = form === FORM_PROTECTED;
  const epoch = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  if (bytes[at + 1] !== 0 || (!isProtected && epoch !== 0)) {
    throw new XpsError('record_header_invalid', { detail: 'reserved bits are set' });
  }
  const length =
    (bytes[at + 4] as number) * 0x100_0000 +
    (((bytes[at + 5] as number) << 16) | ((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number));
  const min = isProtected ? 1 + TAG_LENGTH : PLAIN_MIN_LENGTH;
  const max = isProtected ? contentLimit + 1 + TAG_LENGTH : PLAIN_MAX_LENGTH;
  if (length < min) throw new XpsError('record_header_invalid', { detail: `length ${length} is below ${min}` });
  if (length > max) throw new XpsError('record_too_long', { detail: `length ${length} is above ${max}` });
  return { isProtected, epoch, length };
}

/** Says what probably talks to us, from its first bytes; constant texts only. */
function describeStranger(first: Bytes): string {
  if (first[0] === 0x16 && first[1] === 0x03) return 'the first bytes look like TLS';
  if (first[0] === 0x15 && first[1] === 0x03) return 'the first bytes look like a TLS alert';
  const text = Buffer.from(first).toString('latin1');
  if (/^(GET|PUT|HEAD|POST|PATCH|DELETE|OPTIONS|CONNECT|PRI) /.test(text) || text.startsWith('DELETE')) {
    return 'the first bytes look like an HTTP request';
  }
  if (text.startsWith('HTTP/')) return 'the first bytes look like an HTTP response';
  if (text.startsWith('SSH-')) return 'the first bytes look like SSH';
  if (text.startsWith('PROXY ') || text.startsWith('\r\n\r\n\0\r\nQ')) return 'the first bytes look like the PROXY protocol';
  if (first[0] === 0x59 || first[0] === 0x58) return 'the header is damaged';
  return 'the first byte is no record form';
}
