// A peer that does what a test tells it, step by step, right or wrong. It keeps its own transcript and keys, so that a
// message may be wrong in exactly one respect while everything that depends on it is right.
import { concat, type Bytes } from '../../base/bytes.ts';
import { Secret } from '../../base/secret.ts';
import { MessageAssembler, fragments } from '../../channel/message-assembler.ts';
import type { AeadAlgorithm, KeyShare } from '../../engines/contract.ts';
import { MESSAGE, schemeById, suiteById, type Suite } from '../../handshake/codepoints.ts';
import { derive, EarlySecrets, type ApplicationSecrets, type HandshakeSecrets, type RootSecret, type Side, type TrafficKeys } from '../../handshake/key-schedule.ts';
import { encodeCertificate, type PresentedCredential } from '../../handshake/messages/certificate.ts';
import { encodeCertificateVerify } from '../../handshake/messages/certificate-verify.ts';
import { clientHelloMessage, decodeClientHello, encodeClientHelloCore, type ClientHelloFields, type ClientHelloMacs } from '../../handshake/messages/client-hello.ts';
import { encodeFinished } from '../../handshake/messages/finished.ts';
import { makeMessage, parseMessage, type Message } from '../../handshake/messages/message.ts';
import { decodeServerHello, encodeServerHello, type ServerHello } from '../../handshake/messages/server-hello.ts';
import { encodeServerParameters, type ServerParameters } from '../../handshake/messages/server-parameters.ts';
import { schemeIds } from '../../handshake/negotiation.ts';
import type { OwnCredential } from '../../handshake/settings.ts';
import { signedContent, type SignaturePurpose } from '../../handshake/signed-content.ts';
import { Transcript } from '../../handshake/transcript.ts';
import { Deframer } from '../../record/deframer.ts';
import { CONTENT_DATA, CONTENT_MESSAGE, HEADER_LENGTH, TAG_LENGTH, type ContentType } from '../../record/limits.ts';
import { RecordOpener } from '../../record/opener.ts';
import { plainRecord, RecordSealer, type RecordKeys } from '../../record/sealer.ts';
import { ALICE, BOB, clientSettings, credentialOf, DEFAULT_SUITES, serverSettings, type ClientOptions, type ServerOptions, type SideOptions } from './channel-sides.ts';
import { pattern, TestSide } from './channel-pair.ts';
import { crypto } from './test-crypto.ts';

export interface SignOptions {
  readonly purpose?: SignaturePurpose;
  readonly scheme?: number;
  readonly transcript?: Bytes;
  readonly credential?: OwnCredential;
  /** Changes the signature after it was made. */
  readonly change?: (signature: Bytes) => Bytes;
}

/** Records and keys of one side, whatever its role; the victim is a real channel of the other. */
abstract class HostilePeer {
  readonly victim: TestSide;
  nowMs = 1_000_000;
  readonly side: Side;
  readonly early: EarlySecrets;
  readonly credential: OwnCredential;
  readonly transcript: Transcript = new Transcript(crypto.hash);
  suite!: Suite;
  secrets!: HandshakeSecrets;
  application!: ApplicationSecrets;
  root!: RootSecret;
  recordLimit = 65_536;
  epoch = 0;
  sealer: RecordSealer | undefined;
  sendKeys: RecordKeys | undefined;
  #opener: RecordOpener | undefined;
  #nextOpener: RecordOpener | undefined;
  readonly #deframer = new Deframer(65_536);
  readonly #assembler = new MessageAssembler();
  readonly inbox: Message[] = [];
  data: Bytes = new Uint8Array(0);

  constructor(side: Side, own: SideOptions, makeVictim: (nowMs: () => number) => TestSide) {
    this.side = side;
    this.early = new EarlySecrets(crypto.hash, own.meshKey && new Secret(Uint8Array.from(own.meshKey)), own.service ?? '');
    this.victim = makeVictim(() => this.nowMs);
    this.credential = credentialOf(crypto, own.identity ?? (side === 'client' ? ALICE : BOB), own.staple);
    this.victim.channel.start();
  }

  /** Why the victim gave up. */
  get reason(): string | undefined {
    return this.victim.failure?.reason;
  }

  raw(bytes: Bytes): void {
    this.victim.channel.receive(Uint8Array.from(bytes));
  }

  plain(message: Message): void {
    this.raw(plainRecord(message.whole));
  }

