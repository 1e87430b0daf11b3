import { toHex, utf8, Writer, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Crypto, RunningHash, VerifyingKey } from '../engines/contract.ts';
import type { ChannelPeer, Effect, Established } from './effects.ts';
import type { RootSecret } from './key-schedule.ts';
import type { Message } from './messages/message.ts';
import type { PresentedCredential } from './messages/certificate.ts';
import type { Entropy, OwnCredential } from './settings.ts';

/** What both sides of a rekey share: docs/PROTOCOL.md §9. */

/** Shares and answers of this many exchanges are remembered; a repetition among them is fatal. */
const REMEMBERED_SHARES = 512;

export interface RekeySettings {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly leafKey: (leaf: Bytes) => VerifyingKey;
  /** What this side presents now; undefined for a client that was anonymous. */
  readonly credential: OwnCredential | undefined;
  readonly isOwnLeafAllowed: boolean;
  readonly isStapleRequired: boolean;
}

/** The facts of the channel at the moment a rekey begins. */
export interface RekeyContext {
  readonly settings: RekeySettings;
  readonly established: Established;
  readonly peer: ChannelPeer;
  readonly generation: number;
  readonly root: RootSecret;
  readonly shares: ShareMemory;
}

/** One state of a rekey; `undefined` as next state means that it is over. */
export interface RekeyState extends Disposable {
  readonly name: 'C wait response' | 'C judge server' | 'C wait done' | 'S wait finish' | 'S judge client';
  receive(message: Message): RekeyStep;
  judged(peer: ChannelPeer): RekeyStep;
}

export interface RekeyStep {
  readonly next: RekeyState | undefined;
  readonly effects: readonly Effect[];
}

export class ShareMemory {
  readonly #seen = new Set<string>();

  constructor(shares: readonly Bytes[]) {
    for (const share of shares) this.requireNew(share);
  }

  /** Throws `rekey_invalid` for a share or answer that was seen before on the channel. */
  requireNew(share: Bytes): void {
    const tail = toHex(share.subarray(share.length - 32));
    if (this.#seen.has(tail)) throw new XpsError('rekey_invalid', { detail: 'a key share came twice' });
    this.#seen.add(tail);
    if (this.#seen.size > REMEMBERED_SHARES) {
      const oldest = this.#seen.values().next().value;
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
  }
}

/** T0 ‖ RekeyRequest, §9.3. */
export function rekeyTranscript(context: RekeyContext, request: Message): RunningHash {
  const hash = context.settings.crypto.hash.running('sha384');
  hash.update(
    new Writer()
      .bytes(utf8('XPSC rekey'))
      .bytes(context.established.channelId)
      .u32(context.generation)
      .bytes(context.root.rekeyBinding())
      .finish(),
  );
  hash.update(request.whole);
  return hash;
}

/** H(transcript ‖ type ‖ part of a body), without changing the transcript. */
export function boundHash(transcript: RunningHash, type: number, part: Bytes): Uint8Array<ArrayBuffer> {
  const branch = transcript.copy();
  branch.update(Uint8Array.of(type));
  branch.update(part);
  return branch.digest();
}

export function requireGeneration(found: number, context: RekeyContext): void {
  if (found !== context.generation) {
    throw new XpsError('rekey_invalid', { detail: `generation ${found}, expected ${context.generation}` });
  }
}

/** The leaf of what the peer presents now, after the checks that need no path (docs/PROTOCOL.md §6.5). */
export function requirePresentable(context: RekeyContext, presented: PresentedCredential): Bytes {
  const { settings } = context;
  const leaf = presented.chain[0];
  if (leaf === undefined) throw new XpsError('rekey_invalid', { detail: 'the peer presents no certificate any more' });
  const ownLeaf = settings.credential?.presented.chain[0];
  if (!settings.isOwnLeafAllowed && ownLeaf !== undefined && Buffer.compare(leaf, ownLeaf) === 0) {
    throw new XpsError('own_certificate');
  }
  if (settings.isStapleRequired && presented.staple.length === 0) throw new XpsError('staple_required');
  return leaf;
}

export function install(
  context: RekeyContext,
  root: RootSecret,
  direction: 'send' | 'receive',
  when: 'now' | 'on-epoch',
): Effect {
  const { side, suite, recordLimit } = context.established;
  const isClientSending = (side === 'client') === (direction === 'send');
  return {
    kind: 'install', direction, when, suite, recordLimit,
    epoch: context.generation,
    keys: root.traffic(isClientSending ? 'client' : 'server'),
  };
}
