/**
 * A second implementation of docs/PROTOCOL.md, written from that document alone: slow, obvious and
 * strict, for tests and vectors only. It keeps every secret, so it must never carry real traffic.
 */
import { LEGAL, mayFailureCome } from './legal.ts';
import { ClientHandshake } from './client.ts';
import { Core, type LoggedMessage, type Negotiated } from './core.ts';
import { decodeEmpty } from './fields.ts';
import type { ReferenceCredential, ReferenceEvent, ReferenceOptions } from './options.ts';
import type { IncomingMessage, IncomingRecord, Lane } from './records.ts';
import { ServerHandshake } from './server.ts';
import { Traffic } from './traffic.ts';
import { allowed, demand, LIMIT, ReferenceError, TYPE, type Bytes } from './vocabulary.ts';

export type { ReferenceCredential, ReferenceEvent, ReferenceOptions, ReferenceTicket } from './options.ts';
export { ReferenceError, UsageError, TYPE, MESSAGES, LIMIT } from './vocabulary.ts';

export class ReferencePeer {
  readonly #core: Core;
  readonly #handshake: ClientHandshake | ServerHandshake;
  #traffic: Traffic | undefined;
  #startedAt: number;
  #hasStarted: boolean;

  constructor(options: ReferenceOptions) {
    const isClient = options.role === 'client';
    this.#core = new Core(options, isClient ? 'C wait hello' : 'S wait hello');
    this.#handshake = isClient ? new ClientHandshake(this.#core) : new ServerHandshake(this.#core);
    this.#startedAt = this.#core.now();
    this.#hasStarted = !isClient;
  }

  get state(): string {
    return this.#core.state;
  }

  get events(): ReferenceEvent[] {
    return this.#core.events;
  }

  get secrets(): Record<string, string> {
    return this.#core.secrets;
  }

  /** The messages of §5.3. */
  get transcript(): { type: number; bytes: string }[] {
    return this.#core.transcript;
  }

  /** Every message that was sent or received, in order. */
  get log(): readonly LoggedMessage[] {
    return this.#core.log;
  }

  // The transport

