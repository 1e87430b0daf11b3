import { concat, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';
import type { Effect } from '../handshake/effects.ts';
import type { Protection } from '../handshake/flow.ts';
import { parseMessage, type Message } from '../handshake/messages/message.ts';
import { Deframer, type RawRecord } from '../record/deframer.ts';
import { CONTENT_DATA, CONTENT_MESSAGE, HANDSHAKE_CONTENT_LIMIT, HARD_RECORD_LIMIT } from '../record/limits.ts';
import { RecordOpener } from '../record/opener.ts';
import { plainRecord, RecordSealer } from '../record/sealer.ts';
import type { Carrier, Usage } from './hand-off.ts';
import { fragments, MessageAssembler, requireLength } from './message-assembler.ts';

/** What a record, or the last of several, brought. */
export type Incoming =
  | { readonly kind: 'message'; readonly message: Message; readonly protection: Protection }
  | { readonly kind: 'data'; readonly content: Bytes; readonly protection: Protection };

type Install = Extract<Effect, { readonly kind: 'install' }>;

/** Numbers kept back for a last Alert when a key is used up. */
const RESERVED_RECORDS = 8;
const NO_USAGE: Usage = { records: 0, bytes: 0 };

/**
 * Both directions of records with the keys that are in force: cuts, opens and puts together what
 * comes; divides, seals and queues what goes. Knows epochs, but no rule about which message is legal.
 */
export class Wire implements Disposable {
  readonly #crypto: Crypto;
  readonly #deframer = new Deframer(HANDSHAKE_CONTENT_LIMIT);
  readonly #assembler = new MessageAssembler();
  #opener: RecordOpener | undefined;
  #nextOpener: RecordOpener | undefined;
  #sealer: RecordSealer | undefined;
  #output: Bytes[] = [];
  #pulledBytes = 0;
  /** Since a hand-off: it seals and opens, and nothing comes through `append` and `next` any more. */
  #carrier: Carrier | undefined;
  #carriedEpochs = { send: 0, receive: 0 };

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** Bytes that came and were not taken with `next` yet. */
  get bufferedBytes(): number {
    return this.#deframer.bufferedBytes;
  }

  /** Bytes of all records that `next` took. */
  get pulledBytes(): number {
    return this.#pulledBytes;
  }

  get hasOutput(): boolean {
    return this.#output.length > 0;
  }

  get isInsideMessage(): boolean {
    return this.#assembler.isInside;
  }

  /** What the present sending key has carried. */
  get sent(): Usage {
    return this.#carrier?.sent(this.#carriedEpochs.send) ?? this.#sealer ?? NO_USAGE;
  }

  get received(): Usage {
    return this.#carrier?.received(this.#carriedEpochs.receive) ?? this.#opener ?? NO_USAGE;
  }

  /** Which engine or kernel seals, for operators. */
  get provider(): string {
    return this.#carrier?.provider ?? this.#sealer?.provider ?? 'none';
  }

  /** Takes ownership of `segment`: records are opened in place. */
  append(segment: Bytes): void {
    this.#deframer.append(segment);
  }

  /** Everything that waits to be sent; the caller owns it. */
  takeOutput(): Bytes[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** The next message or piece of data, or undefined until more bytes were appended. */
  next(): Incoming | undefined {
    for (;;) {
      const record = this.#deframer.next();
      if (record === undefined) return undefined;
      this.#pulledBytes += record.whole.length;
      const incoming = record.header.isProtected ? this.#open(record) : this.#plain(record);
      if (incoming !== undefined) return incoming;
    }
  }

  install(effect: Install): void {
    const { keys, suite, epoch } = effect;
    if (this.#carrier !== undefined) {
      this.#carrier.install(effect.direction, epoch, keys, effect.when);
      this.#carriedEpochs[effect.direction] = epoch;
      keys.key[Symbol.dispose]();
      keys.iv[Symbol.dispose]();
      return;
    }
    const cipher = this.#crypto.aead(suite.aead, keys.key.reveal());
    const contentLimit = epoch === 0 ? HANDSHAKE_CONTENT_LIMIT : effect.recordLimit;
    const recordKeys = { epoch, cipher, iv: keys.iv.reveal(), contentLimit };
    if (effect.direction === 'send') this.#useSealer(new RecordSealer(recordKeys));
    else this.#useOpener(new RecordOpener(recordKeys), effect.when);
    keys.key[Symbol.dispose]();
    keys.iv[Symbol.dispose]();
  }

  /** Whether a carrier could go on exactly where this is: between two records, and between two messages. */
  get canHandOff(): boolean {
    return this.#carrier === undefined && this.#nextOpener === undefined && !this.#assembler.isInside;
  }

  /**
   * From now on `carrier` seals and opens. Returns what it has to begin with: the bytes that were not taken, the records that
   * were not sent, and how far the keys are used.
   */
  handOff(carrier: Carrier): { readonly unread: Bytes; readonly unsent: Bytes; readonly sent: Usage; readonly received: Usage } {
    const sealer = this.#requireSealer();
    const sent = { records: sealer.records, bytes: sealer.bytes };
    const received = { records: this.#opener?.records ?? 0, bytes: this.#opener?.bytes ?? 0 };
    const handed = { sent, received, unread: concat(this.#deframer.takeRest()), unsent: concat(this.takeOutput()) };
    this.#carriedEpochs = { send: sealer.epoch, receive: this.#opener?.epoch ?? sealer.epoch };
    this[Symbol.dispose]();
    this.#carrier = carrier;
    return handed;
  }

  /** Since a hand-off: what was asked of the carrier is done in one piece. */
  flush(): void {
    this.#carrier?.flush();
  }

  sendPlain(message: Message): void {
    this.#output.push(plainRecord(message.whole));
  }

  send(message: Message): void {
    if (this.#carrier !== undefined) return this.#carrier.seal(message.whole);
    this.#sealMessage(this.#requireSealer(), message);
  }

  /** Failure of a handshake: protected as soon as there are keys (docs/PROTOCOL.md §11.1). */
  sendFailure(message: Message): void {
    if (this.#sealer === undefined) this.sendPlain(message);
    else this.send(message);
  }

  /** `content` of any length; throws `key_exhausted` before the last numbers of a key are used. */
  sendData(content: Bytes): void {
    const sealer = this.#requireSealer();
    for (let at = 0; at < content.length; at += sealer.contentLimit) {
      if (sealer.records >= HARD_RECORD_LIMIT - RESERVED_RECORDS) throw new XpsError('key_exhausted');
      this.#output.push(sealer.seal(CONTENT_DATA, content.subarray(at, at + sealer.contentLimit)));
    }
  }

  /** Wipes every key. What is queued stays queued. */
  [Symbol.dispose](): void {
    this.#carrier?.kill();
    for (const keys of [this.#opener, this.#nextOpener, this.#sealer]) keys?.[Symbol.dispose]();
    this.#opener = undefined;
    this.#nextOpener = undefined;
    this.#sealer = undefined;
    this.#deframer.takeRest();
  }

  #plain(record: RawRecord): Incoming {
    if (this.#assembler.isInside) throw new XpsError('malformed', { detail: 'a plain record within a message' });
    const message = parseMessage(record.whole.subarray(record.whole.length - record.header.length));
    requireLength(message.type, message.body.length);
    return { kind: 'message', message, protection: 'plain' };
  }

  #open(record: RawRecord): Incoming | undefined {
    const opener = this.#openerFor(record.header.epoch);
    const { type, content, isPadded } = opener.open(record);
    if (type === CONTENT_MESSAGE) {
      const message = this.#assembler.accept(content, isPadded, opener.contentLimit);
      return message === undefined ? undefined : { kind: 'message', message, protection: opener.epoch };
    }
    if (this.#assembler.isInside) throw new XpsError('malformed', { detail: 'data within a message' });
    return { kind: 'data', content, protection: opener.epoch };
  }

  /** docs/PROTOCOL.md §9.6: the first record of a new epoch ends the old one. */
  #openerFor(epoch: number): RecordOpener {
    const next = this.#nextOpener;
    if (next !== undefined && epoch === (next.epoch & 0xffff)) {
      this.#requireBetweenMessages();
      this.#opener?.[Symbol.dispose]();
      this.#opener = next;
      this.#nextOpener = undefined;
      this.#deframer.contentLimit = next.contentLimit;
    }
    if (this.#opener === undefined) throw new XpsError('epoch_unexpected', { detail: 'a protected record before there are keys' });
    return this.#opener;
  }

  #useOpener(opener: RecordOpener, when: Install['when']): void {
    if (when === 'on-epoch') {
      this.#nextOpener = opener;
      this.#deframer.contentLimit = Math.max(opener.contentLimit, this.#deframer.contentLimit);
      return;
    }
    this.#requireBetweenMessages();
    this.#opener?.[Symbol.dispose]();
    this.#opener = opener;
    this.#deframer.contentLimit = opener.contentLimit;
  }

  #useSealer(sealer: RecordSealer): void {
    this.#sealer?.[Symbol.dispose]();
    this.#sealer = sealer;
  }

  #requireBetweenMessages(): void {
    if (this.#assembler.isInside) throw new XpsError('malformed', { detail: 'the epoch changes within a message' });
  }

  #requireSealer(): RecordSealer {
    if (this.#sealer === undefined) throw new XpsError('internal_error', { detail: 'no keys for sending' });
    return this.#sealer;
  }

  #sealMessage(sealer: RecordSealer, message: Message): void {
    for (const piece of fragments(message.whole, sealer.contentLimit)) {
      this.#output.push(sealer.seal(CONTENT_MESSAGE, piece));
    }
  }
}
