import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { KeyAnswer } from '../engines/contract.ts';
import { suiteById, type Suite } from './codepoints.ts';
import { signTranscript } from './client-authentication.ts';
import { shareTail, type Effect } from './effects.ts';
import type { HandshakeSecrets } from './key-schedule.ts';
import { encodeCertificate } from './messages/certificate.ts';
import { encodeCertificateVerify } from './messages/certificate-verify.ts';
import { decodeClientHello, handshakeIdOf, type ClientHello } from './messages/client-hello.ts';
import { encodeFinished } from './messages/finished.ts';
import type { Message } from './messages/message.ts';
import { encodeRetry } from './messages/retry.ts';
import { encodeServerHello } from './messages/server-hello.ts';
import { encodeServerParameters, type ServerParameters } from './messages/server-parameters.ts';
import { grease, schemeIds, selectSuite, withGrease } from './negotiation.ts';
import { ServerWaitCertificate, serverWaitFinishedResumed } from './server-authentication.ts';
import type { ServerSettings, ServerTicket } from './settings.ts';
import { WaitState, type HandshakeState, type Step } from './state.ts';
import { Transcript } from './transcript.ts';

const MIN_RECORD_LIMIT = 16_384;
const MAX_RECORD_LIMIT = 65_536;

/** What the later states of the server have in common. */
export interface ServerContext {
  readonly settings: ServerSettings;
  readonly suite: Suite;
  readonly secrets: HandshakeSecrets;
  readonly transcript: Transcript;
  readonly handshakeId: Bytes;
  readonly recordLimit: number;
  readonly ticket: ServerTicket | undefined;
  readonly parameters: ServerParameters;
  /** What the client accepts as signatures, as it sent it. */
  readonly clientSchemes: readonly number[];
  readonly shares: readonly Bytes[];
}

export function startServer(settings: ServerSettings): HandshakeState {
  return new WaitHello('S wait hello', settings);
}

class WaitHello extends WaitState {
  readonly name: 'S wait hello' | 'S wait hello again';
  readonly #settings: ServerSettings;
  #isGatePassed: boolean;

  constructor(name: 'S wait hello' | 'S wait hello again', settings: ServerSettings) {
    super();
    this.name = name;
    this.#settings = settings;
    this.#isGatePassed = name === 'S wait hello again';
  }

  override get isGatePassed(): boolean {
    return this.#isGatePassed;
  }

  override receive(message: Message): Step {
    const hello = decodeClientHello(message.body);
    this.#requireGate(hello);
    if (this.name === 'S wait hello' && this.#settings.cookies.isDemanded) return this.#retry(hello);
    this.#requireCookie(hello);
    return this.#answer(hello, message);
  }

  /** docs/PROTOCOL.md §6.2: strangers cost one HMAC. */
  #requireGate(hello: ClientHello): void {
    const { crypto, early } = this.#settings;
    if (!crypto.equal(hello.serviceTag, early.serviceTag)) throw new XpsError('service_mismatch');
    if (!crypto.equal(hello.gate, early.gate(hello.gateInput))) throw new XpsError('gate_mismatch');
    this.#isGatePassed = true;
  }

