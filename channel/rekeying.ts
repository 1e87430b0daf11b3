import { XpsError } from '../base/errors.ts';
import type { ChannelPeer, Established, Rekeyed } from '../handshake/effects.ts';
import type { RootSecret, Side, TrafficKeys } from '../handshake/key-schedule.ts';
import { MESSAGE } from '../handshake/codepoints.ts';
import { decodeGeneration, encodeGeneration } from '../handshake/messages/bare.ts';
import type { PresentedCredential } from '../handshake/messages/certificate.ts';
import type { Message } from '../handshake/messages/message.ts';
import type { Usage } from './hand-off.ts';
import { ShareMemory, type RekeyContext, type RekeySettings, type RekeyState, type RekeyStep } from '../handshake/rekey.ts';
import { startClientRekey } from '../handshake/rekey-client.ts';
import { answerRekey } from '../handshake/rekey-server.ts';
import { RekeySchedule, type RekeyLimits, type RekeyTrigger } from './rekey-schedule.ts';

/** docs/PROTOCOL.md §9.5: after RekeyDone, with and without data since. */
const CLIENT_GAP_MS = 20;
const CLIENT_QUIET_GAP_MS = 1000;
const SERVER_GAP_MS = 10;

/** The generations of one channel: when the next one is due, and the exchange that makes it (docs/PROTOCOL.md §9). */
export class Rekeying implements Disposable {
  readonly #established: Established;
  readonly #settings: () => RekeySettings;
  readonly #schedule: RekeySchedule;
  readonly #shares: ShareMemory;
  #generation = 1;
  #root: RootSecret;
  #peer: ChannelPeer;
  #peerCredential: PresentedCredential | undefined;
  #state: RekeyState | undefined;
  #trigger: RekeyTrigger | 'peer' = 'peer';
  #startedAtMs = 0;
  #finishedAtMs = Number.NEGATIVE_INFINITY;
  /** S has sent a RekeyWish, C has received one. */
  #hasWished = false;
  #isWished = false;
  #hasCarriedData = false;

  constructor(established: Established, limits: RekeyLimits, settings: () => RekeySettings, nowMs: number) {
    this.#established = established;
    this.#settings = settings;
    this.#schedule = new RekeySchedule(limits, nowMs);
    this.#shares = new ShareMemory(established.shares);
    this.#root = established.root;
    this.#peer = established.peer;
    this.#peerCredential = established.peerCredential;
  }

  get generation(): number {
    return this.#generation;
  }

  get peer(): ChannelPeer {
    return this.#peer;
  }

  get peerCredential(): PresentedCredential | undefined {
    return this.#peerCredential;
  }

  get isUnderWay(): boolean {
    return this.#state !== undefined;
  }

  /** A rekey is under way or asked for: the channel has to be read even if the application is not. */
  get needsPeer(): boolean {
    return this.#state !== undefined || this.#hasWished;
  }

  /** What C waits for after RekeyFinish: its first message of the new epoch. */
  get isDoneAwaited(): boolean {
    return this.#state?.name === 'C wait done';
  }

  get limits(): RekeyLimits {
    return this.#schedule.limits;
  }

