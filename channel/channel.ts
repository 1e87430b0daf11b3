// Front of this folder: one channel, from the first byte of the hello to the last of Close.
import type { Bytes } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { ChannelPeer, Effect, Established, PeerEvidence } from '../handshake/effects.ts';
import { permit } from '../handshake/flow.ts';
import { MESSAGE } from '../handshake/codepoints.ts';
import { startClient } from '../handshake/client-opening.ts';
import { decodeBare, encodeBare } from '../handshake/messages/bare.ts';
import type { PresentedCredential } from '../handshake/messages/certificate.ts';
import { parseMessage, type Message } from '../handshake/messages/message.ts';
import { startServer } from '../handshake/server-opening.ts';
import type { RekeySettings } from '../handshake/rekey.ts';
import type { ClientSettings, ServerSettings } from '../handshake/settings.ts';
import type { HandshakeState, Step } from '../handshake/state.ts';
import { alertFor, encodeAlert } from './messages/control-messages.ts';
import type { Carrier, CarrierEvent, HandOff } from './hand-off.ts';
import type { Destination, ResetReason } from './messages/stream-messages.ts';
import { Rekeying } from './rekeying.ts';
import type { RekeyLimits, RekeyTrigger } from './rekey-schedule.ts';
import { Session, type MintedTicket } from './session.ts';
import { Wire, type Incoming } from './wire.ts';

/** docs/PROTOCOL.md §13: bytes of records that a peer may send before it is authenticated. */
const MAX_UNAUTHENTICATED_BYTES = 65_536;
/** docs/PROTOCOL.md §6.11. */
const HANDSHAKE_ID_LENGTH = 8;

/** Limits of time in milliseconds. */
export interface ChannelTimeouts {
  /** S: until a complete hello came. */
  readonly helloMs: number;
  /** Until the channel is established. */
  readonly handshakeMs: number;
  /** Until a Close is answered. */
  readonly closeMs: number;
  /** Quiet time after which a Ping goes out; 0 for none. */
  readonly keepAliveMs: number;
}

interface CommonSettings {
  readonly timeouts: ChannelTimeouts;
  readonly rekeyLimits: RekeyLimits;
  /** Asked at the beginning of each rekey: a credential may have been renewed. */
  readonly rekeySettings: () => RekeySettings;
  /** Path, revocation, pins and authorisation. Throws, or rejects with, an XpsError. */
  readonly judge: (evidence: PeerEvidence) => ChannelPeer | Promise<ChannelPeer>;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
}

export interface ClientChannelSettings extends CommonSettings {
  readonly side: 'client';
  readonly handshake: ClientSettings;
}

export interface ServerChannelSettings extends CommonSettings {
  readonly side: 'server';
  readonly handshake: ServerSettings;
  /** With a mesh key strangers get no answer at all (docs/PROTOCOL.md §6.2). */
  readonly hasMeshKey: boolean;
}

export type ChannelSettings = ClientChannelSettings | ServerChannelSettings;

/** What a channel reports to its owner. All calls come from within a call of the owner, or after a verdict. */
export interface ChannelHandler {
  /** `takeOutput` has something. Comes once per outer call, and before `onClosed` and `onFailed`. */
  onOutput(): void;
  /** C: the server is authenticated and has our Finished. One stream may be opened before `onEstablished`, see `sendRoom`. */
  onReady(): void;
  onEstablished(established: Established): void;
  /** S: a stream begins; the target may be dialled now. */
  onOpen(destination: Destination): void;
  /** Bytes of the stream; a view that belongs to the handler. */
  onData(content: Bytes): void;
  /** The peer's direction of the stream is over, in order. */
  onEnd(): void;
  /** The peer's direction was aborted; ours is over with it. */
  onReset(reason: ResetReason): void;
  /** Both directions are over: C may open the next stream. */
  onStreamOver(): void;
  /** C: no further stream may be opened here. */
  onRetire(): void;
  onTicket(ticket: MintedTicket): void;
  onRekeyed(generation: number, trigger: RekeyTrigger | 'peer'): void;
  /** The channel is over in order, all counts were right. */
  onClosed(): void;
  /** The channel is over; nothing else comes. The first failure is the only one. */
  onFailed(error: XpsError): void;
}

