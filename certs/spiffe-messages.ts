import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';

/**
 * The two messages of the SPIFFE Workload API that this product uses (SPIFFE_Workload_API.md, Appendix A), read from
 * their protobuf encoding. Unknown fields are passed over, as protobuf wants.
 */
export interface X509SvidResponse {
  readonly svids: readonly X509Svid[];
  /** DER. */
  readonly crls: readonly Bytes[];
  /** SPIFFE ID of a foreign trust domain → its CA certificates, DER one after another. */
  readonly federatedBundles: ReadonlyMap<string, Bytes>;
}

export interface X509Svid {
  readonly spiffeId: string;
  /** DER certificates one after another, leaf first. */
  readonly chain: Bytes;
  /** DER PKCS#8, not encrypted. */
  readonly key: Bytes;
  /** CA certificates of the SVID's own trust domain, DER one after another. */
  readonly bundle: Bytes;
  /** What the operator says this SVID is for; may be empty. */
  readonly hint: string;
}

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
const MAX_ENTRIES = 1024;

/** X509SVIDRequest has no fields. */
export const X509_SVID_REQUEST: Bytes = new Uint8Array(0);

/** Throws `identity_source_failed` for what is no such message. */
export function decodeX509SvidResponse(message: Bytes): X509SvidResponse {
  const svids: X509Svid[] = [];
  const crls: Bytes[] = [];
  const federatedBundles = new Map<string, Bytes>();
  for (const { number, content } of byteFields(message)) {
    if (svids.length + crls.length + federatedBundles.size > MAX_ENTRIES) throw unreadable('it has too many entries');
    if (number === 1) svids.push(decodeSvid(content));
    else if (number === 2) crls.push(content);
    else if (number === 3) federatedBundles.set(...decodeMapEntry(content));
  }
  return { svids, crls, federatedBundles };
}

function decodeSvid(message: Bytes): X509Svid {
  const empty: Bytes = new Uint8Array(0);
  let [spiffeId, hint, chain, key, bundle] = ['', '', empty, empty, empty];
  for (const { number, content } of byteFields(message)) {
    if (number === 1) spiffeId = text(content);
    else if (number === 2) chain = content;
    else if (number === 3) key = content;
    else if (number === 4) bundle = content;
    else if (number === 5) hint = text(content);
  }
  return { spiffeId, chain, key, bundle, hint };
}

function decodeMapEntry(message: Bytes): [string, Bytes] {
  let key = '';
  let value: Bytes = new Uint8Array(0);
  for (const { number, content } of byteFields(message)) {
    if (number === 1) key = text(content);
    else if (number === 2) value = content;
  }
  return [key, value];
}

/** The length-delimited fields in order; fields of other wire types are passed over. */
function* byteFields(message: Bytes): Generator<{ number: number; content: Bytes }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at];
      if (byte === undefined) throw unreadable('it is cut off');
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw unreadable('a number is too long');
  };
  const skip = (length: number): Bytes => {
    if (length > message.length - at) throw unreadable('it is cut off');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw unreadable('a field has no number');
    switch (tag % 8) {
      case WIRE_VARINT:
        varint();
        break;
      case WIRE_FIXED64:
        skip(8);
        break;
      case WIRE_BYTES:
        yield { number, content: skip(varint()) };
        break;
      case WIRE_FIXED32:
        skip(4);
        break;
      default:
        throw unreadable('a field has an unknown type');
    }
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(content: Bytes): string {
  try {
    return strictUtf8.decode(content);
  } catch (cause) {
    throw new XpsError('identity_source_failed', { detail: 'the agent sent text that is not UTF-8', cause });
  }
}

function unreadable(why: string): XpsError {
  return new XpsError('identity_source_failed', { detail: `a message of the agent cannot be read: ${why}` });
}
