/** After the handshake: docs/PROTOCOL.md §7, §10.1 and §11.3, and who handles the rest. */
import { equalBytes, toHex } from './bytes.ts';
import type { Core, Negotiated } from './core.ts';
import { decodeAlert, decodePing, decodeTicket, encodeTicket } from './traffic-messages.ts';
import type { ReferenceTicket } from './options.ts';
import type { IncomingMessage, IncomingRecord } from './records.ts';
import { Rekey } from './rekey.ts';
import { exportSecret, ticketPsk } from './schedule.ts';
import { Streams } from './streams.ts';
import { allowed, demand, LIMIT, TYPE, type Bytes } from './vocabulary.ts';

export class Traffic {
  readonly streams: Streams;
  readonly rekey: Rekey;
  readonly #core: Core;
  readonly #negotiated: Negotiated;
  #credit: number = LIMIT.credit;
  #creditAt: number;
  #outstandingPing: Bytes | undefined;
  #pingAt = -Infinity;
  #tickets = 0;
  #closeSentAt: number | undefined;

  constructor(core: Core, negotiated: Negotiated) {
    this.#core = core;
    this.#negotiated = negotiated;
    this.#creditAt = core.now();
    this.streams = new Streams(core);
    this.rekey = new Rekey(core, negotiated);
  }

  announce(): void {
    const { channelId, suite, resumed, peer } = this.#negotiated;
    this.#core.events.push({ type: 'established', channelId: toHex(channelId), suite, resumed, peerChain: peer.chain });
  }

  // Sending

  sendData(bytes: Bytes): void {
    this.streams.sendData(bytes);
    this.#refill();
  }

