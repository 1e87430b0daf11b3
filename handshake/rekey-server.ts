import { XpsError } from '../base/errors.ts';
import type { RunningHash } from '../engines/contract.ts';
import { signTranscript } from './client-authentication.ts';
import { MESSAGE } from './codepoints.ts';
import { AnonymousPeer, type ChannelPeer } from './effects.ts';
import type { Secret } from '../base/secret.ts';
import type { RootSecret } from './key-schedule.ts';
import { encodeGeneration } from './messages/bare.ts';
import type { PresentedCredential } from './messages/certificate.ts';
import type { Message } from './messages/message.ts';
import { decodeRekeyFinish, decodeRekeyRequest, encodeRekeyResponse, responseSignedPart, type RekeyFinish } from './messages/rekey.ts';
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
import { requireSameIdentity } from './rekey-client.ts';

/** S answers a request: docs/PROTOCOL.md §9.2. */
export function answerRekey(context: RekeyContext, message: Message): RekeyStep {
  const { settings, established, generation, shares } = context;
  const { credential } = settings;
  if (credential === undefined) throw new XpsError('internal_error', { detail: 'a server without a credential' });
  const request = decodeRekeyRequest(message.body);
  requireGeneration(request.generation, context);
  if (request.group !== established.suite.group) {
    throw new XpsError('rekey_invalid', { detail: 'the group is not that of the channel' });
  }
  shares.requireNew(request.share);
  const { answer, secret } = settings.crypto.keyExchange.respond(
    established.suite.group, request.share, settings.entropy.answerSeed,
  );
  shares.requireNew(answer);
  const transcript = rekeyTranscript(context, message);
  const signedPart = responseSignedPart(generation, answer, credential.presented);
  const verify = signTranscript(
    credential, established.peerSchemes, 'rekey-server', boundHash(transcript, MESSAGE.rekeyResponse, signedPart),
  );
  const response = encodeRekeyResponse(signedPart, verify);
  transcript.update(response.whole);
  return { next: new WaitFinish(context, transcript, secret), effects: [{ kind: 'send', message: response, isPlain: false }] };
}

class WaitFinish implements RekeyState {
  readonly name = 'S wait finish';
  readonly #context: RekeyContext;
  readonly #transcript: RunningHash;
  readonly #shared: Secret;

  constructor(context: RekeyContext, transcript: RunningHash, shared: Secret) {
    this.#context = context;
    this.#transcript = transcript;
    this.#shared = shared;
  }

  receive(message: Message): RekeyStep {
    if (message.type !== MESSAGE.rekeyFinish) throw new XpsError('rekey_invalid', { detail: 'RekeyFinish was due' });
    const { settings, root, peer } = this.#context;
    const finish = decodeRekeyFinish(message.body);
    requireGeneration(finish.generation, this.#context);
    const wasAnonymous = peer instanceof AnonymousPeer;
    if (wasAnonymous) requireBare(finish);
    else this.#requireSignature(finish);
    const nextRoot = root.next(this.#shared, boundHash(this.#transcript, MESSAGE.rekeyFinish, finish.boundPart));
    if (!settings.crypto.equal(nextRoot.rekeyVerifyData(), finish.verifyData)) {
      nextRoot[Symbol.dispose]();
      throw new XpsError('finished_invalid', { detail: 'RekeyFinish' });
    }
    const next = new JudgeClient(this.#context, nextRoot, wasAnonymous ? undefined : finish.credential);
    if (wasAnonymous) return next.judged(new AnonymousPeer());
    const evidence = { side: 'client', credential: finish.credential, occasion: 'rekey' } as const;
    return { next, effects: [{ kind: 'judge', evidence }] };
  }

  judged(): RekeyStep {
    throw new XpsError('rekey_invalid', { detail: 'a verdict before RekeyFinish' });
  }

  [Symbol.dispose](): void {
    this.#shared[Symbol.dispose]();
  }

  #requireSignature(finish: RekeyFinish): void {
    const { settings, established } = this.#context;
    const leaf = requirePresentable(this.#context, finish.credential);
    const signed = boundHash(this.#transcript, MESSAGE.rekeyFinish, finish.signedPart);
    proveSignature(
      settings.crypto, 'rekey-client', established.ownSchemes, leaf, settings.leafKey(leaf), finish.verify, signed,
    );
  }
}

class JudgeClient implements RekeyState {
  readonly name = 'S judge client';
  readonly #context: RekeyContext;
  readonly #root: RootSecret;
  readonly #client: PresentedCredential | undefined;

  constructor(context: RekeyContext, root: RootSecret, client: PresentedCredential | undefined) {
    this.#context = context;
    this.#root = root;
    this.#client = client;
  }

  receive(): RekeyStep {
    throw new XpsError('rekey_invalid', { detail: 'a message during the verdict' });
  }

  judged(peer: ChannelPeer): RekeyStep {
    if (!(peer instanceof AnonymousPeer && this.#client === undefined)) requireSameIdentity(this.#context.peer, peer);
    const { generation } = this.#context;
    const result = { generation, root: this.#root, peer, peerCredential: this.#client };
    return {
      next: undefined,
      effects: [
        // Not before the verdict: nothing of the new epoch can be read until it is known whose it is.
        install(this.#context, this.#root, 'receive', 'now'),
        install(this.#context, this.#root, 'send', 'now'),
        { kind: 'send', message: encodeGeneration(MESSAGE.rekeyDone, generation), isPlain: false },
        { kind: 'rekeyed', result },
      ],
    };
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }
}

/** §9.2: who was anonymous stays so. */
function requireBare(finish: RekeyFinish): void {
  if (finish.credential.chain.length > 0 || finish.verify.scheme !== 0 || finish.verify.signature.length > 0) {
    throw new XpsError('identity_changed', { detail: 'an anonymous client presents a certificate' });
  }
}
