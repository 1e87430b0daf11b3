import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import type { Group } from '../../engines/contract.ts';
import { ANSWER_LENGTHS, GROUP_IDS, MESSAGE, SHARE_LENGTHS } from '../codepoints.ts';
import { encodeCredential, readCredential, type PresentedCredential } from './certificate.ts';
import type { CertificateVerify } from './certificate-verify.ts';
import { groupById } from './client-hello.ts';
import { VERIFY_DATA_LENGTH } from './finished.ts';
import { makeMessage, type Message } from './message.ts';

/** The three rekey messages that carry key material: docs/PROTOCOL.md §9.2. */
export interface RekeyRequest {
  readonly generation: number;
  readonly group: Group;
  readonly share: Bytes;
}

export interface RekeyResponse {
  readonly generation: number;
  readonly answer: Bytes;
  readonly credential: PresentedCredential;
  readonly verify: CertificateVerify;
  /** The body up to scheme: what the signature covers. */
  readonly signedPart: Bytes;
}

export interface RekeyFinish {
  readonly generation: number;
  readonly credential: PresentedCredential;
  readonly verify: CertificateVerify;
  readonly verifyData: Bytes;
  readonly signedPart: Bytes;
  /** The body up to verify_data: what TH of the generation covers. */
  readonly boundPart: Bytes;
}

export function encodeRekeyRequest(request: RekeyRequest): Message {
  const body = new Writer().u32(request.generation).u16(GROUP_IDS[request.group]).vector16(request.share).finish();
  return makeMessage(MESSAGE.rekeyRequest, body);
}

export function decodeRekeyRequest(body: Bytes): RekeyRequest {
  const reader = new Reader(body);
  const generation = reader.u32('generation');
  const group = groupById(reader.u16('group'));
  const share = reader.vector16('share', SHARE_LENGTHS[group], SHARE_LENGTHS[group]);
  reader.end('RekeyRequest');
  return { generation, group, share };
}

export function responseSignedPart(generation: number, answer: Bytes, credential: PresentedCredential): Bytes {
  return new Writer().u32(generation).vector16(answer).bytes(encodeCredential(credential)).finish();
}

export function encodeRekeyResponse(signedPart: Bytes, verify: CertificateVerify): Message {
  const body = new Writer().bytes(signedPart).u16(verify.scheme).vector16(verify.signature).finish();
  return makeMessage(MESSAGE.rekeyResponse, body);
}

export function decodeRekeyResponse(body: Bytes, group: Group): RekeyResponse {
  const reader = new Reader(body);
  const generation = reader.u32('generation');
  const answer = reader.vector16('answer', ANSWER_LENGTHS[group], ANSWER_LENGTHS[group]);
  const credential = readCredential(reader);
  const signedPart = body.subarray(0, reader.offset);
  const verify = { scheme: reader.u16('scheme'), signature: reader.vector16('signature', 1, 1024) };
  reader.end('RekeyResponse');
  return { generation, answer, credential, verify, signedPart };
}

export function finishSignedPart(generation: number, credential: PresentedCredential): Bytes {
  return new Writer().u32(generation).bytes(encodeCredential(credential)).finish();
}

export function finishBoundPart(signedPart: Bytes, verify: CertificateVerify): Bytes {
  return new Writer().bytes(signedPart).u16(verify.scheme).vector16(verify.signature).finish();
}

export function encodeRekeyFinish(boundPart: Bytes, verifyData: Bytes): Message {
  return makeMessage(MESSAGE.rekeyFinish, new Writer().bytes(boundPart).bytes(verifyData).finish());
}

export function decodeRekeyFinish(body: Bytes): RekeyFinish {
  const reader = new Reader(body);
  const generation = reader.u32('generation');
  const credential = readCredential(reader);
  const signedPart = body.subarray(0, reader.offset);
  const verify = { scheme: reader.u16('scheme'), signature: reader.vector16('signature', 0, 1024) };
  const boundPart = body.subarray(0, reader.offset);
  const verifyData = reader.bytes(VERIFY_DATA_LENGTH, 'verify_data');
  reader.end('RekeyFinish');
  return { generation, credential, verify, verifyData, signedPart, boundPart };
}