  /** The client writes its hello. */
  start(): void {
    allowed(this.#handshake instanceof ClientHandshake && !this.#hasStarted, 'a client starts once');
    this.#hasStarted = true;
    this.#startedAt = this.#core.now();
    this.#handshake.start();
  }

  /** Takes bytes in any chunks. Throws a ReferenceError once, when the channel fails; a dead peer ignores bytes. */
  receive(bytes: Uint8Array): void {
    if (this.#core.isDead) return;
    allowed(this.#hasStarted, 'start the client first');
    this.#guarded(() => {
      for (const item of this.#core.inbox.receive(bytes)) {
        this.#dispatch(item);
        if (this.#core.isDead) return;
      }
    });
  }

  /** The transport ended. Without Close this is a truncation (§8.7). */
  transportEnded(): void {
    if (this.#core.isDead) return;
    this.#core.events.push({ type: 'failure', from: 'self', reason: 'truncated' });
    this.#core.end('failed');
    throw new ReferenceError('truncated');
  }

  /** Lets time act: deadlines, and a wished rekey whose gap is over. */
  tick(): void {
    if (this.#core.isDead) return;
    this.#guarded(() => {
      if (this.#core.state === 'established') return this.#traffic?.tick();
      const age = this.#core.now() - this.#startedAt;
      demand(this.#core.state !== 'S wait hello' || age <= LIMIT.helloMs, 'hello_deadline');
      demand(age <= LIMIT.handshakeMs, 'handshake_deadline');
    });
  }

  takeOutput(): Uint8Array {
    return this.#core.outbox.take();
  }

  // The channel

  open(kind = 0, destination = ''): void {
    this.#sending((traffic) => traffic.streams.open(kind, destination), 'early');
  }

  sendData(bytes: Uint8Array): void {
    this.#sending((traffic) => traffic.sendData(bytes), 'early');
  }

  end(): void {
    this.#sending((traffic) => traffic.streams.end(), 'early');
  }

  reset(reason: number): void {
    this.#sending((traffic) => traffic.streams.reset(reason));
  }

  startRekey(): void {
    this.#sending((traffic) => traffic.rekey.start());
  }

  wishRekey(): void {
    this.#sending((traffic) => traffic.rekey.wish());
  }

  ping(bytes: Uint8Array): void {
    this.#sending((traffic) => traffic.ping(bytes));
  }

  sendTicket(lifetime: number): void {
    this.#sending((traffic) => traffic.sendTicket(lifetime));
  }

  retire(): void {
    this.#sending((traffic) => traffic.streams.retire());
  }

  close(): void {
    this.#sending((traffic) => traffic.streams.close());
  }

  /** Final, like a failure (§11.3). */
  alert(code: number): void {
    this.#sending(() => {
      this.#core.sendAlert(code);
      this.#core.end('failed');
    });
  }

  /** Rekeys present this credential from now on. */
  useCredential(credential: ReferenceCredential): void {
    this.#core.credential = credential;
  }

  exportSecret(label: string, context: Uint8Array, length: number): Uint8Array {
    allowed(this.#traffic !== undefined && this.#core.state === 'established', 'the channel is not established');
    return this.#traffic.exportSecret(label, context, length);
  }

  // Hostile tests

  /** Sends any message under the present keys, whatever the state says. */
  sendRawMessage(type: number, body: Uint8Array): void {
    this.#core.send(type, body);
  }

  /** Seals one record of any content under the present keys. */
  sendRawRecord(contentType: number, content: Uint8Array, padding?: number): void {
    this.#core.outbox.record(contentType, content, this.#core.outbox.lane, false, padding);
  }

  /** Puts bytes on the transport as they are. */
  sendRawBytes(bytes: Uint8Array): void {
    this.#core.outbox.raw(bytes);
  }

  /** The present sending keys, with the next sequence number. */
  get sendingLane(): Lane | undefined {
    return this.#core.outbox.lane;
  }

  // Inside

  #dispatch(item: IncomingMessage | IncomingRecord): void {
    if (item.kind === 'message') this.#core.logMessage(this.#core.role === 'client' ? 'server' : 'client', item.whole);
    if (this.#core.state === 'established') {
      (this.#traffic as Traffic).receive(item);
      return;
    }
    demand(item.kind === 'message', 'message_unexpected', 'data before the handshake is over');
    if (item.type === TYPE.Failure) {
      this.#onFailure(item);
      return;
    }
    const legal = LEGAL[this.#core.state] ?? [];
    const isLegal = legal.some(([type, epoch]) => type === item.type && epoch === item.epoch);
    demand(isLegal, 'message_unexpected', `type ${item.type} in ${this.#core.state}`);
    this.#enter(this.#handshake.receive(item));
  }

  #enter(negotiated: Negotiated | undefined): void {
    if (negotiated !== undefined) this.#traffic = new Traffic(this.#core, negotiated);
    if (this.#core.state === 'established') this.#traffic?.announce();
  }

  #onFailure({ body, epoch }: IncomingMessage): void {
    demand(mayFailureCome(epoch), 'message_unexpected', 'Failure');
    decodeEmpty(body);
    this.#core.events.push({ type: 'failure', from: 'peer', reason: 'failure_received' });
    this.#core.end('failed');
  }

  #sending(act: (traffic: Traffic) => void, when?: 'early'): void {
    const traffic = this.#traffic;
    const isReady = this.#core.state === 'established' || (when === 'early' && this.#core.state === 'C wait confirm');
    allowed(traffic !== undefined && isReady, 'the channel is not established');
    allowed(!this.#core.hasSentClose, 'the channel is closing');
    this.#guarded(() => act(traffic));
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === 'UsageError') throw thrown;
      throw this.#core.fail(thrown);
    }
  }
}

export type { Bytes };
