import { equalBytes, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { VerifyingKey } from '../engines/contract.ts';
import { MESSAGE } from './codepoints.ts';
import { AnonymousPeer, type ChannelPeer, type Effect, type Established } from './effects.ts';
import type { ApplicationSecrets } from './key-schedule.ts';
import { encodeBare } from './messages/bare.ts';
import { decodeCertificate, type PresentedCredential } from './messages/certificate.ts';
import { decodeCertificateVerify } from './messages/certificate-verify.ts';
import { decodeFinished } from './messages/finished.ts';
import type { Message } from './messages/message.ts';
import { proveFinished, proveResumption, proveSignature, type FinishedProof, type ResumptionProof, type SignatureProof } from './proofs.ts';
import type { ServerContext } from './server-opening.ts';
import type { ServerTicket } from './settings.ts';
import { EstablishedState, JudgeState, WaitState, type HandshakeState, type Step } from './state.ts';

type PossessionProof = SignatureProof | ResumptionProof;

/** A client that proved a credential, or the anonymous one that the configuration admits. */
type Claimant =
  | { readonly isAnonymous: false; readonly credential: PresentedCredential; readonly possession: PossessionProof }
  | { readonly isAnonymous: true };

export class ServerWaitCertificate extends WaitState {
  readonly name = 'S wait certificate';
  readonly #context: ServerContext;

  constructor(context: ServerContext) {
    super();
    this.#context = context;
  }

  override receive(message: Message): Step {
    const { settings, transcript } = this.#context;
    const client = decodeCertificate(message.body);
    const leaf = client.chain[0];
    transcript.add(message.whole);
    if (leaf === undefined) {
      this.#requireAnonymousAllowed();
      return { next: new WaitFinished(this.#context, { isAnonymous: true }), effects: [] };
    }
    if (settings.clientAuth === 'none') {
      throw new XpsError('unexpected_message', { detail: 'a client certificate though client_auth is none' });
    }
    const ownLeaf = settings.credential.presented.chain[0];
    if (!settings.isOwnLeafAllowed && ownLeaf !== undefined && equalBytes(leaf, ownLeaf)) {
      throw new XpsError('own_certificate');
    }
    if (settings.isStapleRequired && client.staple.length === 0) throw new XpsError('staple_required');
    const next = new WaitCertificateVerify(this.#context, client, leaf, settings.leafKey(leaf), transcript.digest());
    return { next, effects: [] };
  }

  override [Symbol.dispose](): void {
    this.#context.secrets[Symbol.dispose]();
  }

  /** docs/PROTOCOL.md §6.5: both the role's setting and the tunnel's list must say so. */
  #requireAnonymousAllowed(): void {
    const { clientAuth, isAnonymousAllowed } = this.#context.settings;
    if (clientAuth === 'required') throw new XpsError('client_certificate_required');
    if (!isAnonymousAllowed) {
      throw new XpsError('client_certificate_required', { detail: 'peer.allow does not list "anonymous"' });
    }
  }
}

class WaitCertificateVerify extends WaitState {
  readonly name = 'S wait certificate verify';
  readonly #context: ServerContext;
  readonly #client: PresentedCredential;
  readonly #leaf: Bytes;
  readonly #key: VerifyingKey;
  readonly #signedTranscript: Bytes;

  constructor(context: ServerContext, client: PresentedCredential, leaf: Bytes, key: VerifyingKey, signedTranscript: Bytes) {
    super();
    this.#context = context;
    this.#client = client;
    this.#leaf = leaf;
    this.#key = key;
    this.#signedTranscript = signedTranscript;
  }

  override receive(message: Message): Step {
    const { settings, parameters, transcript } = this.#context;
    const verify = decodeCertificateVerify(message.body);
    const possession = proveSignature(
      settings.crypto, 'client', parameters.schemes, this.#leaf, this.#key, verify, this.#signedTranscript,
    );
    transcript.add(message.whole);
    const claimant = { isAnonymous: false, credential: this.#client, possession } as const;
    return { next: new WaitFinished(this.#context, claimant), effects: [] };
  }

  override [Symbol.dispose](): void {
    this.#context.secrets[Symbol.dispose]();
  }
}

/** A resumption skips certificate and signature; the client is the one that signed when the ticket's series began. */
export function serverWaitFinishedResumed(context: ServerContext, ticket: ServerTicket): HandshakeState {
  const leaf = ticket.peer.chain[0];
  if (leaf === undefined) throw new XpsError('internal_error', { detail: 'a ticket of an anonymous client' });
  return new WaitFinished(context, { isAnonymous: false, credential: ticket.peer, possession: proveResumption(true, leaf) });
}

class WaitFinished extends WaitState {
  readonly name = 'S wait finished';
  readonly #context: ServerContext;
  readonly #claimant: Claimant;

  constructor(context: ServerContext, claimant: Claimant) {
    super();
    this.#context = context;
    this.#claimant = claimant;
  }

  override receive(message: Message): Step {
    const { settings, secrets, transcript, ticket } = this.#context;
    const verifyData = decodeFinished(message.body);
    const finished = proveFinished(settings.crypto, secrets, 'client', transcript.digest(), verifyData);
    transcript.add(message.whole);
    const application = secrets.application(transcript.digest());
    const next = new JudgeClient(this.#context, this.#claimant, finished, application);
    if (this.#claimant.isAnonymous) return next.judged(new AnonymousPeer());
    const evidence = {
      side: 'client', credential: this.#claimant.credential, occasion: ticket === undefined ? 'handshake' : 'resumption',
    } as const;
    return { next, effects: [{ kind: 'judge', evidence }] };
  }

  override [Symbol.dispose](): void {
    this.#context.secrets[Symbol.dispose]();
  }
}

/** Nothing reaches the application, no target is dialled before this verdict (docs/PROTOCOL.md §6.8). */
class JudgeClient extends JudgeState {
  readonly name = 'S judge client';
  readonly #context: ServerContext;
  readonly #claimant: Claimant;
  readonly #finished: FinishedProof;
  readonly #application: ApplicationSecrets;

  constructor(context: ServerContext, claimant: Claimant, finished: FinishedProof, application: ApplicationSecrets) {
    super();
    this.#context = context;
    this.#claimant = claimant;
    this.#finished = finished;
    this.#application = application;
  }

  override judged(peer: ChannelPeer): Step {
    if (this.#claimant.isAnonymous !== peer instanceof AnonymousPeer) {
      throw new XpsError('internal_error', { detail: 'a verdict for another peer' });
    }
    const { suite, recordLimit } = this.#context;
    const result = establishedServer(this.#context, {
      peer, claimant: this.#claimant, finished: this.#finished, application: this.#application,
    });
    const effects: Effect[] = [
      { kind: 'install', when: 'now', direction: 'receive', epoch: 1, suite, recordLimit, keys: this.#application.root.traffic('client') },
      { kind: 'install', when: 'now', direction: 'send', epoch: 1, suite, recordLimit, keys: this.#application.root.traffic('server') },
      { kind: 'send', message: encodeBare(MESSAGE.confirm), isPlain: false },
      { kind: 'established', result },
    ];
    return { next: new EstablishedState(), effects };
  }

  override [Symbol.dispose](): void {
    this.#application.root[Symbol.dispose]();
    this.#application.exporter[Symbol.dispose]();
    this.#application.resumption[Symbol.dispose]();
  }
}

interface ServerOutcome {
  readonly peer: ChannelPeer;
  readonly claimant: Claimant;
  readonly finished: FinishedProof;
  readonly application: ApplicationSecrets;
}

function establishedServer(context: ServerContext, outcome: ServerOutcome): Established {
  const { settings, suite, handshakeId, recordLimit, parameters, ticket, shares } = context;
  return {
    side: 'server', suite, handshakeId, recordLimit, shares,
    ...outcome.application,
    isResumed: ticket !== undefined,
    peer: outcome.peer,
    peerCredential: outcome.claimant.isAnonymous ? undefined : outcome.claimant.credential,
    ownCredential: settings.credential.presented,
    ownSchemes: parameters.schemes,
    peerSchemes: context.clientSchemes,
    serverParameters: parameters,
  };
}