  /** A message under the present keys, without a note in the transcript. */
  say(message: Message): void {
    for (const piece of fragments(message.whole, this.#sealer().contentLimit)) this.record(CONTENT_MESSAGE, piece);
  }

  /** As `say`, by type and body. */
  sayBody(type: number, body: Bytes = new Uint8Array(0)): void {
    this.say(makeMessage(type, body));
  }

  record(type: ContentType, content: Bytes): void {
    this.raw(this.#sealer().seal(type, content));
  }

  sayData(content: Bytes): void {
    this.record(CONTENT_DATA, content);
  }

  /** A record with any inner bytes, any header and the right tag for them. */
  forge(inner: Bytes, change: (header: Uint8Array) => void = () => undefined): Uint8Array {
    const keys = this.sendKeys as RecordKeys;
    const sequence = this.#sealer().records;
    const record = new Uint8Array(HEADER_LENGTH + inner.length + TAG_LENGTH);
    const length = inner.length + TAG_LENGTH;
    record.set([0x59, 0, (keys.epoch >> 8) & 0xff, keys.epoch & 0xff, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff]);
    change(record.subarray(0, HEADER_LENGTH));
    const counter = new Uint8Array(8);
    new DataView(counter.buffer).setBigUint64(0, BigInt(sequence));
    const nonce = Uint8Array.from(keys.iv);
    for (let i = 0; i < 8; i += 1) nonce[nonce.length - 8 + i] = (nonce[nonce.length - 8 + i] as number) ^ (counter[i] as number);
    keys.cipher.seal(nonce, concat([record.subarray(0, HEADER_LENGTH), counter]), inner, record.subarray(HEADER_LENGTH));
    return record;
  }

  /** Sends under the keys of this traffic secret from now on. */
  sendUnder(epoch: number, keys: TrafficKeys): void {
    this.sendKeys = this.#recordKeys(epoch, keys);
    this.sealer = new RecordSealer(this.sendKeys);
    this.epoch = epoch;
  }

  receiveUnder(epoch: number, keys: TrafficKeys, when: 'now' | 'on-epoch' = 'now'): void {
    const opener = new RecordOpener(this.#recordKeys(epoch, keys));
    if (when === 'now') this.#opener = opener;
    else this.#nextOpener = opener;
  }

  /** Takes in what the victim has said, up to what can be opened with the keys that are there. */
  listen(): readonly Message[] {
    for (const bytes of this.victim.channel.takeOutput()) this.#deframer.append(bytes);
    for (let record = this.#deframer.next(); record !== undefined; record = this.#deframer.next()) {
      if (!record.header.isProtected) {
        this.inbox.push(parseMessage(Uint8Array.from(record.whole.subarray(HEADER_LENGTH))));
        if (this.inbox.at(-1)?.type === MESSAGE.serverHello || this.inbox.at(-1)?.type === MESSAGE.clientHello) break;
        continue;
      }
      if (this.#nextOpener !== undefined && record.header.epoch === this.#nextOpener.epoch) {
        this.#opener = this.#nextOpener;
        this.#nextOpener = undefined;
      }
      if (this.#opener === undefined) throw new Error('a protected record before there are keys');
      const { type, content, isPadded } = this.#opener.open(record);
      if (type === CONTENT_DATA) this.data = concat([this.data, content]);
      else {
        const message = this.#assembler.accept(content, isPadded, this.#opener.contentLimit);
        if (message !== undefined) this.inbox.push(parseMessage(Uint8Array.from(message.whole)));
      }
    }
    return this.inbox;
  }

  /** The next message of this type; those before it are skipped. */
  hear(type: number): Message {
    this.listen();
    for (let message = this.inbox.shift(); message !== undefined; message = this.inbox.shift()) {
      if (message.type === type) return message;
    }
    throw this.victim.failure ?? new Error(`the victim said no message of type ${type}`);
  }

  /** Hears a message of the handshake and notes it in the transcript. */
  follow(type: number): Message {
    const message = this.hear(type);
    this.transcript.add(message.whole);
    return message;
  }

  /** Says a message of the handshake and notes it in the transcript. */
  lead(message: Message): void {
    this.transcript.add(message.whole);
    this.say(message);
  }

  leadCertificate(presented: PresentedCredential = this.credential.presented): void {
    this.lead(encodeCertificate(presented));
  }

  leadVerify(options: SignOptions = {}): void {
    this.lead(encodeCertificateVerify(this.sign(this.side, this.transcript.digest(), options)));
  }

  leadFinished(change: (verifyData: Uint8Array) => Bytes = (verifyData) => verifyData): void {
    this.lead(encodeFinished(change(this.secrets.finished(this.side, this.transcript.digest()))));
  }

  sign(purpose: SignaturePurpose, transcript: Bytes, options: SignOptions = {}): { readonly scheme: number; readonly signature: Bytes } {
    const credential = options.credential ?? this.credential;
    const [ownScheme] = schemeIds(credential.key.schemes);
    const signingScheme = schemeById(ownScheme as number);
    if (signingScheme === undefined) throw new Error('no scheme');
    const content = signedContent(options.purpose ?? purpose, options.transcript ?? transcript);
    const signature = credential.key.sign(signingScheme, content);
    return { scheme: options.scheme ?? (ownScheme as number), signature: options.change?.(signature) ?? signature };
  }

  deriveHandshake(helloHash: Bytes, shared: Secret, psk?: Secret): void {
    this.secrets = this.early.pre(psk).handshake(this.suite, helloHash, shared, this.transcript.digest());
    const other: Side = this.side === 'client' ? 'server' : 'client';
    this.sendUnder(0, this.secrets.traffic(this.side));
    this.receiveUnder(0, this.secrets.traffic(other));
  }

  deriveApplication(): void {
    this.application = this.secrets.application(this.transcript.digest());
    this.root = this.application.root;
  }

  /** Output of the schedule for any purpose, from a secret that a test holds. */
  derive(secret: Bytes, role: 'c' | 's' | '-', purpose: string, context?: Bytes): Uint8Array<ArrayBuffer> {
    return derive(crypto.hash, secret, this.suite.id, role, purpose, context);
  }

  advance(ms: number): void {
    for (let left = ms; left > 0; left -= 250) {
      this.nowMs += Math.min(left, 250);
      this.victim.channel.tick();
    }
  }

  #sealer(): RecordSealer {
    if (this.sealer === undefined) throw new Error('no keys yet');
    return this.sealer;
  }

  #recordKeys(epoch: number, { key, iv }: TrafficKeys): RecordKeys {
    const algorithm: AeadAlgorithm = this.suite.aead;
    return { epoch, cipher: crypto.aead(algorithm, key.reveal()), iv: iv.reveal(), contentLimit: epoch === 0 ? 16_384 : this.recordLimit };
  }
}

export interface HelloChanges extends Partial<ClientHelloFields> {
  readonly ticketPsk?: Secret;
  readonly macs?: Partial<ClientHelloMacs>;
  readonly cookie?: Bytes;
}

/** A client under control; its victim is a server. */
export class HostileClient extends HostilePeer {
  readonly suites: readonly Suite[];
  readonly random: Bytes = crypto.random(32);
  share: KeyShare;
  hello!: Message;
  core!: Bytes;
  parameters: Message | undefined;

  constructor(server: ServerOptions = {}, own: SideOptions = {}) {
    super('client', own, (nowMs) => new TestSide(serverSettings(server, nowMs)));
    this.suites = own.suites ?? server.suites ?? DEFAULT_SUITES;
    const group = this.suites.some((suite) => suite.group === 'XWING') ? 'XWING' : 'X25519';
    this.share = crypto.keyExchange.initiate(group);
  }

  /** Sends a hello that is right but for `changes`. */
  sayHello(changes: HelloChanges = {}): Message {
    const { ticketPsk, macs, cookie = new Uint8Array(0), ...fields } = changes;
    const binder = ticketPsk && ((input: Bytes): Bytes => this.early.pre(ticketPsk).binder(input));
    this.core = encodeClientHelloCore(
      {
        random: this.random,
        suites: this.suites.map(({ id }) => id),
        schemes: [0x0807, 0x0403],
        group: this.share.group,
        share: this.share.share,
        serviceTag: this.early.serviceTag,
        recordLimit: this.recordLimit,
        extensions: new Map(),
        ...fields,
      },
      { ...(binder && { binder }), gate: (input) => this.early.gate(input), ...macs },
    );
    this.hello = clientHelloMessage(this.core, cookie);
    this.plain(this.hello);
    return this.hello;
  }

  repeatHello(cookie: Bytes): void {
    this.hello = clientHelloMessage(this.core, cookie);
    this.plain(this.hello);
  }

  /** From ServerHello to the server's Finished. */
  hearServer(psk?: Secret): void {
    this.transcript.add(this.hello.whole);
    const helloHash = this.transcript.digest();
    const message = this.follow(MESSAGE.serverHello);
    const hello = decodeServerHello(message.body);
    this.suite = suiteById(hello.suite) as Suite;
    this.recordLimit = hello.recordLimit;
    const shared = this.share.complete(this.suite.group, hello.answer);
    this.deriveHandshake(helloHash, shared, hello.isResumed ? psk : undefined);
    this.parameters = this.follow(MESSAGE.serverParameters);
    if (!hello.isResumed) {
      this.follow(MESSAGE.certificate);
      this.follow(MESSAGE.certificateVerify);
    }
    this.follow(MESSAGE.finished);
  }

  /** After the own Finished. */
  useApplicationKeys(): void {
    this.deriveApplication();
    this.sendUnder(1, this.root.traffic('client'));
    this.receiveUnder(1, this.root.traffic('server'), 'on-epoch');
  }

  /** An established client, so far without fault. */
  static established(server: ServerOptions = {}, own: SideOptions = {}): HostileClient {
    const peer = new HostileClient(server, own);
    peer.sayHello();
    peer.hearServer();
    peer.leadCertificate();
    peer.leadVerify();
    peer.leadFinished();
    peer.useApplicationKeys();
    peer.hear(MESSAGE.confirm);
    peer.victim.events.length = 0;
    return peer;
  }
}

/** A server under control; its victim is a client. */
export class HostileServer extends HostilePeer {
  readonly suites: readonly Suite[];
  readonly random: Bytes = crypto.random(32);

  constructor(client: ClientOptions = {}, own: SideOptions = {}) {
    super('server', own, (nowMs) => new TestSide(clientSettings(client, nowMs)));
    this.suites = own.suites ?? client.suites ?? DEFAULT_SUITES;
    this.suite = this.suites[0] as Suite;
  }

  /** Hears the hello and answers it; right but for `changes`. */
  sayHello(changes: Partial<ServerHello> & { readonly psk?: Secret; readonly hello?: Message } = {}): void {
    const { psk, hello: given, ...fields } = changes;
    const hello = given ?? this.hear(MESSAGE.clientHello);
    this.transcript.add(hello.whole);
    const { share } = decodeClientHello(hello.body);
    const helloHash = this.transcript.digest();
    const own = this.suite.group === 'X25519' ? share.subarray(share.length - 32) : share;
    const { answer, secret } = crypto.keyExchange.respond(this.suite.group, own);
    const message = encodeServerHello(
      { random: this.random, suite: this.suite.id, answer, recordLimit: this.recordLimit, isResumed: psk !== undefined, ...fields },
      new Map(),
    );
    this.transcript.add(message.whole);
    this.plain(message);
    this.deriveHandshake(helloHash, secret, psk);
  }

  leadParameters(changes: Partial<ServerParameters> = {}): void {
    this.lead(encodeServerParameters(
      {
        suites: this.suites.map(({ id }) => id), schemes: [0x0807, 0x0403], clientAuth: 'required',
        isStapleRequired: false, caHints: [], trustDigest: pattern(32), ...changes,
      },
      new Map(),
    ));
  }

  /** Everything from Certificate of the client to its Finished. */
  hearClient(): void {
    this.follow(MESSAGE.certificate);
    this.follow(MESSAGE.certificateVerify);
    this.follow(MESSAGE.finished);
    this.useApplicationKeys();
  }

  useApplicationKeys(): void {
    this.deriveApplication();
    this.receiveUnder(1, this.root.traffic('client'));
  }

  confirm(): void {
    this.sendUnder(1, this.root.traffic('server'));
    this.sayBody(MESSAGE.confirm);
  }

  /** As far as the server's Finished. */
  static authenticated(client: ClientOptions = {}, own: SideOptions = {}): HostileServer {
    const peer = new HostileServer(client, own);
    peer.sayHello();
    peer.leadParameters();
    peer.leadCertificate();
    peer.leadVerify();
    peer.leadFinished();
    return peer;
  }

  /** An established server, so far without fault. */
  static established(client: ClientOptions = {}, own: SideOptions = {}): HostileServer {
    const peer = HostileServer.authenticated(client, own);
    peer.hearClient();
    peer.confirm();
    peer.victim.events.length = 0;
    return peer;
  }
}
