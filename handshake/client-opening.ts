import { equalBytes, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Group, KeyShare } from '../engines/contract.ts';
import { ClientWaitCertificate, clientWaitFinishedResumed } from './client-authentication.ts';
import { EXTENSION_TICKET, MESSAGE, suiteById, type Suite } from './codepoints.ts';
import { shareTail, type Effect } from './effects.ts';
import type { HandshakeSecrets } from './key-schedule.ts';
import { clientHelloMessage, encodeClientHelloCore, handshakeIdOf } from './messages/client-hello.ts';
import type { Message } from './messages/message.ts';
import { decodeRetry } from './messages/retry.ts';
import { decodeServerHello, type ServerHello } from './messages/server-hello.ts';
import { decodeServerParameters } from './messages/server-parameters.ts';
import { grease, schemeIds, selectSuite, withGrease } from './negotiation.ts';
import type { ClientSettings } from './settings.ts';
import { WaitState, type Step } from './state.ts';
import { Transcript } from './transcript.ts';

const MIN_RECORD_LIMIT = 16_384;
const NO_COOKIE = new Uint8Array(0);

/** What was offered, and what it takes to read the answer. */
interface Offer {
  readonly random: Bytes;
  readonly suites: readonly number[];
  readonly schemes: readonly number[];
  readonly share: KeyShare;
  /** magic through gate. */
  readonly core: Bytes;
}

/** What the later states of the client have in common. */
export interface ClientContext {
  readonly settings: ClientSettings;
  readonly suite: Suite;
  readonly secrets: HandshakeSecrets;
  readonly transcript: Transcript;
  readonly handshakeId: Bytes;
  readonly recordLimit: number;
  readonly isResumed: boolean;
  /** The scheme list that the server had to choose from. */
  readonly offeredSchemes: readonly number[];
  readonly shares: readonly Bytes[];
}

/** Makes the hello: docs/PROTOCOL.md §6.1. */
export function startClient(settings: ClientSettings): Step {
  const { crypto, early, entropy, ticket } = settings;
  const group: Group = settings.suites.some((suite) => suite.group === 'XWING') ? 'XWING' : 'X25519';
  const share = crypto.keyExchange.initiate(group, entropy.shareSeed);
  const random = entropy.random(32);
  const suites = withGrease(settings.suites.map((suite) => suite.id), entropy.grease());
  const schemes = withGrease(schemeIds(settings.schemes), entropy.grease());
  const extensions = new Map<number, Bytes>([[grease(entropy.grease()[0], 0x7), NO_COOKIE]]);
  if (ticket !== undefined) extensions.set(EXTENSION_TICKET, ticket.ticket);
  using pre = ticket === undefined ? undefined : early.pre(ticket.psk);
  const core = encodeClientHelloCore(
    { random, suites, schemes, group, share: share.share, serviceTag: early.serviceTag, recordLimit: settings.recordLimit, extensions },
    {
      ...(pre === undefined ? {} : { binder: (input: Bytes) => pre.binder(input) }),
      gate: (input) => early.gate(input),
    },
  );
  const message = clientHelloMessage(core, NO_COOKIE);
  const next = new WaitServerHello('C wait hello', settings, { random, suites, schemes, share, core }, message);
  return { next, effects: [{ kind: 'send', message, isPlain: true }] };
}

class WaitServerHello extends WaitState {
  readonly name: 'C wait hello' | 'C wait hello after retry';
  readonly #settings: ClientSettings;
  readonly #offer: Offer;
  readonly #hello: Message;

  constructor(name: 'C wait hello' | 'C wait hello after retry', settings: ClientSettings, offer: Offer, hello: Message) {
    super();
    this.name = name;
    this.#settings = settings;
    this.#offer = offer;
    this.#hello = hello;
  }

  override receive(message: Message): Step {
    return message.type === MESSAGE.retry ? this.#repeat(message) : this.#accept(message);
  }

  override [Symbol.dispose](): void {
    this.#offer.share[Symbol.dispose]();
    this.#settings.ticket?.psk[Symbol.dispose]();
  }

