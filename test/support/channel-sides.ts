// Everything that a channel of a test needs: identities, verdicts, settings. Each can be replaced by name.
import { createHash, X509Certificate } from 'node:crypto';
import { utf8, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { AuthorisedPeer } from '../../certs/authorisation.ts';
import type { ChannelTimeouts, ClientChannelSettings, ServerChannelSettings } from '../../channel/channel.ts';
import { DEFAULT_REKEY_LIMITS, type RekeyLimits } from '../../channel/rekey-schedule.ts';
import type { Crypto, SignatureScheme, VerifyingKey } from '../../engines/contract.ts';
import { suiteOf, type Suite } from '../../handshake/codepoints.ts';
import type { ChannelPeer, PeerEvidence } from '../../handshake/effects.ts';
import { freshEntropy } from '../../handshake/entropy.ts';
import { EarlySecrets } from '../../handshake/key-schedule.ts';
import type { ClientAuth } from '../../handshake/messages/server-parameters.ts';
import { permittedSchemes } from '../../handshake/negotiation.ts';
import type { RekeySettings } from '../../handshake/rekey.ts';
import type { ClientTicket, CookiePolicy, Entropy, OwnCredential, ServerTicket } from '../../handshake/settings.ts';
import { makeIdentity, spkiOfCertificate, type TestIdentity } from './certificates.ts';
import { crypto as defaultCrypto } from './test-crypto.ts';

export type Judge = (evidence: PeerEvidence) => ChannelPeer | Promise<ChannelPeer>;

export interface SideOptions {
  readonly crypto?: Crypto;
  readonly suites?: readonly Suite[];
  readonly schemes?: readonly SignatureScheme[];
  readonly identity?: TestIdentity | undefined;
  readonly staple?: Bytes;
  /** What is presented at a rekey, if another identity than at first. */
  readonly renewed?: () => TestIdentity | undefined;
  readonly meshKey?: Bytes;
  readonly service?: string;
  readonly recordLimit?: number;
  readonly isOwnLeafAllowed?: boolean;
  readonly isStapleRequired?: boolean;
  readonly judge?: Judge;
  readonly entropy?: Entropy;
  readonly rekeyEntropy?: Entropy;
  readonly rekeyLimits?: Partial<RekeyLimits>;
  readonly timeouts?: Partial<ChannelTimeouts>;
}

export interface ClientOptions extends SideOptions {
  readonly ticket?: ClientTicket;
}

export interface ServerOptions extends SideOptions {
  readonly clientAuth?: ClientAuth;
  readonly isAnonymousAllowed?: boolean;
  readonly cookies?: CookiePolicy;
  readonly caHints?: readonly Bytes[];
  readonly trustDigest?: Bytes;
  readonly redeemTicket?: (ticket: Bytes) => ServerTicket | undefined;
}

export const DEFAULT_SUITES: readonly Suite[] = [suiteOf('X25519', 'AES_GCM')];
export const ALICE: TestIdentity = makeIdentity('alice');
export const BOB: TestIdentity = makeIdentity('bob');
export const MALLORY: TestIdentity = makeIdentity('mallory');

const TIMEOUTS: ChannelTimeouts = { helloMs: 3000, handshakeMs: 10_000, closeMs: 5000, keepAliveMs: 0 };

export function clientSettings(options: ClientOptions, nowMs: () => number): ClientChannelSettings {
  const identity = 'identity' in options ? options.identity : ALICE;
  const common = commonSettings(options, identity, nowMs);
  return {
    side: 'client',
    ...common.channel,
    handshake: { ...common.handshake, credential: identity && credentialOf(common.crypto, identity, options.staple), ticket: options.ticket },
  };
}

export function serverSettings(options: ServerOptions, nowMs: () => number): ServerChannelSettings {
  const identity = options.identity ?? BOB;
  const common = commonSettings(options, identity, nowMs);
  return {
    side: 'server',
    hasMeshKey: options.meshKey !== undefined,
    ...common.channel,
    handshake: {
      ...common.handshake,
      credential: credentialOf(common.crypto, identity, options.staple),
      clientAuth: options.clientAuth ?? 'required',
      isAnonymousAllowed: options.isAnonymousAllowed ?? false,
      caHints: options.caHints ?? [],
      trustDigest: options.trustDigest ?? new Uint8Array(32),
      cookies: options.cookies ?? NO_COOKIES,
      redeemTicket: options.redeemTicket ?? (() => undefined),
    },
  };
}

function commonSettings(options: SideOptions, identity: TestIdentity | undefined, nowMs: () => number) {
  const crypto = options.crypto ?? defaultCrypto;
  const keys = new Map<string, VerifyingKey>();
  const leafKey = (leaf: Bytes): VerifyingKey => {
    const id = Buffer.from(leaf).toString('base64');
    const key = keys.get(id) ?? crypto.signature.loadVerifyingKey(spkiOfLeaf(leaf));
    keys.set(id, key);
    return key;
  };
  const shared = {
    crypto, leafKey,
    entropy: options.entropy ?? freshEntropy(crypto),
    isOwnLeafAllowed: options.isOwnLeafAllowed ?? false,
    isStapleRequired: options.isStapleRequired ?? false,
  };
  const rekeySettings = (): RekeySettings => {
    const now = options.renewed?.() ?? identity;
    return {
      ...shared,
      entropy: options.rekeyEntropy ?? freshEntropy(crypto),
      credential: now && credentialOf(crypto, now, options.staple),
    };
  };
  return {
    crypto,
    channel: {
      nowMs, rekeySettings,
      judge: options.judge ?? acceptAll,
      timeouts: { ...TIMEOUTS, ...options.timeouts },
      rekeyLimits: { ...DEFAULT_REKEY_LIMITS, ...options.rekeyLimits },
    },
    handshake: {
      ...shared,
      early: new EarlySecrets(crypto.hash, options.meshKey && new Secret(Uint8Array.from(options.meshKey)), options.service ?? ''),
      suites: options.suites ?? DEFAULT_SUITES,
      schemes: options.schemes ?? permittedSchemes(crypto),
      recordLimit: options.recordLimit ?? 65_536,
    },
  };
}

function spkiOfLeaf(leaf: Bytes): Bytes {
  try {
    return spkiOfCertificate(leaf);
  } catch (cause) {
    throw new XpsError('certificate_malformed', { cause });
  }
}

export function credentialOf(crypto: Crypto, identity: TestIdentity, staple: Bytes = new Uint8Array(0)): OwnCredential {
  return { presented: { chain: identity.chain, staple }, key: crypto.signature.loadSigningKey(identity.keyPem) };
}

const NO_COOKIES: CookiePolicy = { isDemanded: false, make: () => new Uint8Array(1), isValid: () => false };

/** A policy that demands a cookie of every hello, made as docs/PROTOCOL.md §6.3 advises. */
export function demandCookies(crypto: Crypto = defaultCrypto, key: Bytes = utf8('cookie key')): CookiePolicy {
  const make = (core: Bytes): Uint8Array => crypto.hash.hmac('sha384', key, core);
  return { isDemanded: true, make, isValid: (core, cookie) => crypto.equal(make(core), cookie) };
}

/** A peer whom somebody has judged; the real one comes out of path validation, which is tested in test/certs. */
export function peerNamed(name: string, leaf: Bytes): AuthorisedPeer {
  const peer = Object.create(AuthorisedPeer.prototype) as AuthorisedPeer;
  return Object.assign(peer, {
    kind: 'authenticated',
    name,
    names: [`dns:${name}.test`],
    admittingNames: [`dns:${name}.test`],
    leafSha256: createHash('sha256').update(leaf).digest(),
    validUntilMs: Number.POSITIVE_INFINITY,
  });
}

export const acceptAll: Judge = ({ credential }) => {
  const leaf = credential.chain[0] as Bytes;
  let name: string;
  try {
    name = new X509Certificate(leaf).subject.replace('CN=', '');
  } catch (cause) {
    throw new XpsError('certificate_malformed', { cause });
  }
  return peerNamed(name, leaf);
};