  /** The keys of the present generation once more, for a hand-off; not while a rekey is under way. */
  trafficKeys(direction: 'send' | 'receive'): TrafficKeys {
    const isClientSending = (this.#side === 'client') === (direction === 'send');
    return this.#root.traffic(isClientSending ? 'client' : 'server');
  }

  demand(): void {
    this.#schedule.demand();
  }

  /** A DATA record was sent or received: it fills the peer's credit for control messages (§7.2), so the next rekey may come sooner. */
  carriedData(): void {
    this.#hasCarriedData = true;
  }

  /** The first step of this side if a limit was reached: a RekeyRequest of C, a RekeyWish of S. */
  start(sent: Usage, received: Usage, nowMs: number): RekeyStep | undefined {
    const trigger = this.#schedule.isDue(sent, received, nowMs);
    if (trigger === undefined || this.#state !== undefined || this.#hasWished) return undefined;
    if (this.#side === 'server') return this.#wish(trigger);
    if (this.#isTooSoon(nowMs)) return undefined;
    return this.#request(this.#isWished ? 'peer' : trigger, nowMs);
  }

  receive(message: Message, nowMs: number): RekeyStep | undefined {
    if (message.type === MESSAGE.rekeyWish) return this.#receiveWish(message, nowMs);
    if (message.type === MESSAGE.rekeyRequest) return this.#answer(message, nowMs);
    if (this.#state === undefined) throw new XpsError('rekey_invalid', { detail: 'no rekey is under way' });
    return this.#advance(this.#state.receive(message));
  }

  judged(peer: ChannelPeer): RekeyStep {
    if (this.#state === undefined) throw new XpsError('internal_error', { detail: 'a verdict without a rekey' });
    return this.#advance(this.#state.judged(peer));
  }

  /** Adopts the new generation; returns what had set it off. */
  finish(rekeyed: Rekeyed, nowMs: number): RekeyTrigger | 'peer' {
    this.#root[Symbol.dispose]();
    this.#root = rekeyed.root;
    this.#generation = rekeyed.generation;
    this.#peer = rekeyed.peer;
    this.#peerCredential = rekeyed.peerCredential;
    this.#hasWished = false;
    this.#isWished = false;
    this.#hasCarriedData = false;
    this.#finishedAtMs = nowMs;
    this.#schedule.installed(nowMs);
    const trigger = this.#trigger;
    this.#trigger = 'peer';
    return trigger;
  }

  /** Throws `rekey_overdue`. */
  requireInTime(nowMs: number): void {
    const { deadlineMs } = this.#schedule.limits;
    if (this.#state !== undefined && nowMs - this.#startedAtMs > deadlineMs) {
      throw new XpsError('rekey_overdue', { detail: `generation ${this.#generation + 1} in state "${this.#state.name}"` });
    }
    if (this.#schedule.isOverdue(nowMs)) {
      throw new XpsError('rekey_overdue', { detail: `generation ${this.#generation + 1} has been due for too long` });
    }
  }

  [Symbol.dispose](): void {
    this.#state?.[Symbol.dispose]();
    this.#state = undefined;
    this.#root[Symbol.dispose]();
  }

  get #side(): Side {
    return this.#established.side;
  }

  #wish(trigger: RekeyTrigger): RekeyStep {
    this.#trigger = trigger;
    this.#hasWished = true;
    const message = encodeGeneration(MESSAGE.rekeyWish, this.#generation + 1);
    return { next: undefined, effects: [{ kind: 'send', message, isPlain: false }] };
  }

  #request(trigger: RekeyTrigger | 'peer', nowMs: number): RekeyStep {
    this.#trigger = trigger;
    this.#startedAtMs = nowMs;
    return this.#advance(startClientRekey(this.#context()));
  }

  /** docs/PROTOCOL.md §9.2: a wish that crossed our own request, or a finished rekey, means nothing. */
  #receiveWish(message: Message, nowMs: number): RekeyStep | undefined {
    const wished = decodeGeneration(message.body, 'RekeyWish');
    if (this.#side === 'server') throw new XpsError('unexpected_message', { detail: 'RekeyWish from a client' });
    const next = this.#generation + 1;
    if (wished > next) throw new XpsError('rekey_invalid', { detail: `RekeyWish for generation ${wished}, the next is ${next}` });
    if (wished < next || this.#state !== undefined) return undefined;
    // Within the gap the request follows with the next look at the schedule.
    this.#schedule.demand();
    this.#isWished = true;
    return this.#isTooSoon(nowMs) ? undefined : this.#request('peer', nowMs);
  }

  #isTooSoon(nowMs: number): boolean {
    return nowMs < this.#finishedAtMs + (this.#hasCarriedData ? CLIENT_GAP_MS : CLIENT_QUIET_GAP_MS);
  }

  #answer(message: Message, nowMs: number): RekeyStep {
    if (this.#side === 'client') throw new XpsError('unexpected_message', { detail: 'RekeyRequest from a server' });
    if (this.#state !== undefined) throw new XpsError('rekey_invalid', { detail: 'a second request during a rekey' });
    if (nowMs < this.#finishedAtMs + SERVER_GAP_MS) throw new XpsError('rekey_invalid', { detail: 'too soon after the last rekey' });
    this.#startedAtMs = nowMs;
    return this.#advance(answerRekey(this.#context(), message));
  }

  #advance(step: RekeyStep): RekeyStep {
    this.#state = step.next;
    return step;
  }

  #context(): RekeyContext {
    const settings = this.#settings();
    const isBare = this.#established.ownCredential === undefined;
    return {
      settings: isBare ? { ...settings, credential: undefined } : settings,
      established: this.#established,
      peer: this.#peer,
      generation: this.#generation + 1,
      root: this.#root,
      shares: this.#shares,
    };
  }
}
