/** What both handshakes and the traffic share: sending, transcript, secrets, judging the peer, failing. */
import { randomBytes, type KeyObject } from 'node:crypto';
import { concat, equalBytes, toHex } from './bytes.ts';
import { H, leafKey, selectScheme, sign, verify, type Purpose, type Random } from './algorithms.ts';
import { type Extension } from './fields.ts';
import { ANONYMOUS, type Certificate, type Signed } from './handshake-messages.ts';
import type { ReferenceCredential, ReferenceEvent, ReferenceOptions } from './options.ts';
import { frame, Inbox, Outbox, type Lane } from './records.ts';
import { earlyKeys, trafficKeys, type EarlyKeys } from './schedule.ts';
import { demand, MESSAGES, ReferenceError, TYPE, UsageError, type Bytes, type Role } from './vocabulary.ts';

export interface LoggedMessage {
  readonly from: Role;
  readonly name: string;
  readonly bytes: string;
}

/** What a finished handshake leaves for the traffic. */
export interface Negotiated {
  readonly suite: number;
  readonly recordLimit: number;
  readonly resumed: boolean;
  readonly isClientAnonymous: boolean;
  readonly peer: Certificate;
  /** What the peer accepts from us, for the signatures of rekeys. */
  readonly peerSchemes: readonly number[];
  readonly trustDigest: Bytes;
  readonly fullHandshakeAt: number;
  /** By `nameOfShare`, §9.4. */
  readonly seenShares: Set<string>;
  readonly root: Bytes;
  readonly exporter: Bytes;
  readonly resumption: Bytes;
  readonly channelId: Bytes;
}

export class Core {
  readonly options: ReferenceOptions;
  readonly role: Role;
  readonly random: Random;
  readonly now: () => number;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly early: EarlyKeys;
  readonly events: ReferenceEvent[] = [];
  readonly secrets: Record<string, string> = {};
  readonly transcript: { type: number; bytes: string }[] = [];
  readonly log: LoggedMessage[] = [];
  credential: ReferenceCredential | undefined;
  state: string;
  /** Our epoch 0 keys, for a Failure (§11.1). */
  failureLane: Lane | undefined;
  /** §11.1: a server with a mesh key, until the gate was right. */
  isSilent: boolean;
  hasSentClose = false;
  isRekeying = false;
  #hashed: Bytes = new Uint8Array(0);

  constructor(options: ReferenceOptions, state: string) {
    this.options = options;
    this.role = options.role;
    this.state = state;
    this.random = options.random ?? ((_, length) => Uint8Array.from(randomBytes(length)));
    this.now = options.now ?? Date.now;
    this.inbox = new Inbox(options.role === 'client' ? 'server' : 'client');
    this.outbox = new Outbox(options.hardLimit);
    this.credential = options.credential;
    this.isSilent = options.role === 'server' && options.meshKey !== undefined;
    if (options.meshKey !== undefined && options.meshKey.length < 32) {
      throw new UsageError('a mesh key has at least 32 bytes');
    }
    this.early = earlyKeys(options.meshKey, options.serviceName ?? '');
    const { es, tagKey, gateKey, serviceTag } = this.early;
    this.note({ es, 'tag key': tagKey, 'gate key': gateKey, service_tag: serviceTag });
  }

  get isDead(): boolean {
    return this.state === 'failed' || this.state === 'closed';
  }

  /** Writes secrets down, for vectors. A product would wipe them (§5.2). */
  note(secrets: Record<string, Bytes>): void {
    for (const [name, value] of Object.entries(secrets)) this.secrets[name] = toHex(value);
  }

  // Sending and the transcript

  /** The whole message as it counts in transcripts; undefined if a test omits it. */
  send(type: number, body: Bytes = new Uint8Array(0)): Bytes | undefined {
    if (this.options.omit?.includes(type) === true) return undefined;
    const whole = frame(type, this.options.tamper?.(type, body) ?? body);
    this.outbox.message(whole);
    this.logMessage(this.role, whole);
    return this.options.tamperTranscript === 'original' ? frame(type, body) : whole;
  }

  /** Sends a message of the handshake transcript (§5.3). */
  say(type: number, body: Bytes): Bytes | undefined {
    const whole = this.send(type, body);
    if (whole !== undefined) this.hear(whole);
    return whole;
  }

  hear(whole: Bytes): void {
    this.#hashed = concat([this.#hashed, whole]);
    this.transcript.push({ type: whole[0] as number, bytes: toHex(whole) });
  }

