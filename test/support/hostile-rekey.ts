// The rekey of docs/PROTOCOL.md §9 in the hands of a hostile peer: right in all respects but those that a test changes.
import { concat, utf8, Writer, type Bytes } from '../../base/bytes.ts';
import type { Secret } from '../../base/secret.ts';
import type { KeyShare } from '../../engines/contract.ts';
import { MESSAGE } from '../../handshake/codepoints.ts';
import type { RootSecret } from '../../handshake/key-schedule.ts';
import { ANONYMOUS, type PresentedCredential } from '../../handshake/messages/certificate.ts';
import { decodeRekeyRequest, decodeRekeyResponse, encodeRekeyFinish, encodeRekeyRequest, encodeRekeyResponse, finishBoundPart, finishSignedPart, responseSignedPart } from '../../handshake/messages/rekey.ts';
import type { Message } from '../../handshake/messages/message.ts';
import type { HostileClient, HostileServer, SignOptions } from './hostile-peer.ts';
import { crypto } from './test-crypto.ts';

export interface RekeyChanges {
  readonly generation?: number;
  readonly share?: KeyShare;
  readonly answer?: Bytes;
  readonly presented?: PresentedCredential;
  /** Left out altogether: scheme 0 and an empty signature. */
  readonly isUnsigned?: boolean;
  readonly sign?: SignOptions;
  readonly verifyData?: (right: Uint8Array) => Bytes;
  /** Of T0: another channel, another root. */
  readonly channelId?: Bytes;
}

/** One rekey, seen from the hostile side. */
export class HostileRekey {
  readonly generation: number;
  readonly #peer: HostileClient | HostileServer;
  #transcript: Bytes[];
  #shared!: Secret;
  root!: RootSecret;

  constructor(peer: HostileClient | HostileServer, changes: RekeyChanges = {}) {
    this.#peer = peer;
    this.generation = changes.generation ?? peer.epoch + 1;
    const t0 = new Writer()
      .bytes(utf8('XPSC rekey'))
      .bytes(changes.channelId ?? peer.application.channelId)
      .u32(this.generation)
      .bytes(peer.root.rekeyBinding())
      .finish();
    this.#transcript = [t0];
  }

  /** C: RekeyRequest. */
  request(changes: RekeyChanges = {}): KeyShare {
    const share = changes.share ?? crypto.keyExchange.initiate(this.#peer.suite.group);
    const message = encodeRekeyRequest({ generation: changes.generation ?? this.generation, group: share.group, share: share.share });
    this.#transcript.push(message.whole);
    this.#peer.say(message);
    return share;
  }

  /** C: hears the response and sends RekeyFinish; the new root is then in `root`. */
  finish(share: KeyShare, changes: RekeyChanges = {}): void {
    const message = this.#peer.hear(MESSAGE.rekeyResponse);
    this.#shared = share.complete(this.#peer.suite.group, decodeRekeyResponse(message.body, this.#peer.suite.group).answer);
    this.#transcript.push(message.whole);
    this.#peer.say(this.makeFinish(changes));
  }

  makeFinish(changes: RekeyChanges = {}): Message {
    const signedPart = finishSignedPart(changes.generation ?? this.generation, changes.presented ?? this.#peer.credential.presented);
    const verify = changes.isUnsigned === true
      ? { scheme: 0, signature: new Uint8Array(0) }
      : this.#peer.sign('rekey-client', this.#hash(MESSAGE.rekeyFinish, signedPart), changes.sign);
    const boundPart = finishBoundPart(signedPart, verify);
    this.root = this.#peer.root.next(this.#shared, this.#hash(MESSAGE.rekeyFinish, boundPart));
    const right = this.root.rekeyVerifyData();
    return encodeRekeyFinish(boundPart, changes.verifyData?.(right) ?? right);
  }

  /** S: hears the request and sends RekeyResponse. */
  respond(changes: RekeyChanges = {}): void {
    const request = this.#peer.hear(MESSAGE.rekeyRequest);
    this.#transcript.push(request.whole);
    const { group, share } = decodeRekeyRequest(request.body);
    const { answer, secret } = crypto.keyExchange.respond(group, share);
    this.#shared = secret;
    const signedPart = responseSignedPart(changes.generation ?? this.generation, changes.answer ?? answer, changes.presented ?? this.#peer.credential.presented);
    const verify = this.#peer.sign('rekey-server', this.#hash(MESSAGE.rekeyResponse, signedPart), changes.sign);
    const message = encodeRekeyResponse(signedPart, verify);
    this.#transcript.push(message.whole);
    this.#peer.say(message);
  }

  /** S: hears RekeyFinish; the new root is then in `root`. */
  hearFinish(): void {
    const { body } = this.#peer.hear(MESSAGE.rekeyFinish);
    this.root = this.#peer.root.next(this.#shared, this.#hash(MESSAGE.rekeyFinish, body.subarray(0, body.length - 48)));
  }

  /** From now on the peer sends under the new keys. */
  switchSending(): void {
    this.#peer.sendUnder(this.generation, this.root.traffic(this.#peer.side));
  }

  switchReceiving(): void {
    this.#peer.receiveUnder(this.generation, this.root.traffic(this.#peer.side === 'client' ? 'server' : 'client'), 'on-epoch');
  }

  #hash(type: number, part: Bytes): Uint8Array<ArrayBuffer> {
    return crypto.hash.hash('sha384', concat([...this.#transcript, Uint8Array.of(type), part]));
  }
}

export const NOBODY: PresentedCredential = ANONYMOUS;
