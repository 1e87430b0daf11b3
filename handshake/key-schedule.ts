import { utf8, Writer, type Bytes } from '../base/bytes.ts';
import { Secret } from '../base/secret.ts';
import { AEAD_PARAMETERS, type HashProvider } from '../engines/contract.ts';
import { MAGIC, PROTOCOL_VERSION, type Suite } from './codepoints.ts';

/** docs/PROTOCOL.md §5. Every stage is used once: it wipes itself when the next is made. */

export const HASH_LENGTH = 48;
const ZEROS = new Uint8Array(HASH_LENGTH);
const NO_CONTEXT = new Uint8Array(0);
const NO_SUITE = 0;
const MAGIC_BYTES = utf8(MAGIC);
/** Of a purpose of the protocol with a transcript hash as context; an exporter's may be longer. */
const MAX_INFO_LENGTH = 96;

export type Side = 'client' | 'server';
type Role = 'c' | 's' | '-';

export const roleOf = (side: Side): Role => (side === 'client' ? 'c' : 's');

/** §5.1. */
export function derive(
  hash: HashProvider,
  secret: Bytes,
  suite: number,
  role: Role,
  purpose: string,
  context: Bytes = NO_CONTEXT,
  length: number = HASH_LENGTH,
): Uint8Array<ArrayBuffer> {
  const info = new Writer(MAX_INFO_LENGTH)
    .u16(length)
    .bytes(MAGIC_BYTES)
    .u8(PROTOCOL_VERSION)
    .u16(suite)
    .u8(role.charCodeAt(0))
    .vector8(utf8(purpose))
    .vector8(context)
    .finish();
  return hash.hkdfExpand('sha384', secret, info, length);
}

/** Key and IV of one direction and epoch; the owner disposes of them. */
export interface TrafficKeys {
  readonly key: Secret;
  readonly iv: Secret;
}

/** What precedes the key exchange: depends on the mesh key alone, so it lives as long as the configuration. */
export class EarlySecrets {
  readonly #hash: HashProvider;
  readonly #pskSalt: Secret;
  /** What `pre` gives without a psk: the same for every full handshake. */
  readonly #full: Secret;
  readonly #serviceTag: Bytes;
  readonly #gateKey: Secret;

  constructor(hash: HashProvider, meshKey: Secret | undefined, serviceName: string) {
    this.#hash = hash;
    using es = new Secret(hash.hkdfExtract('sha384', ZEROS, meshKey?.reveal() ?? ZEROS));
    using tagKey = new Secret(derive(hash, es.reveal(), NO_SUITE, '-', 'service'));
    this.#serviceTag = hash.hmac('sha384', tagKey.reveal(), utf8(serviceName)).slice(0, 16);
    this.#gateKey = new Secret(derive(hash, es.reveal(), NO_SUITE, 'c', 'gate', this.#serviceTag));
    this.#pskSalt = new Secret(derive(hash, es.reveal(), NO_SUITE, '-', 'psk'));
    this.#full = new Secret(hash.hkdfExtract('sha384', this.#pskSalt.reveal(), ZEROS));
  }

  /** §6.2. */
  get serviceTag(): Bytes {
    return this.#serviceTag;
  }

  /** 32 bytes, §6.1. */
  gate(input: Bytes): Uint8Array<ArrayBuffer> {
    return this.#hash.hmac('sha384', this.#gateKey.reveal(), input).subarray(0, 32);
  }