  /** TH through the last message said or heard. */
  th(): Bytes {
    return H(this.#hashed);
  }

  logMessage(from: Role, whole: Bytes): void {
    this.log.push({ from, name: MESSAGES.get(whole[0] as number)?.name ?? '?', bytes: toHex(whole) });
  }

  lane(name: string, suite: number, secret: Bytes, direction: 'c' | 's', epoch: number, contentLimit: number): Lane {
    const keys = trafficKeys(suite, secret, direction);
    this.note({ [name]: secret, [`${name} key`]: keys.key, [`${name} iv`]: keys.iv });
    return { suite, ...keys, epoch, contentLimit, seq: 0n };
  }

  // GREASE, §4.3

  greasedList(values: readonly number[], name: string): number[] {
    if (this.options.grease === false) return [...values];
    const entropy = this.random(`grease ${name}`, 2);
    const byte = ((entropy[0] as number) & 0xf0) | 0x0a;
    const place = (entropy[1] as number) % (values.length + 1);
    return values.toSpliced(place, 0, byte * 0x0101);
  }

  greasedExtensions(extensions: readonly Extension[], name: string): Extension[] {
    if (this.options.grease === false) return [...extensions];
    const byte = ((this.random(`grease ${name}`, 1)[0] as number) & 0x70) | 0x0a;
    const grease = { type: byte * 0x0101, body: new Uint8Array(0) };
    return [...extensions, grease].sort((a, b) => a.type - b.type);
  }

  // Credentials, §6.5 and §6.6

  get ownCertificate(): Certificate {
    if (this.credential === undefined) return ANONYMOUS;
    return { chain: this.credential.chain, staple: this.credential.staple ?? new Uint8Array(0) };
  }

  /** The scheme for our signature; none in common is fatal (§4.4). */
  ownScheme(peerSchemes: readonly number[]): number {
    const leaf = this.credential?.chain[0];
    demand(leaf !== undefined, 'no_credential');
    const scheme = selectScheme(peerSchemes, leafKey(leaf));
    demand(scheme !== undefined, 'no_common_scheme');
    return scheme;
  }

  sign(purpose: Purpose, peerSchemes: readonly number[], th: Bytes): Signed {
    const scheme = this.ownScheme(peerSchemes);
    return { scheme, signature: sign(scheme, this.credential?.keyPem ?? '', purpose, th) };
  }

  /** Returns the key of the leaf if the chain is acceptable. */
  judge({ chain, staple }: Certificate): KeyObject {
    const leaf = chain[0];
    demand(leaf !== undefined, 'certificate_missing');
    const ownLeaf = this.credential?.chain[0];
    const isOwn = ownLeaf !== undefined && equalBytes(leaf, ownLeaf);
    demand(!isOwn || this.options.allowOwnLeaf === true, 'certificate_own');
    const key = leafKey(leaf);
    const needsStaple = this.role === 'server' && this.options.stapleRequired === true;
    demand(!needsStaple || staple.length > 0, 'staple_missing');
    demand(this.options.acceptPeer([...chain], staple), 'certificate_rejected');
    return key;
  }

  /** Our list decides about the peer's scheme (§4.4). */
  demandSigned(purpose: Purpose, { scheme, signature }: Signed, key: KeyObject, th: Bytes): void {
    demand(scheme === selectScheme(this.options.schemes, key), 'scheme_mismatch');
    demand(verify(scheme, key, purpose, th, signature), 'signature_invalid');
  }

  // Endings, §8.7 and §11

  end(state: 'closed' | 'failed'): void {
    this.state = state;
    this.inbox.lanes = [];
    this.outbox.lane = undefined;
    this.failureLane = undefined;
  }

  /** Answers once and is dead from then on. */
  fail(thrown: unknown): ReferenceError {
    const error =
      thrown instanceof ReferenceError ? thrown : new ReferenceError('internal_error', String(thrown));
    if (this.isDead) return error;
    const knowsPeer = this.state === 'established' || this.state === 'C wait confirm';
    if (!knowsPeer) this.#sendFailure();
    else if (!this.hasSentClose) this.sendAlert(alertCode(error.reason));
    this.events.push({ type: 'failure', from: 'self', reason: error.reason });
    this.end('failed');
    return error;
  }

  sendAlert(code: number): void {
    const whole = frame(TYPE.Alert, Uint8Array.of(code));
    this.outbox.message(whole, this.outbox.lane, true);
    this.logMessage(this.role, whole);
  }

  #sendFailure(): void {
    if (this.isSilent) return;
    const whole = frame(TYPE.Failure, new Uint8Array(0));
    this.outbox.message(whole, this.failureLane, true);
    this.logMessage(this.role, whole);
  }
}

/** §11.3 */
function alertCode(reason: string): number {
  switch (reason) {
    case 'internal_error':
      return 1;
    case 'certificate_rejected':
    case 'certificate_own':
    case 'certificate_malformed':
    case 'staple_missing':
      return 3;
    case 'limit_exceeded':
      return 4;
    case 'key_exhausted':
    case 'rekey_deadline':
      return 5;
    default:
      return 2;
  }
}
