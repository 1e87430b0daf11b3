/** Rekey: docs/PROTOCOL.md §9. The generation is the epoch that a rekey installs. */
import { concat, equalBytes, Writer } from './bytes.ts';
import { answerLength, answerShare, H, keyExchangeOf, makeShare, nameOfShare, shareLength, type OwnShare } from './algorithms.ts';
import type { Core, Negotiated } from './core.ts';
import { ANONYMOUS, type Certificate, type Signed } from './handshake-messages.ts';
import {
  decodeGeneration, decodeRekeyFinish, decodeRekeyRequest, decodeRekeyResponse, encodeGeneration,
  encodeRekeyFinishStart, encodeRekeyRequest, encodeRekeyResponseStart, type RekeyFinish,
} from './traffic-messages.ts';
import { rekeyBinding, rekeyStage, rekeyStart } from './schedule.ts';
import { allowed, demand, LIMIT, TYPE, type Bytes } from './vocabulary.ts';

/** A rekey that is under way. */
interface Pending {
  readonly transcript: Bytes;
  readonly startedAt: number;
  /** C: before the response. */
  readonly share?: OwnShare;
  /** S: before the finish. */
  readonly ss?: Bytes;
}

export class Rekey {
  readonly #core: Core;
  readonly #negotiated: Negotiated;
  readonly #exchange: number;
  #root: Bytes;
  #epoch = 1;
  #pending: Pending | undefined;
  #isAwaitingDone = false;
  #doneAt = -Infinity;
  #isWished = false;
  #wishedGeneration = 0;
  #wasQuiet = false;
  /** The chain that the peer showed last. */
  peer: Certificate;

  constructor(core: Core, negotiated: Negotiated) {
    this.#core = core;
    this.#negotiated = negotiated;
    this.#exchange = keyExchangeOf(negotiated.suite);
    this.#root = negotiated.root;
    this.peer = negotiated.peer;
  }

  /** C has switched its own direction; the next epoch of S must begin with RekeyDone (§9.6). */
  get isAwaitingDone(): boolean {
    return this.#isAwaitingDone;
  }

  get epoch(): number {
    return this.#epoch;
  }

  // The client