  /** `psk` is absent for a full handshake. */
  pre(psk: Secret | undefined): PreSecrets {
    const ps =
      psk === undefined
        ? Uint8Array.from(this.#full.reveal())
        : this.#hash.hkdfExtract('sha384', this.#pskSalt.reveal(), psk.reveal());
    return new PreSecrets(this.#hash, new Secret(ps));
  }
}

export class PreSecrets implements Disposable {
  readonly #hash: HashProvider;
  readonly #ps: Secret;

  constructor(hash: HashProvider, ps: Secret) {
    this.#hash = hash;
    this.#ps = ps;
  }

  binder(input: Bytes): Uint8Array<ArrayBuffer> {
    using key = new Secret(derive(this.#hash, this.#ps.reveal(), NO_SUITE, 'c', 'binder'));
    return this.#hash.hmac('sha384', key.reveal(), input);
  }

  /** Consumes this stage and the shared secret. */
  handshake(suite: Suite, helloHash: Bytes, shared: Secret, helloTranscript: Bytes): HandshakeSecrets {
    const salt = derive(this.#hash, this.#ps.reveal(), suite.id, '-', 'hs', helloHash);
    const hs = new Secret(this.#hash.hkdfExtract('sha384', salt, shared.reveal()));
    salt.fill(0);
    shared[Symbol.dispose]();
    this[Symbol.dispose]();
    return new HandshakeSecrets(this.#hash, suite, hs, helloTranscript);
  }

  [Symbol.dispose](): void {
    this.#ps[Symbol.dispose]();
  }
}

export class HandshakeSecrets implements Disposable {
  readonly #hash: HashProvider;
  readonly #suite: Suite;
  readonly #hs: Secret;
  readonly #finishedKeys: Readonly<Record<Side, Secret>>;
  readonly #helloTranscript: Bytes;

  constructor(hash: HashProvider, suite: Suite, hs: Secret, helloTranscript: Bytes) {
    this.#hash = hash;
    this.#suite = suite;
    this.#hs = hs;
    this.#helloTranscript = helloTranscript;
    const finished = (side: Side): Secret =>
      new Secret(derive(hash, hs.reveal(), suite.id, roleOf(side), 'finished', helloTranscript));
    this.#finishedKeys = { client: finished('client'), server: finished('server') };
  }

  traffic(side: Side): TrafficKeys {
    using secret = new Secret(
      derive(this.#hash, this.#hs.reveal(), this.#suite.id, roleOf(side), 'hs traffic', this.#helloTranscript),
    );
    return trafficKeys(this.#hash, this.#suite, side, secret);
  }

  /** verify_data, §6.7. */
  finished(side: Side, transcript: Bytes): Uint8Array<ArrayBuffer> {
    return this.#hash.hmac('sha384', this.#finishedKeys[side].reveal(), transcript);
  }

  /** Consumes this stage. `finalTranscript` is TH_final. */
  application(finalTranscript: Bytes): ApplicationSecrets {
    const salt = derive(this.#hash, this.#hs.reveal(), this.#suite.id, '-', 'ms');
    using ms = new Secret(this.#hash.hkdfExtract('sha384', salt, ZEROS));
    salt.fill(0);
    this[Symbol.dispose]();
    return applicationSecrets(this.#hash, this.#suite, ms, finalTranscript);
  }

  [Symbol.dispose](): void {
    this.#hs[Symbol.dispose]();
    this.#finishedKeys.client[Symbol.dispose]();
    this.#finishedKeys.server[Symbol.dispose]();
  }
}

/** What lives as long as the channel. */
export interface ApplicationSecrets {
  readonly root: RootSecret;
  readonly exporter: ExporterSecret;
  readonly resumption: Secret;
  /** 16 bytes, public. */
  readonly channelId: Bytes;
}

function applicationSecrets(hash: HashProvider, suite: Suite, ms: Secret, th: Bytes): ApplicationSecrets {
  const child = (purpose: string, length?: number): Uint8Array<ArrayBuffer> =>
    derive(hash, ms.reveal(), suite.id, '-', purpose, th, length);
  return {
    root: new RootSecret(hash, suite, new Secret(child('root')), th),
    exporter: new ExporterSecret(hash, suite, new Secret(child('exporter'))),
    resumption: new Secret(child('resumption')),
    channelId: child('channel id', 16),
  };
}

/** §5.4. */
export class ExporterSecret implements Disposable {
  readonly #hash: HashProvider;
  readonly #suite: Suite;
  readonly #secret: Secret;

  constructor(hash: HashProvider, suite: Suite, secret: Secret) {
    this.#hash = hash;
    this.#suite = suite;
    this.#secret = secret;
  }

  export(label: string, context: Bytes, length: number): Uint8Array<ArrayBuffer> {
    const bound = this.#hash.hash('sha384', context);
    return derive(this.#hash, this.#secret.reveal(), this.#suite.id, '-', `exp ${label}`, bound, length);
  }

  [Symbol.dispose](): void {
    this.#secret[Symbol.dispose]();
  }
}

/** root_n with the transcript that it belongs to: gives the traffic keys of epoch n + 1 and the next root (§9.4). */
export class RootSecret implements Disposable {
  readonly #hash: HashProvider;
  readonly #suite: Suite;
  readonly #root: Secret;
  readonly #transcript: Bytes;

  constructor(hash: HashProvider, suite: Suite, root: Secret, transcript: Bytes) {
    this.#hash = hash;
    this.#suite = suite;
    this.#root = root;
    this.#transcript = transcript;
  }

  traffic(side: Side): TrafficKeys {
    using secret = new Secret(
      derive(this.#hash, this.#root.reveal(), this.#suite.id, roleOf(side), 'ap traffic', this.#transcript),
    );
    return trafficKeys(this.#hash, this.#suite, side, secret);
  }

  /** What T0 of a rekey is bound to, §9.3. */
  rekeyBinding(): Uint8Array<ArrayBuffer> {
    return derive(this.#hash, this.#root.reveal(), this.#suite.id, '-', 'rekey binding');
  }

  /** verify_data of RekeyFinish, made with the new root. */
  rekeyVerifyData(): Uint8Array<ArrayBuffer> {
    using key = new Secret(derive(this.#hash, this.#root.reveal(), this.#suite.id, 'c', 'finished'));
    return this.#hash.hmac('sha384', key.reveal(), this.#transcript);
  }

  /** Consumes `shared`; this root stays valid until it is disposed. */
  next(shared: Secret, transcript: Bytes): RootSecret {
    const salt = derive(this.#hash, this.#root.reveal(), this.#suite.id, '-', 'rk', transcript);
    const root = new Secret(this.#hash.hkdfExtract('sha384', salt, shared.reveal()));
    salt.fill(0);
    shared[Symbol.dispose]();
    return new RootSecret(this.#hash, this.#suite, root, transcript);
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }
}

/** psk of a ticket, §10.2. */
export function ticketPsk(hash: HashProvider, suite: Suite, resumption: Secret, nonce: Bytes): Secret {
  return new Secret(derive(hash, resumption.reveal(), suite.id, '-', 'ticket psk', nonce));
}

function trafficKeys(hash: HashProvider, suite: Suite, side: Side, secret: Secret): TrafficKeys {
  const { keyLength, nonceLength } = AEAD_PARAMETERS[suite.aead];
  const child = (purpose: string, length: number): Secret =>
    new Secret(derive(hash, secret.reveal(), suite.id, roleOf(side), purpose, NO_CONTEXT, length));
  return { key: child('key', keyLength), iv: child('iv', nonceLength) };
}
