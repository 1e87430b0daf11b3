/** The server's handshake: docs/PROTOCOL.md §6, one method per message in the order of the figure. */
import type { KeyObject } from 'node:crypto';
import { equalBytes, toHex } from './bytes.ts';
import { answerShare, H, HMAC, keyExchangeOf, nameOfShare, selectSuite } from './algorithms.ts';
import type { Core, Negotiated } from './core.ts';
import {
  ANONYMOUS, CLIENT_AUTH, decodeCertificate, decodeCertificateVerify, decodeClientHello, decodeFinished,
  demandSoundHello, encodeCertificate, encodeCertificateVerify, encodeRetry, encodeServerHello,
  encodeServerParameters, type Certificate, type ReceivedClientHello,
} from './handshake-messages.ts';
import type { ReferenceTicket } from './options.ts';
import type { IncomingMessage } from './records.ts';
import { binderKey, handshakeStage, masterStage, pskStage } from './schedule.ts';
import { demand, LIMIT, TYPE, type Bytes } from './vocabulary.ts';

/** What the hello decided. */
interface Choice {
  readonly hello: ReceivedClientHello;
  readonly suite: number;
  readonly recordLimit: number;
  readonly ticket: ReferenceTicket | undefined;
  readonly answer: Bytes;
}

export class ServerHandshake {
  readonly #core: Core;
  #choice!: Choice;
  #stage!: ReturnType<typeof handshakeStage>;
  #client: Certificate = ANONYMOUS;
  #clientKey!: KeyObject;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Returns the outcome when Confirm is sent. */
  receive({ type, body, whole }: IncomingMessage): Negotiated | undefined {
    switch (type) {
      case TYPE.ClientHello:
        this.#onClientHello(body, whole);
        return undefined;
      case TYPE.Certificate:
        this.#onCertificate(body, whole);
        return undefined;
      case TYPE.CertificateVerify:
        this.#onCertificateVerify(body, whole);
        return undefined;
      default:
        return this.#onFinished(body, whole);
    }
  }

  #onClientHello(body: Bytes, whole: Bytes): void {
    const { options, early } = this.#core;
    const hello = decodeClientHello(body); // magic and version are its first checks
    demand(equalBytes(hello.serviceTag, early.serviceTag), 'service_tag');
    const gate = HMAC(early.gateKey, hello.throughBinder).subarray(0, 32);
    demand(equalBytes(hello.gate, gate), 'gate');
    this.#core.isSilent = false;
    if (this.#demandsRetry(hello)) return;
    demandSoundHello(hello);
    const suite = selectSuite(options.suites, hello.suites, hello.group);
    demand(suite !== undefined, 'no_common_suite');
    const ticket = this.#acceptTicket(hello, suite);
    if (ticket === undefined) this.#core.ownScheme(hello.schemes);
    this.#answer(hello, whole, suite, ticket);
  }

