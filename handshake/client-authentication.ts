import { equalBytes, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { VerifyingKey } from '../engines/contract.ts';
import type { ClientContext } from './client-opening.ts';
import { schemeById } from './codepoints.ts';
import { AnonymousPeer, type ChannelPeer, type Effect, type Established } from './effects.ts';
import type { ApplicationSecrets } from './key-schedule.ts';
import { decodeBare } from './messages/bare.ts';
import { ANONYMOUS, decodeCertificate, encodeCertificate, type PresentedCredential } from './messages/certificate.ts';
import { decodeCertificateVerify, encodeCertificateVerify } from './messages/certificate-verify.ts';
import { decodeFinished, encodeFinished } from './messages/finished.ts';
import type { Message } from './messages/message.ts';
import type { ServerParameters } from './messages/server-parameters.ts';
import { selectScheme } from './negotiation.ts';
import { proveFinished, proveResumption, proveSignature, type FinishedProof, type ResumptionProof, type SignatureProof } from './proofs.ts';
import type { OwnCredential } from './settings.ts';
import { signedContent } from './signed-content.ts';
import { EstablishedState, JudgeState, WaitState, type HandshakeState, type Step } from './state.ts';

type PossessionProof = SignatureProof | ResumptionProof;

/** The server's credential, parsed no further than its leaf key. */
export class ClientWaitCertificate extends WaitState {
  readonly name = 'C wait certificate';
  readonly #context: ClientContext;
  readonly #parameters: ServerParameters;

  constructor(context: ClientContext, parameters: ServerParameters) {
    super();
    this.#context = context;
    this.#parameters = parameters;
  }

  override receive(message: Message): Step {
    const { settings, transcript } = this.#context;
    const server = decodeCertificate(message.body);
    const leaf = server.chain[0];
    if (leaf === undefined) throw new XpsError('malformed', { detail: 'the server presented no certificate' });
    const ownLeaf = settings.credential?.presented.chain[0];
    if (!settings.isOwnLeafAllowed && ownLeaf !== undefined && equalBytes(leaf, ownLeaf)) {
      throw new XpsError('own_certificate');
    }
    if (settings.isStapleRequired && server.staple.length === 0) throw new XpsError('staple_required');
    const key = settings.leafKey(leaf);
    transcript.add(message.whole);
    const next = new WaitCertificateVerify(this.#context, this.#parameters, server, leaf, key, transcript.digest());
    return { next, effects: [] };
  }

  override [Symbol.dispose](): void {
    this.#context.secrets[Symbol.dispose]();
  }
}

class WaitCertificateVerify extends WaitState {
  readonly name = 'C wait certificate verify';
  readonly #context: ClientContext;
  readonly #parameters: ServerParameters;
  readonly #server: PresentedCredential;
  readonly #leaf: Bytes;
  readonly #key: VerifyingKey;
  readonly #signedTranscript: Bytes;

  constructor(
    context: ClientContext,
    parameters: ServerParameters,
    server: PresentedCredential,
    leaf: Bytes,
    key: VerifyingKey,
    signedTranscript: Bytes,
  ) {
    super();
    this.#context = context;
    this.#parameters = parameters;
    this.#server = server;
    this.#leaf = leaf;
    this.#key = key;
    this.#signedTranscript = signedTranscript;
  }

  override receive(message: Message): Step {
    const { settings, offeredSchemes, transcript } = this.#context;
    const verify = decodeCertificateVerify(message.body);
    const possession = proveSignature(
      settings.crypto, 'server', offeredSchemes, this.#leaf, this.#key, verify, this.#signedTranscript,
    );
    transcript.add(message.whole);
    return { next: new WaitFinished(this.#context, this.#parameters, this.#server, possession), effects: [] };
  }

  override [Symbol.dispose](): void {
    this.#context.secrets[Symbol.dispose]();
  }
}

/** A resumption skips certificate and signature; the server is the one that signed when the ticket's series began. */
export function clientWaitFinishedResumed(context: ClientContext, parameters: ServerParameters): HandshakeState {
  const peer = context.settings.ticket?.peer;
  const leaf = peer?.chain[0];
  if (!context.isResumed || peer === undefined || leaf === undefined) {
    throw new XpsError('internal_error', { detail: 'resumed without a ticket' });
  }
  return new WaitFinished(context, parameters, peer, proveResumption(true, leaf));
}

class WaitFinished extends WaitState {
  readonly name = 'C wait finished';
  readonly #context: ClientContext;
  readonly #parameters: ServerParameters;
  readonly #server: PresentedCredential;
  readonly #possession: PossessionProof;

  constructor(context: ClientContext, parameters: ServerParameters, server: PresentedCredential, possession: PossessionProof) {
    super();
    this.#context = context;
    this.#parameters = parameters;
    this.#server = server;
    this.#possession = possession;
  }

  override receive(message: Message): Step {
    const { settings, secrets, transcript, isResumed } = this.#context;
    const verifyData = decodeFinished(message.body);
    const finished = proveFinished(settings.crypto, secrets, 'server', transcript.digest(), verifyData);
    transcript.add(message.whole);
    const next = new JudgeServer(this.#context, this.#parameters, this.#server, this.#possession, finished);
    const evidence = {
      side: 'server', credential: this.#server, occasion: isResumed ? 'resumption' : 'handshake',
    } as const;
    return { next, effects: [{ kind: 'judge', evidence }] };
  }

  override [Symbol.dispose](): void {
    this.#context.secrets[Symbol.dispose]();
  }
}

/** The client shows its own identity only after this verdict (docs/PROTOCOL.md §6). */
class JudgeServer extends JudgeState {
  readonly name = 'C judge server';
  readonly #context: ClientContext;
  readonly #parameters: ServerParameters;
  readonly #server: PresentedCredential;
  readonly #possession: PossessionProof;
  readonly #finished: FinishedProof;

  constructor(
    context: ClientContext,
    parameters: ServerParameters,
    server: PresentedCredential,
    possession: PossessionProof,
    finished: FinishedProof,
  ) {
    super();
    this.#context = context;
    this.#parameters = parameters;
    this.#server = server;
    this.#possession = possession;
    this.#finished = finished;
  }

  override judged(peer: ChannelPeer): Step {
    if (peer instanceof AnonymousPeer) throw new XpsError('internal_error', { detail: 'a server is never anonymous' });
    const { settings, secrets, transcript, suite, recordLimit, isResumed } = this.#context;
    const own = this.#parameters.clientAuth === 'none' ? undefined : settings.credential;
    const effects: Effect[] = isResumed ? [] : this.#authenticate(own);
    const finished = encodeFinished(secrets.finished('client', transcript.digest()));
    transcript.add(finished.whole);
    effects.push({ kind: 'send', message: finished, isPlain: false });
    const application = secrets.application(transcript.digest());
    effects.push(
      { kind: 'install', when: 'now', direction: 'send', epoch: 1, suite, recordLimit, keys: application.root.traffic('client') },
      { kind: 'install', when: 'on-epoch', direction: 'receive', epoch: 1, suite, recordLimit, keys: application.root.traffic('server') },
    );
    const established = establishedClient(this.#context, {
      peer, possession: this.#possession, finished: this.#finished,
      server: this.#server, parameters: this.#parameters, own, application,
    });
    effects.push({ kind: 'finished', result: established });
    return { next: new WaitConfirm(established), effects };
  }

  override [Symbol.dispose](): void {
    this.#context.secrets[Symbol.dispose]();
  }

  /** Certificate and, unless anonymous, CertificateVerify: docs/PROTOCOL.md §6.5 and §6.6. */
  #authenticate(own: OwnCredential | undefined): Effect[] {
    const { transcript } = this.#context;
    const certificate = encodeCertificate(own?.presented ?? ANONYMOUS);
    transcript.add(certificate.whole);
    const effects: Effect[] = [{ kind: 'send', message: certificate, isPlain: false }];
    if (own === undefined) return effects;
    const verify = encodeCertificateVerify(signTranscript(own, this.#parameters.schemes, 'client', transcript.digest()));
    transcript.add(verify.whole);
    effects.push({ kind: 'send', message: verify, isPlain: false });
    return effects;
  }
}

/** Used by both roles, in handshake and rekey. */
export function signTranscript(
  own: OwnCredential,
  peerSchemes: readonly number[],
  purpose: Parameters<typeof signedContent>[0],
  transcript: Bytes,
): { readonly scheme: number; readonly signature: Bytes } {
  const id = selectScheme(peerSchemes, (scheme) => own.key.schemes.includes(scheme));
  const scheme = schemeById(id);
  if (scheme === undefined) throw new XpsError('internal_error', { detail: `scheme ${id}` });
  return { scheme: id, signature: own.key.sign(scheme, signedContent(purpose, transcript)) };
}

interface ClientOutcome {
  readonly peer: ChannelPeer;
  readonly possession: PossessionProof;
  readonly finished: FinishedProof;
  readonly server: PresentedCredential;
  readonly parameters: ServerParameters;
  readonly own: OwnCredential | undefined;
  readonly application: ApplicationSecrets;
}

function establishedClient(context: ClientContext, outcome: ClientOutcome): Established {
  const { suite, handshakeId, recordLimit, isResumed, shares } = context;
  return {
    side: 'client', suite, handshakeId, recordLimit, isResumed, shares,
    ...outcome.application,
    peer: outcome.peer,
    peerCredential: outcome.server,
    ownCredential: outcome.own?.presented,
    ownSchemes: context.offeredSchemes,
    peerSchemes: outcome.parameters.schemes,
    serverParameters: outcome.parameters,
  };
}

/** The server has accepted our certificate only when this message comes (docs/PROTOCOL.md §6.8). */
class WaitConfirm extends WaitState {
  readonly name = 'C wait confirm';
  readonly #established: Established;

  constructor(established: Established) {
    super();
    this.#established = established;
  }

  override receive(message: Message): Step {
    decodeBare(message.body, 'Confirm');
    return { next: new EstablishedState(), effects: [{ kind: 'established', result: this.#established }] };
  }

  override [Symbol.dispose](): void {
    const { root, exporter, resumption } = this.#established;
    root[Symbol.dispose]();
    exporter[Symbol.dispose]();
    resumption[Symbol.dispose]();
  }
}