  start(): void {
    allowed(this.#core.role === 'client', 'the client starts a rekey; the server wishes');
    allowed(this.#pending === undefined, 'a rekey is under way');
    allowed(this.#isGapOver, 'too soon after the last rekey');
    const generation = this.#epoch + 1;
    const share = makeShare(this.#exchange, this.#core.random);
    this.#demandNew(share.share);
    const request = this.#core.send(
      TYPE.RekeyRequest,
      encodeRekeyRequest({ generation, group: this.#exchange, share: share.share }),
    );
    const transcript = concat([this.#start(generation), request ?? new Uint8Array(0)]);
    this.#isWished = false;
    this.#pending = { transcript, startedAt: this.#core.now(), share };
    this.#core.isRekeying = true;
  }

  onWish(body: Bytes): void {
    const generation = decodeGeneration(body);
    demand(generation <= this.#epoch + 1, 'rekey_generation');
    if (this.#pending !== undefined || generation <= this.#epoch || this.#core.hasSentClose) return;
    this.#isWished = true;
    this.tick();
  }

  onResponse(body: Bytes, whole: Bytes): void {
    const core = this.#core;
    const pending = this.#pending;
    demand(pending?.share !== undefined && !this.#isAwaitingDone, 'message_unexpected');
    const response = decodeRekeyResponse(body);
    const generation = this.#epoch + 1;
    demand(response.generation === generation, 'rekey_generation');
    demand(response.answer.length === answerLength(this.#exchange), 'key_share_invalid', 'length of the answer');
    this.#demandNew(response.answer);
    const key = core.judge(response.certificate);
    core.demandSigned('rekey-server', response.signed, key, signedHash(pending.transcript, TYPE.RekeyResponse, response.upToScheme));
    const ss = pending.share.finish(this.#exchange, response.answer);
    this.peer = response.certificate;
    this.#finish(generation, concat([pending.transcript, whole]), ss);
  }

  #finish(generation: number, transcript: Bytes, ss: Bytes): void {
    const core = this.#core;
    const isAnonymous = this.#negotiated.isClientAnonymous;
    const start = encodeRekeyFinishStart(generation, isAnonymous ? ANONYMOUS : core.ownCertificate);
    const signed: Signed = isAnonymous
      ? { scheme: 0, signature: new Uint8Array(0) }
      : core.sign('rekey-client', this.#negotiated.peerSchemes, signedHash(transcript, TYPE.RekeyFinish, start));
    const upToVerifyData = new Writer().bytes(start).u16(signed.scheme).vector16(signed.signature).finish();
    const stage = this.#derive(generation, transcript, upToVerifyData, ss);
    core.send(TYPE.RekeyFinish, concat([upToVerifyData, stage.verifyData]));
    this.#install(generation, stage);
    core.outbox.lane = stage.laneC;
    core.inbox.lanes.push(stage.laneS);
    this.#isAwaitingDone = true;
  }

  onDone(body: Bytes, epoch: number): void {
    demand(this.#isAwaitingDone && epoch === this.#epoch + 1, 'message_unexpected');
    demand(decodeGeneration(body) === this.#epoch + 1, 'rekey_generation');
    this.#core.inbox.lanes.shift();
    this.#isAwaitingDone = false;
    this.#complete();
  }

  // The server

  wish(): void {
    allowed(this.#core.role === 'server', 'the server wishes; the client starts');
    allowed(this.#pending === undefined, 'a rekey is under way');
    allowed(this.#wishedGeneration <= this.#epoch, 'wished already for this generation');
    this.#wishedGeneration = this.#epoch + 1;
    this.#core.send(TYPE.RekeyWish, encodeGeneration(this.#epoch + 1));
  }

  onRequest(body: Bytes, whole: Bytes): void {
    const core = this.#core;
    const request = decodeRekeyRequest(body);
    const generation = this.#epoch + 1;
    demand(this.#pending === undefined, 'rekey_under_way');
    demand(request.generation === generation, 'rekey_generation');
    demand(core.now() - this.#doneAt >= LIMIT.rekeyGapServerMs, 'limit_exceeded', 'rekey too soon after the last');
    demand(request.group === this.#exchange, 'rekey_group');
    demand(request.share.length === shareLength(this.#exchange), 'key_share_invalid', 'length of the share');
    this.#demandNew(request.share);
    const { answer, ss } = answerShare(this.#exchange, this.#exchange, request.share, core.random);
    this.#demandNew(answer);
    const t1 = concat([this.#start(generation), whole]);
    const start = encodeRekeyResponseStart(generation, answer, core.ownCertificate);
    const signed = core.sign('rekey-server', this.#negotiated.peerSchemes, signedHash(t1, TYPE.RekeyResponse, start));
    const response = core.send(
      TYPE.RekeyResponse,
      new Writer().bytes(start).u16(signed.scheme).vector16(signed.signature).finish(),
    );
    this.#pending = { transcript: concat([t1, response ?? new Uint8Array(0)]), startedAt: core.now(), ss };
    core.isRekeying = true;
  }

  onFinish(body: Bytes): void {
    const core = this.#core;
    const pending = this.#pending;
    demand(pending?.ss !== undefined, 'message_unexpected');
    const finish = decodeRekeyFinish(body);
    const generation = this.#epoch + 1;
    demand(finish.generation === generation, 'rekey_generation');
    this.#demandClient(finish, pending.transcript);
    const stage = this.#derive(generation, pending.transcript, finish.upToVerifyData, pending.ss);
    demand(equalBytes(finish.verifyData, stage.verifyData), 'finished_invalid');
    this.peer = finish.certificate;
    this.#install(generation, stage);
    core.inbox.lanes = [stage.laneC];
    core.outbox.lane = stage.laneS;
    core.send(TYPE.RekeyDone, encodeGeneration(generation));
    this.#complete();
  }

  #demandClient({ certificate, signed, upToScheme }: RekeyFinish, transcript: Bytes): void {
    if (this.#negotiated.isClientAnonymous) {
      const isEmpty = certificate.chain.length === 0 && signed.scheme === 0 && signed.signature.length === 0;
      demand(isEmpty, 'identity_changed');
      return;
    }
    const key = this.#core.judge(certificate);
    this.#core.demandSigned('rekey-client', signed, key, signedHash(transcript, TYPE.RekeyFinish, upToScheme));
  }

  // Both

  /** Starts what was wished once the gap is over, and ends a rekey that takes too long. */
  tick(): void {
    const now = this.#core.now();
    if (this.#isWished && this.#isGapOver) this.start();
    const isLate = this.#pending !== undefined && now - this.#pending.startedAt > LIMIT.rekeyMs;
    demand(!isLate, 'rekey_deadline');
  }

  /** DATA went or came: the next rekey need not wait as long (§9.5). */
  noteData(): void {
    this.#wasQuiet = false;
  }

  get #isGapOver(): boolean {
    const gap = this.#wasQuiet ? LIMIT.rekeyGapQuietMs : LIMIT.rekeyGapClientMs;
    return this.#core.now() - this.#doneAt >= gap;
  }

  /** T0 of §9.3 */
  #start(generation: number): Bytes {
    const binding = rekeyBinding(this.#negotiated.suite, this.#root);
    this.#core.note({ [`rekey_binding_${generation}`]: binding });
    return rekeyStart(binding, this.#negotiated.channelId, generation);
  }

  #demandNew(share: Bytes): void {
    const name = nameOfShare(share);
    demand(!this.#negotiated.seenShares.has(name), 'key_share_invalid', 'seen before on this channel');
    this.#negotiated.seenShares.add(name);
  }

  #derive(generation: number, transcript: Bytes, upToVerifyData: Bytes, ss: Bytes) {
    const { suite, recordLimit } = this.#negotiated;
    const th = signedHash(transcript, TYPE.RekeyFinish, upToVerifyData);
    const stage = rekeyStage(suite, this.#root, th, ss);
    return {
      ...stage,
      th,
      ss,
      laneC: this.#core.lane(`ap_c_${generation}`, suite, stage.apC, 'c', generation, recordLimit),
      laneS: this.#core.lane(`ap_s_${generation}`, suite, stage.apS, 's', generation, recordLimit),
    };
  }

  #install(generation: number, { salt, root, finished, th, ss }: Record<'salt' | 'root' | 'finished' | 'th' | 'ss', Bytes>): void {
    this.#root = root;
    this.#core.note({
      [`rk_salt_${generation}`]: salt,
      [`root_${generation - 1}`]: root,
      [`fin_c_${generation}`]: finished,
      [`TH_${generation}`]: th,
      [`ss_${generation}`]: ss,
    });
  }

  #complete(): void {
    this.#epoch += 1;
    this.#pending = undefined;
    this.#core.isRekeying = false;
    this.#doneAt = this.#core.now();
    this.#wasQuiet = true;
    this.#core.events.push({ type: 'rekeyed', generation: this.#epoch });
  }
}

/** H(T ‖ type ‖ a leading part of the body): what §9.3 signs and hashes. The length of the message is not in it. */
function signedHash(transcript: Bytes, type: number, part: Bytes): Bytes {
  return H(concat([transcript, Uint8Array.of(type), part]));
}