  ping(bytes: Bytes): void {
    allowed(bytes.length === 8, 'a ping has 8 bytes');
    allowed(this.#outstandingPing === undefined, 'a ping is outstanding');
    const now = this.#core.now();
    allowed(now - this.#pingAt >= LIMIT.pingGapMs, 'one ping a second');
    this.#pingAt = now;
    this.#core.send(TYPE.Ping, bytes);
    this.#outstandingPing = bytes.slice();
  }

  sendTicket(lifetime: number): void {
    const core = this.#core;
    allowed(core.role === 'server' && core.options.ticketStore !== undefined, 'only a server with a store sends tickets');
    allowed(!this.#negotiated.isClientAnonymous, 'an anonymous client gets no ticket');
    allowed(this.#tickets < LIMIT.tickets, 'too many tickets');
    this.#tickets += 1;
    const ticket = core.random('ticket', 32);
    const nonce = core.random('ticket nonce', 16);
    core.send(TYPE.Ticket, encodeTicket({ lifetime, ticket, nonce }));
    core.options.ticketStore.set(toHex(ticket), this.#ticketHalf(ticket, nonce, lifetime));
  }

  exportSecret(label: string, context: Bytes, length: number): Bytes {
    allowed(Buffer.byteLength(label) <= 200 && length <= 255 * 48, 'label or length');
    return exportSecret(this.#negotiated.suite, this.#negotiated.exporter, label, context, length);
  }

  // Receiving

  receive(item: IncomingMessage | IncomingRecord): void {
    if (this.rekey.isAwaitingDone && item.epoch === this.rekey.epoch + 1) {
      demand(item.kind === 'message' && item.type === TYPE.RekeyDone, 'message_unexpected', 'before RekeyDone');
    }
    if (item.kind === 'data') {
      this.streams.onData(item.content);
      this.#refill();
    } else {
      this.#charge(item.type);
      this.#onMessage(item);
    }
  }

  #onMessage({ type, body, whole, epoch }: IncomingMessage): void {
    switch (type) {
      case TYPE.Open:
        return this.streams.onOpen(body);
      case TYPE.End:
        return this.streams.onEnd(body);
      case TYPE.Reset:
        return this.streams.onReset(body);
      case TYPE.Retire:
        return this.streams.onRetire(body);
      case TYPE.Close:
        return this.streams.onClose(body);
      case TYPE.RekeyWish:
        return this.rekey.onWish(body);
      case TYPE.RekeyRequest:
        return this.rekey.onRequest(body, whole);
      case TYPE.RekeyResponse:
        return this.rekey.onResponse(body, whole);
      case TYPE.RekeyFinish:
        return this.rekey.onFinish(body);
      case TYPE.RekeyDone:
        this.rekey.onDone(body, epoch as number);
        return this.streams.closeIfRetired();
      case TYPE.Ping:
        return this.#onPing(body);
      case TYPE.Pong:
        return this.#onPong(body);
      case TYPE.Ticket:
        return this.#onTicket(body);
      case TYPE.Alert:
        return this.#onAlert(body);
      default:
        return demand(false, 'message_unexpected', `type ${type}`);
    }
  }

  #onPing(body: Bytes): void {
    const bytes = decodePing(body).slice();
    this.#core.events.push({ type: 'ping', bytes });
    if (!this.#core.hasSentClose) this.#core.send(TYPE.Pong, bytes);
  }

  #onPong(body: Bytes): void {
    const bytes = decodePing(body).slice();
    const expected = this.#outstandingPing;
    demand(expected !== undefined && equalBytes(bytes, expected), 'pong_unasked');
    this.#outstandingPing = undefined;
    this.#core.events.push({ type: 'pong', bytes });
  }

  #onTicket(body: Bytes): void {
    const { lifetime, ticket, nonce } = decodeTicket(body);
    this.#tickets += 1;
    demand(!this.#negotiated.isClientAnonymous, 'ticket_for_anonymous');
    demand(this.#tickets <= LIMIT.tickets, 'limit_exceeded', 'tickets');
    this.#core.events.push({ type: 'ticket', ticket: this.#ticketHalf(ticket, nonce, lifetime) });
  }

  #onAlert(body: Bytes): void {
    this.#core.events.push({ type: 'alert', code: decodeAlert(body) });
    this.#core.end('failed');
  }

  #ticketHalf(ticket: Bytes, nonce: Bytes, lifetime: number): ReferenceTicket {
    const { suite, resumption, trustDigest, fullHandshakeAt } = this.#negotiated;
    const psk = ticketPsk(suite, resumption, nonce);
    this.#core.note({ psk });
    return {
      ticket,
      psk,
      suite,
      serviceName: this.#core.options.serviceName ?? '',
      peerChain: this.rekey.peer.chain,
      peerStaple: this.rekey.peer.staple,
      ownLeaf: this.#core.credential?.chain[0] ?? new Uint8Array(0),
      trustDigest,
      expiresAt: this.#core.now() + lifetime * 1000,
      fullHandshakeAt,
    };
  }

  tick(): void {
    this.rekey.tick();
    if (this.#core.hasSentClose) this.#closeSentAt ??= this.#core.now();
    const isLate = this.#closeSentAt !== undefined && this.#core.now() - this.#closeSentAt > LIMIT.closeMs;
    demand(!isLate, 'close_deadline');
  }

  // Quiet traffic, §7.2

  #charge(type: number): void {
    const isQuiet =
      (type >= TYPE.RekeyWish && type <= TYPE.RekeyDone) || (type >= TYPE.Ping && type <= TYPE.Ticket);
    if (!isQuiet) return;
    const now = this.#core.now();
    const refill = ((now - this.#creditAt) / 1000) * LIMIT.creditPerSecond;
    this.#credit = Math.min(LIMIT.credit, this.#credit + refill);
    this.#creditAt = now;
    demand(this.#credit >= 1, 'limit_exceeded', 'quiet traffic');
    this.#credit -= 1;
  }

  #refill(): void {
    this.rekey.noteData();
    this.#credit = LIMIT.credit;
    this.#creditAt = this.#core.now();
  }
}
