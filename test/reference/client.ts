/** The client's handshake: docs/PROTOCOL.md §6, one method per message in the order of the figure. */
import type { KeyObject } from 'node:crypto';
import { equalBytes } from './bytes.ts';
import { answerLength, groupFor, H, HMAC, keyExchangeOf, makeShare, nameOfShare, selectSuite, X25519, type OwnShare } from './algorithms.ts';
import type { Core, Negotiated } from './core.ts';
import { decodeEmpty, TICKET_EXTENSION } from './fields.ts';
import {
  ANONYMOUS, CLIENT_AUTH, decodeCertificate, decodeCertificateVerify, decodeFinished, decodeRetry, decodeServerHello,
  decodeServerParameters, demandRecordLimit, encodeCertificate, encodeCertificateVerify, encodeClientHello,
  withCookie, type Certificate, type ServerHello, type ServerParameters,
} from './handshake-messages.ts';
import type { ReferenceTicket } from './options.ts';
import type { IncomingMessage } from './records.ts';
import { binderKey, handshakeStage, masterStage, pskStage } from './schedule.ts';
import { demand, LIMIT, TYPE, type Bytes } from './vocabulary.ts';

export class ClientHandshake {
  readonly #core: Core;
  readonly #share: OwnShare;
  readonly #ticket: ReferenceTicket | undefined;
  readonly #random: Bytes;
  #throughGate: Bytes = new Uint8Array(0);
  #hello: Bytes = new Uint8Array(0);
  #answered!: ServerHello;
  #parameters!: ServerParameters;
  #stage!: ReturnType<typeof handshakeStage>;
  #server: Certificate = ANONYMOUS;
  #serverKey!: KeyObject;

  constructor(core: Core) {
    this.#core = core;
    this.#ticket = usableTicket(core);
    this.#random = core.random('client random', 32);
    this.#share = makeShare(groupFor(core.options.suites), core.random);
  }

  start(): void {
    const { options, early } = this.#core;
    const extensions = this.#ticket === undefined ? [] : [{ type: TICKET_EXTENSION, body: this.#ticket.ticket }];
    let binder: Bytes | undefined;
    if (this.#ticket !== undefined) {
      const stage = pskStage(early.es, this.#ticket.psk);
      binder = binderKey(stage.ps);
      this.#core.note({ psk: this.#ticket.psk, ...stage, 'binder key': binder });
    }
    this.#throughGate = encodeClientHello(
      {
        random: this.#random,
        suites: this.#core.greasedList(options.suites, 'suites'),
        schemes: this.#core.greasedList(options.schemes, 'schemes'),
        group: this.#share.group,
        share: this.#share.share,
        serviceTag: early.serviceTag,
        recordLimit: options.recordLimit,
        extensions: this.#core.greasedExtensions(extensions, 'hello extension'),
      },
      { gateKey: early.gateKey, binderKey: binder },
    );
    this.#sendHello(new Uint8Array(0));
    this.#core.state = 'C wait hello';
  }

  /** Returns the outcome when C's flight is sent: C then waits for Confirm and may send early data. */
  receive({ type, body, whole }: IncomingMessage): Negotiated | undefined {
    switch (type) {
      case TYPE.Retry:
        this.#onRetry(body);
        return undefined;
      case TYPE.ServerHello:
        this.#onServerHello(body, whole);
        return undefined;
      case TYPE.ServerParameters:
        this.#onServerParameters(body, whole);
        return undefined;
      case TYPE.Certificate:
        this.#onCertificate(body, whole);
        return undefined;
      case TYPE.CertificateVerify:
        this.#onCertificateVerify(body, whole);
        return undefined;
      case TYPE.Finished:
        return this.#onFinished(body, whole);
      default: // Confirm
        decodeEmpty(body);
        this.#core.inbox.lanes.shift();
        this.#core.state = 'established';
        return undefined;
    }
  }

