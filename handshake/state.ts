import { XpsError } from '../base/errors.ts';
import type { ChannelPeer, Effect } from './effects.ts';
import type { StateName } from './flow.ts';
import type { Message } from './messages/message.ts';

/** What follows from one message or verdict: the next state, and what is to be done, in order. */
export interface Step {
  readonly next: HandshakeState;
  readonly effects: readonly Effect[];
}

/** One awaited message: holds only what is valid at that moment. Disposing wipes its secrets. */
export interface HandshakeState extends Disposable {
  readonly name: StateName;
  /** S: a hello has passed the gate, so the peer is no stranger and may be answered (docs/PROTOCOL.md §6.2). */
  readonly isGatePassed: boolean;
  /** `flow.ts` has already permitted the message. */
  receive(message: Message): Step;
  /** Only in a "judge" state: the peer's chain was accepted and it may be here. */
  judged(peer: ChannelPeer): Step;
}

/** States wait for one kind of input; the other kind is a programming error. */
export abstract class WaitState implements HandshakeState {
  abstract readonly name: StateName;
  abstract receive(message: Message): Step;

  get isGatePassed(): boolean {
    return true;
  }

  judged(): Step {
    throw new XpsError('internal_error', { detail: `a verdict in state "${this.name}"` });
  }

  [Symbol.dispose](): void {}
}

export abstract class JudgeState implements HandshakeState {
  abstract readonly name: StateName;
  readonly isGatePassed = true;
  abstract judged(peer: ChannelPeer): Step;

  receive(): Step {
    throw new XpsError('internal_error', { detail: `a message in state "${this.name}"` });
  }

  [Symbol.dispose](): void {}
}

export class EstablishedState implements HandshakeState {
  readonly name = 'established';
  readonly isGatePassed = true;

  receive(): Step {
    throw new XpsError('internal_error', { detail: 'a handshake message after the end' });
  }

  judged(): Step {
    throw new XpsError('internal_error', { detail: 'a verdict after the end' });
  }

  [Symbol.dispose](): void {}
}
