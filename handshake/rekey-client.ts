import { XpsError } from '../base/errors.ts';
import type { KeyShare, RunningHash } from '../engines/contract.ts';
import { AuthorisedPeer } from '../certs/authorisation.ts';
import { signTranscript } from './client-authentication.ts';
import { MESSAGE } from './codepoints.ts';
import type { ChannelPeer } from './effects.ts';
import type { RootSecret } from './key-schedule.ts';
import { decodeGeneration } from './messages/bare.ts';
import { ANONYMOUS, type PresentedCredential } from './messages/certificate.ts';
import type { Message } from './messages/message.ts';
import {
  decodeRekeyResponse,
  encodeRekeyFinish,
  encodeRekeyRequest,
  finishBoundPart,
  finishSignedPart,
} from './messages/rekey.ts';
import { proveSignature } from './proofs.ts';
import {
  boundHash,
  install,
  rekeyTranscript,
  requireGeneration,
  requirePresentable,
  type RekeyContext,
  type RekeyState,
  type RekeyStep,
} from './rekey.ts';
import type { Secret } from '../base/secret.ts';

const NO_SIGNATURE = { scheme: 0, signature: new Uint8Array(0) };

/** C asks for fresh keys: docs/PROTOCOL.md §9.2. */
export function startClientRekey(context: RekeyContext): RekeyStep {
  const { settings, established, generation } = context;
  const share = settings.crypto.keyExchange.initiate(established.suite.group, settings.entropy.shareSeed);
  context.shares.requireNew(share.share);
  const message = encodeRekeyRequest({ generation, group: established.suite.group, share: share.share });
  const transcript = rekeyTranscript(context, message);
  return { next: new WaitResponse(context, share, transcript), effects: [{ kind: 'send', message, isPlain: false }] };
}

class WaitResponse implements RekeyState {
  readonly name = 'C wait response';
  readonly #context: RekeyContext;
  readonly #share: KeyShare;
  readonly #transcript: RunningHash;

  constructor(context: RekeyContext, share: KeyShare, transcript: RunningHash) {
    this.#context = context;
    this.#share = share;
    this.#transcript = transcript;
  }

  receive(message: Message): RekeyStep {
    if (message.type !== MESSAGE.rekeyResponse) throw outOfOrder(this.name);
    const { settings, established, shares } = this.#context;
    const response = decodeRekeyResponse(message.body, established.suite.group);
    requireGeneration(response.generation, this.#context);
    shares.requireNew(response.answer);
    const leaf = requirePresentable(this.#context, response.credential);
    const signed = boundHash(this.#transcript, MESSAGE.rekeyResponse, response.signedPart);
    proveSignature(
      settings.crypto, 'rekey-server', established.ownSchemes, leaf, settings.leafKey(leaf), response.verify, signed,
    );
    const shared = this.#share.complete(established.suite.group, response.answer);
    this.#transcript.update(message.whole);
    const next = new JudgeServer(this.#context, this.#transcript, shared, response.credential);
    const evidence = { side: 'server', credential: response.credential, occasion: 'rekey' } as const;
    return { next, effects: [{ kind: 'judge', evidence }] };
  }

  judged(): RekeyStep {
    throw outOfOrder(this.name);
  }

  [Symbol.dispose](): void {
    this.#share[Symbol.dispose]();
  }
}

class JudgeServer implements RekeyState {
  readonly name = 'C judge server';
  readonly #context: RekeyContext;
  readonly #transcript: RunningHash;
  readonly #shared: Secret;
  readonly #server: PresentedCredential;

  constructor(context: RekeyContext, transcript: RunningHash, shared: Secret, server: PresentedCredential) {
    this.#context = context;
    this.#transcript = transcript;
    this.#shared = shared;
    this.#server = server;
  }

  receive(): RekeyStep {
    throw outOfOrder(this.name);
  }

  judged(peer: ChannelPeer): RekeyStep {
    requireSameIdentity(this.#context.peer, peer);
    const { settings, established, generation, root } = this.#context;
    const { credential } = settings;
    const signedPart = finishSignedPart(generation, credential?.presented ?? ANONYMOUS);
    const verify =
      credential === undefined
        ? NO_SIGNATURE
        : signTranscript(
            credential, established.peerSchemes, 'rekey-client',
            boundHash(this.#transcript, MESSAGE.rekeyFinish, signedPart),
          );
    const boundPart = finishBoundPart(signedPart, verify);
    const nextRoot = root.next(this.#shared, boundHash(this.#transcript, MESSAGE.rekeyFinish, boundPart));
    const message = encodeRekeyFinish(boundPart, nextRoot.rekeyVerifyData());
    return {
      next: new WaitDone(this.#context, nextRoot, peer, this.#server),
      effects: [
        { kind: 'send', message, isPlain: false },
        install(this.#context, nextRoot, 'send', 'now'),
        install(this.#context, nextRoot, 'receive', 'on-epoch'),
      ],
    };
  }

  [Symbol.dispose](): void {
    this.#shared[Symbol.dispose]();
  }
}

class WaitDone implements RekeyState {
  readonly name = 'C wait done';
  readonly #context: RekeyContext;
  readonly #root: RootSecret;
  readonly #peer: ChannelPeer;
  readonly #server: PresentedCredential;

  constructor(context: RekeyContext, root: RootSecret, peer: ChannelPeer, server: PresentedCredential) {
    this.#context = context;
    this.#root = root;
    this.#peer = peer;
    this.#server = server;
  }

  receive(message: Message): RekeyStep {
    if (message.type !== MESSAGE.rekeyDone) throw outOfOrder(this.name);
    requireGeneration(decodeGeneration(message.body, 'RekeyDone'), this.#context);
    const result = {
      generation: this.#context.generation, root: this.#root, peer: this.#peer, peerCredential: this.#server,
    };
    return { next: undefined, effects: [{ kind: 'rekeyed', result }] };
  }

  judged(): RekeyStep {
    throw outOfOrder(this.name);
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }
}

function outOfOrder(state: string): XpsError {
  return new XpsError('rekey_invalid', { detail: `out of order in state "${state}"` });
}

/** docs/PROTOCOL.md §9.2: somebody else cannot take a channel over, even with a permitted certificate. */
export function requireSameIdentity(before: ChannelPeer, now: ChannelPeer): void {
  const isAuthenticated = before instanceof AuthorisedPeer && now instanceof AuthorisedPeer;
  if (!isAuthenticated || !now.continues(before)) throw new XpsError('identity_changed');
}
