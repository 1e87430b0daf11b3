/** The key schedule: docs/PROTOCOL.md §5, §9.3 and §9.4, one function per stage. */
import { concat, utf8, Writer } from './bytes.ts';
import { Expand, Extract, H, HMAC, nonceLength, ZERO48 } from './algorithms.ts';
import type { Bytes } from './vocabulary.ts';

export type Direction = 'c' | 's' | '-';

const EMPTY = new Uint8Array(0);
/** The values marked ° are derived before there is a suite. */
const NO_SUITE = 0x0000;

/** §5.1 */
export function derive(
  suite: number,
  secret: Bytes,
  role: Direction,
  purpose: string,
  context: Bytes,
  length = 48,
): Bytes {
  const info = new Writer()
    .u16(length)
    .bytes(utf8('XPSC'))
    .u8(1)
    .u16(suite)
    .bytes(utf8(role))
    .vector8(utf8(purpose))
    .vector8(context)
    .finish();
  return Expand(secret, info, length);
}

export interface EarlyKeys {
  readonly es: Bytes;
  readonly tagKey: Bytes;
  readonly serviceTag: Bytes;
  readonly gateKey: Bytes;
}

export function earlyKeys(meshKey: Bytes | undefined, serviceName: string): EarlyKeys {
  const es = Extract(ZERO48, meshKey ?? ZERO48);
  const tagKey = derive(NO_SUITE, es, '-', 'service', EMPTY);
  const serviceTag = HMAC(tagKey, utf8(serviceName)).subarray(0, 16);
  return { es, tagKey, serviceTag, gateKey: derive(NO_SUITE, es, 'c', 'gate', serviceTag) };
}

export function pskStage(es: Bytes, psk: Bytes | undefined): Record<'ps_salt' | 'ps', Bytes> {
  const salt = derive(NO_SUITE, es, '-', 'psk', EMPTY);
  return { ps_salt: salt, ps: Extract(salt, psk ?? ZERO48) };
}

export function binderKey(ps: Bytes): Bytes {
  return derive(NO_SUITE, ps, 'c', 'binder', EMPTY);
}

export function handshakeStage(
  suite: number,
  ps: Bytes,
  helloHash: Bytes,
  ss: Bytes,
  thHello: Bytes,
): Record<'hs_salt' | 'hs' | 'hs_c' | 'hs_s' | 'fin_c' | 'fin_s', Bytes> {
  const salt = derive(suite, ps, '-', 'hs', helloHash);
  const hs = Extract(salt, ss);
  return {
    hs_salt: salt,
    hs,
    hs_c: derive(suite, hs, 'c', 'hs traffic', thHello),
    hs_s: derive(suite, hs, 's', 'hs traffic', thHello),
    fin_c: derive(suite, hs, 'c', 'finished', thHello),
    fin_s: derive(suite, hs, 's', 'finished', thHello),
  };
}

export function masterStage(
  suite: number,
  hs: Bytes,
  thFinal: Bytes,
): Record<'ms_salt' | 'ms' | 'root_0' | 'exporter' | 'resumption' | 'channel id' | 'ap_c_1' | 'ap_s_1', Bytes> {
  const salt = derive(suite, hs, '-', 'ms', EMPTY);
  const ms = Extract(salt, ZERO48);
  const root0 = derive(suite, ms, '-', 'root', thFinal);
  return {
    ms_salt: salt,
    ms,
    root_0: root0,
    exporter: derive(suite, ms, '-', 'exporter', thFinal),
    resumption: derive(suite, ms, '-', 'resumption', thFinal),
    'channel id': derive(suite, ms, '-', 'channel id', thFinal, 16),
    ap_c_1: derive(suite, root0, 'c', 'ap traffic', thFinal),
    ap_s_1: derive(suite, root0, 's', 'ap traffic', thFinal),
  };
}

export function ticketPsk(suite: number, resumption: Bytes, nonce: Bytes): Bytes {
  return derive(suite, resumption, '-', 'ticket psk', nonce);
}

/** §5.4 */
export function exportSecret(suite: number, exporter: Bytes, label: string, context: Bytes, length: number): Bytes {
  return derive(suite, exporter, '-', `exp ${label}`, H(context), length);
}

export interface TrafficKeys {
  readonly key: Bytes;
  readonly iv: Bytes;
}

export function trafficKeys(suite: number, secret: Bytes, direction: Direction): TrafficKeys {
  return {
    key: derive(suite, secret, direction, 'key', EMPTY, 32),
    iv: derive(suite, secret, direction, 'iv', EMPTY, nonceLength(suite)),
  };
}

export function rekeyBinding(suite: number, root: Bytes): Bytes {
  return derive(suite, root, '-', 'rekey binding', EMPTY);
}

/** T0 of §9.3 */
export function rekeyStart(binding: Bytes, channelId: Bytes, generation: number): Bytes {
  return concat([utf8('XPSC rekey'), channelId, new Writer().u32(generation).finish(), binding]);
}

/** §9.4 */
export function rekeyStage(
  suite: number,
  oldRoot: Bytes,
  th: Bytes,
  ss: Bytes,
): Record<'salt' | 'root' | 'finished' | 'verifyData' | 'apC' | 'apS', Bytes> {
  const salt = derive(suite, oldRoot, '-', 'rk', th);
  const root = Extract(salt, ss);
  const finished = derive(suite, root, 'c', 'finished', EMPTY);
  return {
    salt,
    root,
    finished,
    verifyData: HMAC(finished, th),
    apC: derive(suite, root, 'c', 'ap traffic', th),
    apS: derive(suite, root, 's', 'ap traffic', th),
  };
}