  #sendHello(cookie: Bytes): void {
    this.#hello = this.#core.send(TYPE.ClientHello, withCookie(this.#throughGate, cookie)) ?? new Uint8Array(0);
  }

  #onRetry(body: Bytes): void {
    this.#sendHello(decodeRetry(body));
    this.#core.state = 'C wait hello after retry';
  }

  #onServerHello(body: Bytes, whole: Bytes): void {
    const core = this.#core;
    const hello = decodeServerHello(body);
    this.#answered = hello;
    demand(core.options.suites.includes(hello.suite), 'suite_not_offered');
    demandRecordLimit(hello.recordLimit, core.options.recordLimit);
    demand(!equalBytes(hello.random, this.#random), 'random_reflected');
    demand(!hello.resumed || this.#ticket !== undefined, 'resumed_without_ticket');
    demand(!hello.resumed || this.#ticket?.suite === hello.suite, 'resumed_other_suite');
    const exchange = keyExchangeOf(hello.suite);
    demand(hello.answer.length === answerLength(exchange), 'key_share_invalid', 'length of the answer');
    const own = exchange === X25519 ? this.#share.shareX : this.#share.share;
    demand(!equalBytes(hello.answer, own), 'key_share_invalid', 'an answer equal to our share');

    core.hear(this.#hello);
    core.hear(whole);
    const ss = this.#share.finish(exchange, hello.answer);
    const psk = hello.resumed ? this.#ticket?.psk : undefined;
    const early = pskStage(core.early.es, psk);
    const helloHash = H(this.#hello);
    this.#stage = handshakeStage(hello.suite, early.ps, helloHash, ss, core.th());
    core.note({ ss, ...early, H_client_hello: helloHash, TH_hello: core.th(), ...this.#stage });
    const { hs_c: hsC, hs_s: hsS } = this.#stage;
    core.outbox.lane = core.lane('hs_c', hello.suite, hsC, 'c', 0, LIMIT.handshakeContent);
    core.failureLane = core.outbox.lane;
    core.inbox.lanes = [core.lane('hs_s', hello.suite, hsS, 's', 0, LIMIT.handshakeContent)];
    core.state = 'C wait parameters';
  }

  #onServerParameters(body: Bytes, whole: Bytes): void {
    const parameters = decodeServerParameters(body);
    this.#parameters = parameters;
    const expected = selectSuite(parameters.suites, this.#core.options.suites, this.#share.group);
    demand(expected === this.#answered.suite, 'suite_mismatch');
    this.#core.hear(whole);
    this.#core.state = this.#answered.resumed ? 'C wait finished' : 'C wait certificate';
  }

  #onCertificate(body: Bytes, whole: Bytes): void {
    this.#server = decodeCertificate(body);
    this.#serverKey = this.#core.judge(this.#server);
    this.#core.hear(whole);
    this.#core.state = 'C wait certificate verify';
  }

  #onCertificateVerify(body: Bytes, whole: Bytes): void {
    this.#core.demandSigned('server', decodeCertificateVerify(body), this.#serverKey, this.#core.th());
    this.#core.hear(whole);
    this.#core.state = 'C wait finished';
  }

  #onFinished(body: Bytes, whole: Bytes): Negotiated {
    const core = this.#core;
    const expected = HMAC(this.#stage.fin_s, core.th());
    demand(equalBytes(decodeFinished(body), expected), 'finished_invalid');
    core.hear(whole);
    core.inbox.isCounting = false;
    const isAnonymous = this.#answered.resumed ? false : this.#sendCredential();
    core.say(TYPE.Finished, HMAC(this.#stage.fin_c, core.th()));
    return this.#complete(isAnonymous);
  }

  /** Returns whether C is anonymous. */
  #sendCredential(): boolean {
    const core = this.#core;
    const isAnonymous = core.credential === undefined || this.#parameters.clientAuth === CLIENT_AUTH.none;
    core.say(TYPE.Certificate, encodeCertificate(isAnonymous ? ANONYMOUS : core.ownCertificate));
    if (isAnonymous) return true;
    const signed = core.sign('client', this.#parameters.schemes, core.th());
    core.say(TYPE.CertificateVerify, encodeCertificateVerify(signed));
    return false;
  }

  #complete(isAnonymous: boolean): Negotiated {
    const core = this.#core;
    const { suite, recordLimit, resumed, answer } = this.#answered;
    const thFinal = core.th();
    const master = masterStage(suite, this.#stage.hs, thFinal);
    core.note({ TH_final: thFinal, ...master });
    core.outbox.lane = core.lane('ap_c_1', suite, master.ap_c_1, 'c', 1, recordLimit);
    core.inbox.lanes.push(core.lane('ap_s_1', suite, master.ap_s_1, 's', 1, recordLimit));
    core.failureLane = undefined;
    core.state = 'C wait confirm';
    const before = resumed ? this.#ticket : undefined;
    return {
      suite,
      recordLimit,
      resumed,
      isClientAnonymous: isAnonymous,
      peer: before === undefined ? this.#server : { chain: before.peerChain, staple: before.peerStaple },
      peerSchemes: this.#parameters.schemes,
      trustDigest: this.#parameters.trustDigest.slice(),
      fullHandshakeAt: before?.fullHandshakeAt ?? core.now(),
      seenShares: new Set([this.#share.share, answer].map(nameOfShare)),
      root: master.root_0,
      exporter: master.exporter,
      resumption: master.resumption,
      channelId: master['channel id'],
    };
  }
}

/** §10.3: C does not offer a ticket when something that it is bound to differs now. */
function usableTicket(core: Core): ReferenceTicket | undefined {
  const { ticket, suites, serviceName, acceptPeer } = core.options;
  const ownLeaf = core.credential?.chain[0];
  if (ticket === undefined || ownLeaf === undefined) return undefined;
  const now = core.now();
  const isUsable =
    now < ticket.expiresAt &&
    now - ticket.fullHandshakeAt <= LIMIT.seriesMs &&
    suites.includes(ticket.suite) &&
    ticket.serviceName === (serviceName ?? '') &&
    equalBytes(ticket.ownLeaf, ownLeaf) &&
    acceptPeer([...ticket.peerChain], ticket.peerStaple);
  return isUsable ? ticket : undefined;
}