  #repeat(retry: Message): Step {
    const message = clientHelloMessage(this.#offer.core, decodeRetry(retry.body));
    const next = new WaitServerHello('C wait hello after retry', this.#settings, this.#offer, message);
    return { next, effects: [{ kind: 'send', message, isPlain: true }] };
  }

  #accept(message: Message): Step {
    const hello = decodeServerHello(message.body);
    const suite = this.#requireOffered(hello);
    const shared = this.#offer.share.complete(suite.group, hello.answer);
    const { crypto, early, ticket } = this.#settings;
    const transcript = new Transcript(crypto.hash);
    transcript.add(this.#hello.whole);
    const helloHash = transcript.digest();
    transcript.add(message.whole);
    const secrets = early
      .pre(hello.isResumed ? ticket?.psk : undefined)
      .handshake(suite, helloHash, shared, transcript.digest());
    // §10.3: used at most once, whether the server took it or not.
    ticket?.psk[Symbol.dispose]();
    const install = (direction: 'send' | 'receive'): Effect => ({
      kind: 'install', when: 'now', direction, epoch: 0, suite, recordLimit: hello.recordLimit,
      keys: secrets.traffic(direction === 'send' ? 'client' : 'server'),
    });
    const next = new WaitParameters({
      settings: this.#settings, suite, secrets, transcript,
      handshakeId: handshakeIdOf(crypto.hash, this.#offer.core),
      recordLimit: hello.recordLimit,
      isResumed: hello.isResumed,
      offeredSchemes: this.#offer.schemes,
      shares: [this.#offer.share.share, hello.answer].map(shareTail),
    }, this.#offer.suites);
    return { next, effects: [install('send'), install('receive')] };
  }

  /** docs/PROTOCOL.md §6.4. */
  #requireOffered(hello: ServerHello): Suite {
    const suite = this.#offer.suites.includes(hello.suite) ? suiteById(hello.suite) : undefined;
    if (suite === undefined) throw new XpsError('negotiation_mismatch', { detail: `suite ${hello.suite} was not offered` });
    if (equalBytes(hello.random, this.#offer.random)) throw new XpsError('reflection', { detail: 'server random' });
    const ownShare = this.#offer.share.share;
    if (equalBytes(hello.answer, ownShare.subarray(ownShare.length - hello.answer.length))) {
      throw new XpsError('reflection', { detail: 'key share' });
    }
    if (hello.recordLimit > this.#settings.recordLimit || hello.recordLimit < MIN_RECORD_LIMIT) {
      throw new XpsError('negotiation_mismatch', { detail: `record limit ${hello.recordLimit}` });
    }
    const { ticket } = this.#settings;
    if (hello.isResumed && ticket?.suite.id !== suite.id) {
      throw new XpsError('negotiation_mismatch', { detail: 'resumed without a ticket for this suite' });
    }
    return suite;
  }
}

class WaitParameters extends WaitState {
  readonly name = 'C wait parameters';
  readonly #context: ClientContext;
  readonly #offeredSuites: readonly number[];

  constructor(context: ClientContext, offeredSuites: readonly number[]) {
    super();
    this.#context = context;
    this.#offeredSuites = offeredSuites;
  }

  override receive(message: Message): Step {
    const parameters = decodeServerParameters(message.body);
    const { suite, settings, transcript, isResumed } = this.#context;
    const expected = selectSuite(parameters.suites, this.#offeredSuites);
    if (expected.id !== suite.id) {
      throw new XpsError('negotiation_mismatch', { detail: `suite ${suite.id}, the server had to choose ${expected.id}` });
    }
    if (parameters.clientAuth === 'required' && settings.credential === undefined) {
      throw new XpsError('anonymous_not_allowed', { detail: 'the server requires a client certificate' });
    }
    transcript.add(message.whole);
    const next = isResumed
      ? clientWaitFinishedResumed(this.#context, parameters)
      : new ClientWaitCertificate(this.#context, parameters);
    return { next, effects: [] };
  }

  override [Symbol.dispose](): void {
    this.#context.secrets[Symbol.dispose]();
  }
}
