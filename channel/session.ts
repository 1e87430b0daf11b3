import { equalBytes, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { Crypto } from '../engines/contract.ts';
import { MESSAGE, messageName } from '../handshake/codepoints.ts';
import type { Effect, Established } from '../handshake/effects.ts';
import { ticketPsk } from '../handshake/key-schedule.ts';
import { decodeBare, encodeBare } from '../handshake/messages/bare.ts';
import type { Message } from '../handshake/messages/message.ts';
import { decodeTicket, encodeTicket, TICKET_NONCE_LENGTH } from '../handshake/messages/ticket.ts';
import type { ChannelHandler } from './channel.ts';
import type { Carrier } from './hand-off.ts';
import { ControlCredit } from './control-credit.ts';
import { EarlyData } from './early-data.ts';
import { decodeAlert, decodeClose, decodePing, encodeClose, encodePing } from './messages/control-messages.ts';
import {
  decodeEnd,
  decodeOpen,
  decodeReset,
  encodeEnd,
  encodeOpen,
  encodeReset,
  type Destination,
  type ResetReason,
} from './messages/stream-messages.ts';
import type { Rekeying } from './rekeying.ts';
import { StreamLane } from './streams.ts';
import type { Incoming, Wire } from './wire.ts';

const MAX_TICKETS = 8;
/** §7.1: Pings are at least this far apart. */
const MIN_PING_GAP_MS = 1000;
const TICKET_LENGTH = 32;

/** A ticket with the key that both sides derive for it (docs/PROTOCOL.md §10). */
export interface MintedTicket {
  readonly ticket: Bytes;
  readonly psk: Secret;
  readonly lifetimeS: number;
}

export interface SessionParts {
  readonly crypto: Crypto;
  readonly wire: Wire;
  readonly rekeying: Rekeying;
  readonly handler: ChannelHandler;
  readonly established: Established;
  readonly carryOut: (effects: readonly Effect[]) => void;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
}

/** What a channel does once it is established: docs/PROTOCOL.md §7 to §10. */
export class Session {
  readonly #parts: SessionParts;
  readonly #lane = new StreamLane();
  readonly #credit: ControlCredit;
  readonly #isClient: boolean;
  #pingToken: Bytes | undefined;
  #pingedAtMs = 0;
  #heardAtMs: number;
  #tickets = 0;
  /** The last stream whose end was reported; a handler may reset from within a report. */
  #lastOver = 0n;
  #hasRetired = false;
  #isCloseWanted = false;
  /** C: until Confirm comes. */
  #early: EarlyData | undefined = new EarlyData();
  #closedAtMs: number | undefined;
  #isOver = false;
  /** Since a hand-off: it knows the stream, the lane here stands still. */
  #carrier: Carrier | undefined;
  #carriedChanges = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const nowMs = parts.nowMs();
    this.#credit = new ControlCredit(nowMs);
    this.#isClient = parts.established.side === 'client';
    this.#heardAtMs = nowMs;
  }

  get lane(): StreamLane {
    return this.#lane;
  }

  get isIdle(): boolean {
    return this.#carrier?.isIdle ?? this.#lane.isIdle;
  }

  get mayOpen(): boolean {
    return this.#isClient && !this.#hasRetired && !this.#isCloseWanted && !this.#isOver;
  }

  /** C keeps what it may not send before Confirm; afterwards nothing stands in the way but our own Close. */
  get canHandOff(): boolean {
    return this.#carrier === undefined && this.#early === undefined && this.#closedAtMs === undefined && !this.#isOver;
  }

  handOff(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  /** Our Close was sent by the carrier. */
  carrierCloses(): void {
    this.#closedAtMs ??= this.#parts.nowMs();
  }

  carrierClosed(): void {
    this.#isOver = true;
  }

  /** S: an Open that was accepted by the carrier. */
  carrierOpened(message: Message): void {
    this.#parts.handler.onOpen(decodeOpen(message.body).destination);
  }

  carriedData(): void {
    this.#carriedData();
  }

  /** Both Close messages were exchanged and their counts were right. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Our Close is sent: nothing else follows. */
  get hasClosed(): boolean {
    return this.#closedAtMs !== undefined;
  }

  get canOpen(): boolean {
    return this.mayOpen && this.#carrier === undefined && this.#lane.isIdle;
  }

  get canSend(): boolean {
    return this.#lane.canSend && this.#early?.isOver !== true;
  }

  get sendRoom(): number {
    if (!this.canSend) return 0;
    return this.#early?.room ?? Number.MAX_SAFE_INTEGER;
  }

  get unconfirmedBytes(): number {
    return this.#early?.sentBytes ?? 0;
  }

  /** Both sides are authenticated: the limits of early data end. */
  confirm(): void {
    const early = this.#early;
    this.#early = undefined;
    this.#heardAtMs = this.#parts.nowMs();
    if (early?.heldReset !== undefined) return this.reset(early.heldReset);
    const held = early?.release();
    for (const content of held?.data ?? []) this.#sendNow(content);
    if (held?.isEnded === true) this.end();
    this.#closeIfQuiet();
  }

  receive(incoming: Incoming): void {
    if (incoming.protection === 'plain') throw new XpsError('unexpected_plain_record');
    if (this.#isOver) throw new XpsError('unexpected_message', { detail: 'after Close' });
    this.#heardAtMs = this.#parts.nowMs();
    this.#requireDoneFirst(incoming);
    if (incoming.kind === 'data') return this.#receiveData(incoming.content);
    this.#receiveMessage(incoming.message, this.#heardAtMs);
    this.#closeIfQuiet();
  }

  open(destination: Destination): void {
    if (!this.canOpen) throw new XpsError('internal_error', { detail: 'this channel cannot take a stream now' });
    const number = this.#lane.openNext();
    this.#parts.wire.send(encodeOpen({ number, destination }));
  }

  sendData(content: Bytes): void {
    if (!this.canSend) throw new XpsError('internal_error', { detail: 'data on a closed direction' });
    this.#sendNow(this.#early?.take(content) ?? content);
  }

  end(): void {
    if (this.#early?.holdEnd() === true) return;
    this.#parts.wire.send(encodeEnd(this.#lane.end()));
    this.#afterStreamChange();
  }

  reset(reason: ResetReason): void {
    if (this.#carrier !== undefined) return this.#carrier.reset(reason);
    if (!this.#lane.canReset) return;
    // §6.9 knows no Reset before Confirm.
    if (this.#early !== undefined) return this.#early.holdReset(reason);
    this.#parts.wire.send(encodeReset({ number: this.#lane.reset(), reason }));
    this.#afterStreamChange();
  }

  /** S asks that no further stream is opened. */
  retire(): void {
    if (this.#isClient || this.#hasRetired) return;
    this.#hasRetired = true;
    this.#parts.wire.send(encodeBare(MESSAGE.retire));
  }

  /** C closes as soon as no stream is open and no rekey under way. */
  close(): void {
    if (!this.#isClient) throw new XpsError('internal_error', { detail: 'only the client closes' });
    this.#isCloseWanted = true;
    this.#closeIfQuiet();
  }

  mintTicket(lifetimeS: number): MintedTicket | undefined {
    const { crypto, established, wire } = this.#parts;
    if (this.#isClient || this.#tickets >= MAX_TICKETS || this.#parts.rekeying.peer.kind === 'anonymous') return undefined;
    this.#tickets += 1;
    const ticket = crypto.random(TICKET_LENGTH);
    const nonce = crypto.random(TICKET_NONCE_LENGTH);
    wire.send(encodeTicket({ lifetimeS, ticket, nonce }));
    return { ticket, lifetimeS, psk: ticketPsk(crypto.hash, established.suite, established.resumption, nonce) };
  }

  /**
   * Deadlines and keepalive. A Ping goes out on any quiet channel, but its answer is demanded only
   * while no stream is open: a peer whose application does not read may rightly be silent.
   */
  tick(nowMs: number, keepAliveMs: number, closeMs: number): void {
    if (this.#closedAtMs !== undefined) {
      if (nowMs - this.#closedAtMs > closeMs) throw new XpsError('close_timeout');
      return;
    }
    this.#hearCarrier(nowMs);
    if (keepAliveMs === 0 || nowMs - this.#heardAtMs < Math.max(keepAliveMs, MIN_PING_GAP_MS)) return;
    if (this.#pingToken === undefined) this.#ping(nowMs);
    else if (this.isIdle && nowMs - this.#pingedAtMs > keepAliveMs) throw new XpsError('keepalive_timeout');
  }

  /** docs/PROTOCOL.md §9.6: nothing of the new epoch precedes RekeyDone. */
  #requireDoneFirst(incoming: Incoming): void {
    const { rekeying } = this.#parts;
    const isDone = incoming.kind === 'message' && incoming.message.type === MESSAGE.rekeyDone;
    if (!rekeying.isDoneAwaited && !isDone) return;
    const isNewEpoch = incoming.protection === rekeying.generation + 1;
    if (isNewEpoch !== isDone) throw new XpsError('rekey_invalid', { detail: 'RekeyDone is the first message of its epoch' });
  }

  #hearCarrier(nowMs: number): void {
    if (this.#carrier === undefined || this.#carrier.changes === this.#carriedChanges) return;
    this.#carriedChanges = this.#carrier.changes;
    this.#heardAtMs = nowMs;
  }

  #sendNow(content: Bytes): void {
    if (content.length === 0) return;
    this.#lane.countSent(content.length);
    this.#parts.wire.sendData(content);
    this.#carriedData();
  }

  #carriedData(): void {
    this.#credit.fill();
    this.#parts.rekeying.carriedData();
  }

  #receiveData(content: Bytes): void {
    this.#carriedData();
    if (this.#lane.countReceived(content.length)) this.#parts.handler.onData(content);
  }

  #receiveMessage(message: Message, nowMs: number): void {
    switch (message.type) {
      case MESSAGE.open:
        return this.#receiveOpen(message);
      case MESSAGE.end:
        return this.#receiveEnd(message);
      case MESSAGE.reset:
        return this.#receiveReset(message);
      case MESSAGE.alert:
        throw decodeAlert(message.body);
      case MESSAGE.close:
        return this.#receiveClose(message);
      case MESSAGE.retire:
        return this.#receiveRetire(message);
      case MESSAGE.ping:
        return this.#receivePing(message, nowMs);
      case MESSAGE.pong:
        return this.#receivePong(message, nowMs);
      case MESSAGE.ticket:
        return this.#receiveTicket(message, nowMs);
      case MESSAGE.rekeyWish:
      case MESSAGE.rekeyRequest:
      case MESSAGE.rekeyResponse:
      case MESSAGE.rekeyFinish:
      case MESSAGE.rekeyDone:
        return this.#receiveRekey(message, nowMs);
      default:
        throw new XpsError('unexpected_message', { detail: `${messageName(message.type) ?? message.type} on an established channel` });
    }
  }

  #receiveOpen(message: Message): void {
    if (this.#isClient) throw new XpsError('unexpected_message', { detail: 'Open from a server' });
    const open = decodeOpen(message.body);
    this.#lane.acceptOpen(open);
    this.#parts.handler.onOpen(open.destination);
  }

  #receiveEnd(message: Message): void {
    this.#lane.acceptEnd(decodeEnd(message.body));
    this.#parts.handler.onEnd();
    this.#afterStreamChange();
  }

  #receiveReset(message: Message): void {
    const reset = decodeReset(message.body);
    if (!this.#lane.acceptReset(reset)) return;
    this.#parts.handler.onReset(reset.reason);
    // §8.4: a direction of ours that is still open ends with a Reset of its own.
    if (this.#lane.canSend) this.#parts.wire.send(encodeReset({ number: this.#lane.reset(), reason: 'reset' }));
    this.#afterStreamChange();
  }

  #receiveClose(message: Message): void {
    const bytes = decodeClose(message.body);
    if (this.#isClient && this.#closedAtMs === undefined) throw new XpsError('unexpected_message', { detail: 'Close from a server' });
    if (!this.#lane.isIdle) throw new XpsError('stream_invalid', { detail: 'Close while a stream is open' });
    if (this.#parts.rekeying.isUnderWay) throw new XpsError('unexpected_message', { detail: 'Close while a rekey is under way' });
    if (bytes !== this.#lane.totalReceived) {
      throw new XpsError('close_count_mismatch', { detail: `${this.#lane.totalReceived} bytes came, the peer says ${bytes}` });
    }
    if (!this.#isClient) this.#parts.wire.send(encodeClose(this.#lane.totalSent));
    this.#isOver = true;
  }

  /** docs/PROTOCOL.md §8.6. */
  #receiveRetire(message: Message): void {
    decodeBare(message.body, 'Retire');
    if (!this.#isClient || this.#hasRetired) throw new XpsError('unexpected_message', { detail: 'Retire' });
    this.#hasRetired = true;
    this.#isCloseWanted = true;
    this.#parts.handler.onRetire();
  }

  #receivePing(message: Message, nowMs: number): void {
    this.#credit.spend(nowMs);
    const token = decodePing(message.body);
    if (this.#closedAtMs === undefined) this.#parts.wire.send(encodePing(MESSAGE.pong, token));
  }

  #receivePong(message: Message, nowMs: number): void {
    this.#credit.spend(nowMs);
    const token = decodePing(message.body);
    if (this.#pingToken === undefined || !equalBytes(token, this.#pingToken)) throw new XpsError('pong_invalid');
    this.#pingToken = undefined;
  }

  #receiveTicket(message: Message, nowMs: number): void {
    this.#credit.spend(nowMs);
    const { crypto, established, handler } = this.#parts;
    if (!this.#isClient || established.ownCredential === undefined) throw new XpsError('unexpected_message', { detail: 'Ticket' });
    this.#tickets += 1;
    if (this.#tickets > MAX_TICKETS) throw new XpsError('control_flood', { detail: 'too many tickets' });
    const { ticket, nonce, lifetimeS } = decodeTicket(message.body);
    const psk = ticketPsk(crypto.hash, established.suite, established.resumption, nonce);
    handler.onTicket({ ticket: Uint8Array.from(ticket), lifetimeS, psk });
  }

  #receiveRekey(message: Message, nowMs: number): void {
    this.#credit.spend(nowMs);
    const { rekeying, carryOut } = this.#parts;
    // After our Close nothing may be sent any more: what would call for an answer has crossed it.
    if (this.#closedAtMs !== undefined && message.type !== MESSAGE.rekeyDone) return;
    const step = rekeying.receive(message, nowMs);
    if (step !== undefined) carryOut(step.effects);
  }

  #ping(nowMs: number): void {
    this.#pingToken = this.#parts.crypto.random(8);
    this.#pingedAtMs = nowMs;
    this.#parts.wire.send(encodePing(MESSAGE.ping, this.#pingToken));
  }

  #afterStreamChange(): void {
    if (!this.#lane.isIdle || this.#lane.number === this.#lastOver) return;
    this.#lastOver = this.#lane.number;
    this.#parts.handler.onStreamOver();
    this.#closeIfQuiet();
  }

  #closeIfQuiet(): void {
    const { wire, rekeying } = this.#parts;
    if (!this.#isCloseWanted || this.#early !== undefined || this.#closedAtMs !== undefined) return;
    if (rekeying.isUnderWay) return;
    if (this.#carrier !== undefined) return this.#carrier.close();
    if (!this.#lane.isIdle) return;
    this.#closedAtMs = this.#parts.nowMs();
    wire.send(encodeClose(this.#lane.totalSent));
  }
}