  #retry(hello: ClientHello): Step {
    if (hello.cookie.length > 0) throw new XpsError('cookie_invalid', { detail: 'a cookie that was not asked for' });
    const message = encodeRetry(this.#settings.cookies.make(hello.core));
    return { next: new WaitHello('S wait hello again', this.#settings), effects: [{ kind: 'send', message, isPlain: true }] };
  }

  #requireCookie(hello: ClientHello): void {
    if (this.name === 'S wait hello') {
      if (hello.cookie.length > 0) throw new XpsError('cookie_invalid', { detail: 'a cookie that was not asked for' });
    } else if (!this.#settings.cookies.isValid(hello.core, hello.cookie)) {
      throw new XpsError('cookie_invalid');
    }
  }

  #answer(hello: ClientHello, message: Message): Step {
    const { crypto, early, entropy } = this.#settings;
    requireRecordLimit(hello);
    requireShareOfBestGroup(hello);
    const ownSuites = withGrease(this.#settings.suites.map((suite) => suite.id), entropy.grease());
    const suite = selectSuite(ownSuites, hello.suites);
    const ticket = this.#resume(hello, suite);
    const exchange = this.#exchange(hello, suite);
    const recordLimit = Math.min(hello.recordLimit, this.#settings.recordLimit);
    const serverHello = encodeServerHello(
      { random: entropy.random(32), suite: suite.id, answer: exchange.answer, recordLimit, isResumed: ticket !== undefined },
      greaseExtension(this.#settings),
    );
    const transcript = new Transcript(crypto.hash);
    transcript.add(message.whole);
    const helloHash = transcript.digest();
    transcript.add(serverHello.whole);
    const secrets = early.pre(ticket?.psk).handshake(suite, helloHash, exchange.secret, transcript.digest());
    ticket?.psk[Symbol.dispose]();
    const parameters = this.#parameters(ownSuites);
    const context: ServerContext = {
      settings: this.#settings, suite, secrets, transcript, recordLimit, ticket, parameters,
      handshakeId: handshakeIdOf(crypto.hash, hello.core),
      clientSchemes: hello.schemes,
      shares: [hello.share, exchange.answer].map(shareTail),
    };
    const install = (direction: 'send' | 'receive'): Effect => ({
      kind: 'install', when: 'now', direction, epoch: 0, suite, recordLimit,
      keys: secrets.traffic(direction === 'send' ? 'server' : 'client'),
    });
    const effects: Effect[] = [
      { kind: 'send', message: serverHello, isPlain: true },
      install('send'),
      install('receive'),
      ...authenticate(context),
    ];
    const next = ticket === undefined ? new ServerWaitCertificate(context) : serverWaitFinishedResumed(context, ticket);
    return { next, effects };
  }

  #exchange(hello: ClientHello, suite: Suite): KeyAnswer {
    const { crypto, entropy } = this.#settings;
    // §4.1: the last 32 bytes of an X-Wing share are an X25519 share.
    const share = suite.group === 'X25519' ? hello.share.subarray(hello.share.length - 32) : hello.share;
    return crypto.keyExchange.respond(suite.group, share, entropy.answerSeed);
  }

  /** docs/PROTOCOL.md §10.3: an unknown ticket means a full handshake, a wrong binder is fatal. */
  #resume(hello: ClientHello, suite: Suite): ServerTicket | undefined {
    if (hello.ticket === undefined) return undefined;
    const ticket = this.#settings.redeemTicket(hello.ticket);
    if (ticket === undefined) return undefined;
    using pre = this.#settings.early.pre(ticket.psk);
    if (!this.#settings.crypto.equal(pre.binder(hello.binderInput), hello.binder)) throw new XpsError('binder_invalid');
    if (ticket.suite.id === suite.id) return ticket;
    ticket.psk[Symbol.dispose]();
    return undefined;
  }

  #parameters(ownSuites: readonly number[]): ServerParameters {
    const { schemes, clientAuth, isStapleRequired, caHints, trustDigest, entropy } = this.#settings;
    return {
      suites: ownSuites,
      schemes: withGrease(schemeIds(schemes), entropy.grease()),
      clientAuth, isStapleRequired, caHints, trustDigest,
    };
  }
}

function requireRecordLimit(hello: ClientHello): void {
  if (hello.recordLimit < MIN_RECORD_LIMIT || hello.recordLimit > MAX_RECORD_LIMIT) {
    throw new XpsError('malformed', { detail: `record limit ${hello.recordLimit}` });
  }
}

/** §4.1: one share, of group X-Wing if any X-Wing suite is offered. */
function requireShareOfBestGroup(hello: ClientHello): void {
  const offersHybrid = hello.suites.some((id) => suiteById(id)?.group === 'XWING');
  if (offersHybrid !== (hello.group === 'XWING')) {
    throw new XpsError('malformed', { detail: 'the share is not of the group that the suites call for' });
  }
}

function greaseExtension(settings: ServerSettings): Map<number, Bytes> {
  return new Map([[grease(settings.entropy.grease()[0], 0x7), new Uint8Array(0)]]);
}

/** ServerParameters, Certificate, CertificateVerify, Finished; the middle two not when resuming. */
function authenticate(context: ServerContext): Effect[] {
  const { settings, transcript, secrets, parameters, clientSchemes, ticket } = context;
  const effects: Effect[] = [];
  const send = (message: Message): void => {
    transcript.add(message.whole);
    effects.push({ kind: 'send', message, isPlain: false });
  };
  send(encodeServerParameters(parameters, greaseExtension(settings)));
  if (ticket === undefined) {
    send(encodeCertificate(settings.credential.presented));
    send(encodeCertificateVerify(signTranscript(settings.credential, clientSchemes, 'server', transcript.digest())));
  }
  send(encodeFinished(secrets.finished('server', transcript.digest())));
  return effects;
}