  /** §6.3. Asked again for the second hello, so that nothing of the first need be remembered. */
  #demandsRetry(hello: ReceivedClientHello): boolean {
    const core = this.#core;
    if (core.state === 'S wait hello') {
      demand(hello.cookie.length === 0, 'cookie_unexpected');
      const cookie = core.options.retry?.(H(hello.throughGate));
      if (cookie === undefined) return false;
      core.send(TYPE.Retry, encodeRetry(cookie));
      core.state = 'S wait hello again';
      return true;
    }
    const cookie = core.options.retry?.(H(hello.throughGate)) ?? new Uint8Array(0);
    demand(cookie.length > 0 && equalBytes(hello.cookie, cookie), 'cookie_wrong');
    return false;
  }

  /** §10.3: a ticket that is known must have the right binder; whether it is accepted is another question. */
  #acceptTicket(hello: ReceivedClientHello, suite: number): ReferenceTicket | undefined {
    const { options, early, credential } = this.#core;
    if (hello.ticket === undefined) return undefined;
    const name = toHex(hello.ticket);
    const ticket = options.ticketStore?.get(name);
    if (ticket === undefined) return undefined;
    const stage = pskStage(early.es, ticket.psk);
    const key = binderKey(stage.ps);
    demand(equalBytes(hello.binder, HMAC(key, hello.throughPadding)), 'binder_wrong');
    this.#core.note({ psk: ticket.psk, ...stage, 'binder key': key });
    options.ticketStore?.delete(name);
    const now = this.#core.now();
    const isAccepted =
      now < ticket.expiresAt &&
      now - ticket.fullHandshakeAt <= LIMIT.seriesMs &&
      ticket.suite === suite &&
      ticket.serviceName === (options.serviceName ?? '') &&
      equalBytes(ticket.ownLeaf, credential?.chain[0] ?? new Uint8Array(0)) &&
      equalBytes(ticket.trustDigest, this.#trustDigest) &&
      options.clientAuth !== CLIENT_AUTH.none &&
      options.acceptPeer([...ticket.peerChain], ticket.peerStaple);
    return isAccepted ? ticket : undefined;
  }

  get #trustDigest(): Bytes {
    return this.#core.options.trustDigest ?? new Uint8Array(32);
  }

  #answer(hello: ReceivedClientHello, whole: Bytes, suite: number, ticket: ReferenceTicket | undefined): void {
    const core = this.#core;
    const recordLimit = Math.min(hello.recordLimit, core.options.recordLimit);
    const random = core.random('server random', 32);
    const { answer, ss } = answerShare(keyExchangeOf(suite), hello.group, hello.share, core.random);
    const resumed = ticket !== undefined;
    core.hear(whole);
    core.say(
      TYPE.ServerHello,
      encodeServerHello({
        random, suite, answer, recordLimit, resumed,
        extensions: core.greasedExtensions([], 'hello extension'),
      }),
    );
    const early = pskStage(core.early.es, ticket?.psk);
    const helloHash = H(whole);
    this.#stage = handshakeStage(suite, early.ps, helloHash, ss, core.th());
    core.note({ ss, ...early, H_client_hello: helloHash, TH_hello: core.th(), ...this.#stage });
    core.outbox.lane = core.lane('hs_s', suite, this.#stage.hs_s, 's', 0, LIMIT.handshakeContent);
    core.failureLane = core.outbox.lane;
    core.inbox.lanes = [core.lane('hs_c', suite, this.#stage.hs_c, 'c', 0, LIMIT.handshakeContent)];
    this.#choice = { hello, suite, recordLimit, ticket, answer };
    this.#sendParameters();
    if (!resumed) this.#sendCredential(hello.schemes);
    core.say(TYPE.Finished, HMAC(this.#stage.fin_s, core.th()));
    core.state = resumed ? 'S wait finished' : 'S wait certificate';
  }

  #sendParameters(): void {
    const core = this.#core;
    const { suites, schemes, clientAuth, stapleRequired, caHints } = core.options;
    core.say(
      TYPE.ServerParameters,
      encodeServerParameters({
        suites: core.greasedList(suites, 'suites'),
        schemes: core.greasedList(schemes, 'schemes'),
        clientAuth: clientAuth ?? CLIENT_AUTH.required,
        stapleRequired: stapleRequired ?? false,
        caHints: caHints ?? [],
        trustDigest: this.#trustDigest,
        extensions: core.greasedExtensions([], 'parameters extension'),
      }),
    );
  }

  #sendCredential(clientSchemes: readonly number[]): void {
    const core = this.#core;
    core.say(TYPE.Certificate, encodeCertificate(core.ownCertificate));
    core.say(TYPE.CertificateVerify, encodeCertificateVerify(core.sign('server', clientSchemes, core.th())));
  }

  #onCertificate(body: Bytes, whole: Bytes): void {
    const core = this.#core;
    const auth = core.options.clientAuth ?? CLIENT_AUTH.required;
    this.#client = decodeCertificate(body);
    if (this.#client.chain.length === 0) {
      demand(auth !== CLIENT_AUTH.required, 'client_anonymous');
      core.state = 'S wait finished';
    } else {
      demand(auth !== CLIENT_AUTH.none, 'client_not_anonymous');
      this.#clientKey = core.judge(this.#client);
      core.state = 'S wait certificate verify';
    }
    core.hear(whole);
  }

  #onCertificateVerify(body: Bytes, whole: Bytes): void {
    this.#core.demandSigned('client', decodeCertificateVerify(body), this.#clientKey, this.#core.th());
    this.#core.hear(whole);
    this.#core.state = 'S wait finished';
  }

  #onFinished(body: Bytes, whole: Bytes): Negotiated {
    const core = this.#core;
    const { suite, recordLimit, ticket, hello, answer } = this.#choice;
    const expected = HMAC(this.#stage.fin_c, core.th());
    demand(equalBytes(decodeFinished(body), expected), 'finished_invalid');
    core.hear(whole);
    const thFinal = core.th();
    const master = masterStage(suite, this.#stage.hs, thFinal);
    core.note({ TH_final: thFinal, ...master });
    core.inbox.isCounting = false;
    core.inbox.lanes = [core.lane('ap_c_1', suite, master.ap_c_1, 'c', 1, recordLimit)];
    core.outbox.lane = core.lane('ap_s_1', suite, master.ap_s_1, 's', 1, recordLimit);
    core.failureLane = undefined;
    core.state = 'established';
    core.send(TYPE.Confirm);
    return {
      suite,
      recordLimit,
      resumed: ticket !== undefined,
      isClientAnonymous: ticket === undefined && this.#client.chain.length === 0,
      peer: ticket === undefined ? this.#client : { chain: ticket.peerChain, staple: ticket.peerStaple },
      peerSchemes: hello.schemes,
      trustDigest: this.#trustDigest,
      fullHandshakeAt: ticket?.fullHandshakeAt ?? core.now(),
      seenShares: new Set([hello.share, answer].map(nameOfShare)),
      root: master.root_0,
      exporter: master.exporter,
      resumption: master.resumption,
      channelId: master['channel id'],
    };
  }
}