/**
 * A channel without any I/O: bytes go in with `receive`, come out with `takeOutput`, time passes with
 * `tick`. The first failure is final: keys are wiped, the peer is told what docs/PROTOCOL.md §11 allows,
 * and every later call does nothing.
 */
export class SecureChannel implements Disposable {
  readonly #settings: ChannelSettings;
  readonly #handler: ChannelHandler;
  readonly #wire: Wire;
  readonly #startedAtMs: number;
  #state: HandshakeState | undefined;
  #established: Established | undefined;
  #rekeying: Rekeying | undefined;
  #session: Session | undefined;
  #isOver = false;
  #isJudging = false;
  /** S: a hello passed the gate, so the peer may be answered. */
  #isGatePassed = false;
  #hasReceivedProtected = false;
  /** Body of the first ClientHello, for the handshake id of a log line. */
  #firstHello: Bytes | undefined;
  #depth = 0;

  constructor(settings: ChannelSettings, handler: ChannelHandler) {
    this.#settings = settings;
    this.#handler = handler;
    this.#wire = new Wire(settings.handshake.crypto);
    this.#startedAtMs = settings.nowMs();
  }

  /** C sends its hello; S begins to wait for one. */
  start(): void {
    this.#run(() => {
      const { side, handshake } = this.#settings;
      if (side === 'client') this.#apply(startClient(handshake));
      else this.#state = startServer(handshake);
    });
  }

  /** Takes ownership of `bytes`. */
  receive(bytes: Bytes): void {
    if (this.#isOver) return;
    this.#run(() => {
      this.#wire.append(bytes);
      this.#pump();
      this.#rekeyIfDue();
    });
  }

  /** The transport will bring no more bytes. Without an authenticated close before it, that is a truncation. */
  transportEnded(): void {
    if (this.#isOver) return;
    this.#fail(new XpsError('channel_truncated', { detail: this.#established === undefined ? 'during the handshake' : 'without Close' }));
  }

  /** Checks deadlines, sends keepalives, starts rekeys. To be called a few times a second. */
  tick(): void {
    if (this.#isOver) return;
    this.#run(() => {
      const nowMs = this.#settings.nowMs();
      const { timeouts } = this.#settings;
      if (this.#established === undefined) return this.#requireHandshakeInTime(nowMs);
      this.#session?.tick(nowMs, timeouts.keepAliveMs, timeouts.closeMs);
      this.#rekeying?.requireInTime(nowMs);
      this.#rekeyIfDue();
    });
  }

  takeOutput(): Bytes[] {
    return this.#wire.takeOutput();
  }

  /** C: begins a stream; legal while `canOpen`. */
  open(destination: Destination): void {
    this.#inSession((session) => session.open(destination));
  }

  /** Bytes of any number for the open stream. */
  sendData(content: Bytes): void {
    this.#inSession((session) => {
      session.sendData(content);
      this.#rekeyIfDue();
    });
  }

  /** Our direction of the stream is over. */
  end(): void {
    this.#inSession((session) => session.end());
  }

  /** Aborts the open stream in both directions; does nothing where that has happened already. */
  reset(reason: ResetReason): void {
    this.#inSession((session) => session.reset(reason));
  }

  retire(): void {
    this.#inSession((session) => session.retire());
  }

  /** C: orderly end, after the open stream if there is one. */
  close(): void {
    this.#inSession((session) => session.close());
  }

  /** S: gives the client a ticket; undefined where it may have none. */
  mintTicket(lifetimeS: number): MintedTicket | undefined {
    let minted: MintedTicket | undefined;
    this.#inSession((session) => {
      minted = session.mintTicket(lifetimeS);
    });
    return minted;
  }

  /** Trust, revocation data or policy changed: fresh keys with a fresh verdict, within about a second. */
  demandRekey(): void {
    this.#rekeying?.demand();
  }

  /** Ends the channel for a reason of the owner, e.g. a certificate that was revoked meanwhile. */
  fail(error: XpsError): void {
    this.#fail(error);
  }

  /** RFC 5705 in spirit, docs/PROTOCOL.md §5.4: `length` bytes that both sides know and nobody else. */
  exportSecret(label: string, context: Bytes, length: number): Uint8Array<ArrayBuffer> {
    if (this.#established === undefined || this.#isOver) throw new XpsError('internal_error', { detail: 'no secrets to export' });
    return this.#established.exporter.export(label, context, length);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get established(): Established | undefined {
    return this.#established;
  }

  /** docs/PROTOCOL.md §6.11; undefined before there was a hello. The first hello has no cookie: its last byte is an empty length. */
  get handshakeId(): Bytes | undefined {
    if (this.#established !== undefined) return this.#established.handshakeId;
    if (this.#firstHello === undefined) return undefined;
    const core = this.#firstHello.subarray(0, this.#firstHello.length - 1);
    return this.#settings.handshake.crypto.hash.hash('sha384', core).subarray(0, HANDSHAKE_ID_LENGTH);
  }

  /** Who is there now, and what they presented last. */
  get peer(): ChannelPeer | undefined {
    return this.#rekeying?.peer;
  }

  get peerCredential(): PresentedCredential | undefined {
    return this.#rekeying?.peerCredential;
  }

  get generation(): number {
    return this.#rekeying?.generation ?? 0;
  }

  get provider(): string {
    return this.#wire.provider;
  }

  /** A complete hello passed the gate: the peer is more than a silent connection. */
  get hasHello(): boolean {
    return this.#isGatePassed;
  }

  get canOpen(): boolean {
    return !this.#isOver && this.#session?.canOpen === true;
  }

  get canSend(): boolean {
    return !this.#isOver && this.#session?.canSend === true;
  }

  /** How much `sendData` sends at once: before Confirm 64 KiB in all (docs/PROTOCOL.md §6.9), the rest waits; then any number. */
  get sendRoom(): number {
    return this.#isOver ? 0 : (this.#session?.sendRoom ?? 0);
  }

  /** C: what was sent before Confirm and is undelivered if the channel fails now. 0 once it is established. */
  get unconfirmedBytes(): number {
    return this.#session?.unconfirmedBytes ?? 0;
  }

  get canReceive(): boolean {
    return !this.#isOver && this.#session?.lane.canReceive === true;
  }

  get isIdle(): boolean {
    return this.#session?.isIdle ?? true;
  }

  /** Whether `handOff` is possible now: established, and no exchange of messages under way. */
  get canHandOff(): boolean {
    if (this.#isOver || this.#isJudging || this.#established === undefined || this.#rekeying?.isUnderWay !== false) return false;
    return this.#session?.canHandOff === true && this.#wire.canHandOff;
  }

  /**
   * Gives the bytes of this channel to a data plane, for good. What the plane reports comes back through `carried`; rekeys,
   * deadlines, verdicts and failures stay here. Throws `internal_error` unless `canHandOff`.
   */
  handOff(carrier: Carrier): HandOff {
    const established = this.#established;
    const session = this.#session;
    const rekeying = this.#rekeying;
    if (!this.canHandOff || established === undefined || session === undefined || rekeying === undefined) {
      throw new XpsError('internal_error', { detail: 'this channel cannot be handed off now' });
    }
    const { side, suite, recordLimit } = established;
    const { unread, unsent, sent, received } = this.#wire.handOff(carrier);
    session.handOff(carrier);
    const epoch = rekeying.generation;
    return {
      side, recordLimit, unread, unsent,
      aead: suite.aead,
      send: { ...rekeying.trafficKeys('send'), epoch, used: sent },
      receive: { ...rekeying.trafficKeys('receive'), epoch, used: received },
      stream: session.lane.state,
      mayOpen: session.mayOpen,
      softLimits: { records: rekeying.limits.messages, bytes: rekeying.limits.bytes },
    };
  }

  /** What the data plane reports, in order. */
  carried(event: CarrierEvent): void {
    this.#inSession((session) => {
      this.#receiveCarried(session, event);
      this.#rekeyIfDue();
    });
  }

  /** Bytes that wait for a verdict; the owner stops reading when they grow. */
  get bufferedBytes(): number {
    return this.#wire.bufferedBytes;
  }

  /** A rekey needs the peer's messages: the owner reads on even if its application does not. */
  get needsPeer(): boolean {
    return this.#rekeying?.needsPeer ?? false;
  }

  /** Silent end: wipes everything, tells nobody. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#wipe();
  }

  /** Every entry goes through here: failures end the channel, output is reported once. */
  #run(action: () => void): void {
    this.#depth += 1;
    try {
      action();
    } catch (thrown) {
      this.#fail(toXpsError(thrown));
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0 && !this.#isOver) this.#reportOutput();
    }
  }

  #inSession(action: (session: Session) => void): void {
    if (this.#isOver) return;
    this.#run(() => {
      if (this.#session === undefined) throw new XpsError('internal_error', { detail: 'the channel is not established' });
      action(this.#session);
    });
  }

  #pump(): void {
    while (!this.#isOver && !this.#isJudging) {
      const incoming = this.#wire.next();
      if (incoming === undefined) break;
      if (this.#established === undefined) this.#receiveHandshake(incoming);
      else this.#session?.receive(incoming);
      if (this.#session?.isOver === true) this.#finish();
    }
  }

  #receiveCarried(session: Session, event: CarrierEvent): void {
    switch (event.kind) {
      case 'message':
        if (event.hasMoved) session.carriedData();
        return session.receive({ kind: 'message', message: parseMessage(event.message), protection: event.epoch });
      case 'open':
        return session.carrierOpened(parseMessage(event.message));
      case 'over':
        return this.#handler.onStreamOver();
      case 'closing':
        return session.carrierCloses();
      case 'closed':
        session.carrierClosed();
        return this.#finish();
      case 'failed':
        throw event.error;
      case 'due':
        if (event.hasMoved) session.carriedData();
    }
  }

  #receiveHandshake(incoming: Incoming): void {
    if (this.#wire.pulledBytes > MAX_UNAUTHENTICATED_BYTES) throw new XpsError('handshake_too_large');
    if (incoming.kind === 'data') throw new XpsError('unexpected_message', { detail: 'data during the handshake' });
    const { message, protection } = incoming;
    const state = this.#requireState();
    if (message.type === MESSAGE.failure) return this.#receiveFailure(incoming);
    if (protection !== 'plain') this.#hasReceivedProtected = true;
    const row = permit(state.name, message.type, protection);
    this.#noteHello(message);
    const step = this.#receiveIn(state, message);
    if (!row.next.includes(step.next.name)) {
      throw new XpsError('internal_error', { detail: `"${step.next.name}" does not follow "${state.name}"` });
    }
    this.#apply(step);
  }

  #receiveIn(state: HandshakeState, message: Message): Step {
    try {
      return state.receive(message);
    } finally {
      this.#isGatePassed ||= state.isGatePassed;
    }
  }

  /** docs/PROTOCOL.md §11.2. */
  #receiveFailure({ message, protection }: Extract<Incoming, { kind: 'message' }>): void {
    const legal = this.#hasReceivedProtected ? protection === 0 : protection === 'plain' || protection === 0;
    if (!legal) throw new XpsError('unexpected_message', { detail: 'Failure under the wrong protection' });
    decodeBare(message.body, 'Failure');
    throw new XpsError('peer_refused');
  }

  #apply(step: Step): void {
    this.#state = step.next;
    this.#carryOut(step.effects);
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#noteHello(effect.message);
          if (effect.isPlain) this.#wire.sendPlain(effect.message);
          else this.#wire.send(effect.message);
          break;
        case 'install':
          this.#wire.install(effect);
          break;
        case 'judge':
          this.#judge(effect.evidence);
          break;
        case 'finished':
          this.#beginSession(effect.result);
          this.#handler.onReady();
          break;
        case 'established':
          this.#establish(effect.result);
          break;
        case 'rekeyed':
          this.#adopt(effect.result);
          break;
      }
    }
  }

  #judge(evidence: PeerEvidence): void {
    const verdict = this.#settings.judge(evidence);
    if (!(verdict instanceof Promise)) return this.#judged(verdict);
    // A client that rekeys goes on reading: until RekeyDone everything comes under keys that are still good. A server
    // holds what comes under the new ones until it knows whose they are.
    this.#isJudging = evidence.occasion !== 'rekey' || evidence.side === 'client';
    verdict.then(
      (peer) => this.#resume(() => this.#judged(peer)),
      (error: unknown) => this.#resume(() => {
        throw toXpsError(error);
      }),
    );
  }

  #resume(action: () => void): void {
    this.#isJudging = false;
    if (this.#isOver) return;
    this.#run(() => {
      action();
      this.#pump();
      this.#rekeyIfDue();
    });
  }

  #judged(peer: ChannelPeer): void {
    if (this.#established !== undefined && this.#rekeying !== undefined) this.#carryOut(this.#rekeying.judged(peer).effects);
    else this.#apply(this.#requireState().judged(peer));
  }

  #establish(established: Established): void {
    if (this.#session === undefined) this.#beginSession(established);
    this.#established = established;
    this.#firstHello = undefined;
    this.#session?.confirm();
    this.#handler.onEstablished(established);
  }

  #beginSession(established: Established): void {
    const { rekeyLimits, rekeySettings, nowMs } = this.#settings;
    this.#rekeying = new Rekeying(established, rekeyLimits, rekeySettings, nowMs());
    this.#session = new Session({
      established,
      nowMs,
      crypto: this.#settings.handshake.crypto,
      wire: this.#wire,
      rekeying: this.#rekeying,
      handler: this.#handler,
      carryOut: (effects) => this.#carryOut(effects),
    });
  }

  #adopt(rekeyed: Parameters<Rekeying['finish']>[0]): void {
    const trigger = this.#rekeying?.finish(rekeyed, this.#settings.nowMs());
    if (trigger !== undefined) this.#handler.onRekeyed(rekeyed.generation, trigger);
  }

  #rekeyIfDue(): void {
    if (this.#established === undefined) return;
    if (this.#rekeying === undefined || this.#isOver || this.#session?.hasClosed === true) return;
    const step = this.#rekeying.start(this.#wire.sent, this.#wire.received, this.#settings.nowMs());
    if (step !== undefined) this.#carryOut(step.effects);
  }

  #requireHandshakeInTime(nowMs: number): void {
    const { helloMs, handshakeMs } = this.#settings.timeouts;
    const ageMs = nowMs - this.#startedAtMs;
    if (ageMs > handshakeMs) throw new XpsError('handshake_timeout', { detail: `in state "${this.#state?.name ?? 'new'}"` });
    if (this.#settings.side === 'server' && !this.#isGatePassed && ageMs > helloMs) {
      throw new XpsError('handshake_timeout', { detail: 'no hello came' });
    }
  }

  #noteHello(message: Message): void {
    if (message.type === MESSAGE.clientHello && this.#established === undefined) this.#firstHello ??= message.body;
  }

  #requireState(): HandshakeState {
    if (this.#state === undefined) throw new XpsError('internal_error', { detail: 'the channel was not started' });
    return this.#state;
  }

  #finish(): void {
    this.#isOver = true;
    this.#wipe();
    this.#reportOutput();
    this.#handler.onClosed();
  }

  #fail(error: XpsError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#tellPeer(error);
    } catch {
      // The key may be the very thing that failed: then the peer sees the transport end.
    }
    this.#wipe();
    this.#reportOutput();
    this.#handler.onFailed(error);
  }

  #reportOutput(): void {
    this.#wire.flush();
    if (this.#wire.hasOutput) this.#handler.onOutput();
  }

  /** docs/PROTOCOL.md §11.1 and §11.3. */
  #tellPeer(error: XpsError): void {
    if (this.#session !== undefined) {
      const code = alertFor(error);
      if (code !== undefined) this.#wire.send(encodeAlert(code));
      return;
    }
    if (error.reason === 'peer_refused' || error.reason === 'channel_truncated') return;
    const isSilent = this.#settings.side === 'server' && this.#settings.hasMeshKey && !this.#isGatePassed;
    if (!isSilent) this.#wire.sendFailure(encodeBare(MESSAGE.failure));
  }

  #wipe(): void {
    this.#wire[Symbol.dispose]();
    this.#state?.[Symbol.dispose]();
    this.#state = undefined;
    this.#rekeying?.[Symbol.dispose]();
    this.#established?.exporter[Symbol.dispose]();
    this.#established?.resumption[Symbol.dispose]();
  }
}
