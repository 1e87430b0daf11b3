// From the configuration of a tunnel to the settings of its channels.
import { toHex, utf8 } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import type { Credential, PeerJudge } from '../../certs/contract.ts';
import type { ChannelTimeouts, ClientChannelSettings, ServerChannelSettings } from '../../channel/channel.ts';
import { DEFAULT_REKEY_LIMITS, type RekeyLimits } from '../../channel/rekey-schedule.ts';
import type { ChannelPeer, PeerEvidence } from '../../handshake/effects.ts';
import { freshEntropy } from '../../handshake/entropy.ts';
import { EarlySecrets } from '../../handshake/key-schedule.ts';
import type { Suite } from '../../handshake/codepoints.ts';
import { permittedSchemes, permittedSuites } from '../../handshake/negotiation.ts';
import type { RekeySettings } from '../../handshake/rekey.ts';
import type { ClientTicket, CookiePolicy, Entropy, OwnCredential, ServerTicket } from '../../handshake/settings.ts';
import type { ClientTunnel, ServerTunnel, TunnelConfig } from '../config/schema.ts';
import type { Binding } from './tickets.ts';
import type { TunnelContext } from './tunnel.ts';

/** docs/PROTOCOL.md §13; bulk is cheapest with the greatest records, and small data make small ones anyway. */
const RECORD_LIMIT = 65_536;

/** Makes the settings of one tunnel's channels; asked anew for each, because credentials and trust change. */
export class ChannelSettingsSource {
  readonly #context: TunnelContext;
  readonly #tunnel: TunnelConfig;
  readonly #judge: PeerJudge;
  readonly #early: EarlySecrets;
  readonly #entropy: Entropy;
  readonly #policy: string;

  constructor(context: TunnelContext, tunnel: TunnelConfig) {
    this.#context = context;
    this.#tunnel = tunnel;
    this.#judge = context.trust.judgeFor(tunnel.peer);
    this.#early = new EarlySecrets(context.crypto.hash, context.meshKey, tunnel.service);
    this.#entropy = freshEntropy(context.crypto);
    const policy = { peer: tunnel.peer, crypto: context.cryptoConfig, staple: context.isStapleRequired, auth: tunnel.role === 'server' ? tunnel.clientAuth : '' };
    this.#policy = toHex(context.crypto.hash.hash('sha256', utf8(JSON.stringify(policy))));
  }

  client(tunnel: ClientTunnel, suites: readonly Suite[], ticket: ClientTicket | undefined): ClientChannelSettings {
    const credential = tunnel.isAnonymous ? undefined : ownCredential(this.#requireCredential());
    return {
      side: 'client',
      ...this.#common(),
      handshake: { ...this.#commonHandshake(), suites, credential, ticket },
    };
  }

  /** `waitedMs`: since the connection was accepted. */
  server(tunnel: ServerTunnel, waitedMs: number, cookies: CookiePolicy, redeemTicket: (ticket: Uint8Array) => ServerTicket | undefined): ServerChannelSettings {
    const { trust, meshKey } = this.#context;
    return {
      side: 'server',
      ...this.#common(waitedMs),
      hasMeshKey: meshKey !== undefined,
      handshake: {
        ...this.#commonHandshake(),
        suites: this.suites(),
        credential: ownCredential(this.#requireCredential()),
        clientAuth: tunnel.clientAuth,
        isAnonymousAllowed: tunnel.peer.allowsAnonymous,
        caHints: trust.caHints,
        trustDigest: trust.digest,
        cookies,
        redeemTicket,
      },
    };
  }

  /** Best first. With `hybrid: prefer` each side draws whether a channel is in the canary share. */
  suites(): readonly Suite[] {
    const { crypto, cryptoConfig } = this.#context;
    const { hybrid, canaryPercent } = cryptoConfig.kex;
    const isOut = hybrid === 'prefer' && canaryPercent < 100 && this.#percent() >= canaryPercent;
    return permittedSuites(crypto, isOut ? 'off' : hybrid, cryptoConfig.aead.default);
  }

  /** What a resumption ticket made or used now is bound to on our side (docs/PROTOCOL.md §10.3). */
  binding(): Binding {
    const { trust, crypto } = this.#context;
    const isAnonymous = this.#tunnel.role === 'client' && this.#tunnel.isAnonymous;
    const leaf = isAnonymous ? undefined : this.#requireCredential().presented.chain[0];
    const ownLeaf = leaf === undefined ? 'anonymous' : toHex(crypto.hash.hash('sha256', leaf));
    return `${ownLeaf}|${toHex(trust.digest)}|${this.#policy}`;
  }

  /** The verdict of now; throws or rejects with an XpsError. */
  judge(evidence: Pick<PeerEvidence, 'side' | 'credential'>): ChannelPeer | Promise<ChannelPeer> {
    return this.#judge.judge(evidence.credential, evidence.side);
  }

  #common(waitedMs = 0): {
    readonly timeouts: ChannelTimeouts;
    readonly rekeyLimits: RekeyLimits;
    readonly rekeySettings: () => RekeySettings;
    readonly judge: (evidence: PeerEvidence) => ChannelPeer | Promise<ChannelPeer>;
    readonly nowMs: () => number;
  } {
    const { clock, cryptoConfig } = this.#context;
    const { timeouts, keepAliveMs } = this.#tunnel;
    return {
      timeouts: {
        helloMs: timeouts.helloMs - waitedMs,
        handshakeMs: timeouts.handshakeMs - waitedMs,
        closeMs: timeouts.closeMs,
        keepAliveMs: keepAliveMs ?? 0,
      },
      rekeyLimits: {
        messages: cryptoConfig.tls.rekeyMessages,
        ageMs: Math.max(1000, Math.round(cryptoConfig.tls.rekeyMinutes * 60_000)),
        bytes: DEFAULT_REKEY_LIMITS.bytes,
        deadlineMs: timeouts.rekeyMs,
        overdueMs: timeouts.rekeyOverdueMs,
      },
      rekeySettings: () => this.#rekeySettings(),
      judge: (evidence) => this.judge(evidence),
      nowMs: () => clock.monotonicMs(),
    };
  }

  #commonHandshake(): Omit<ClientChannelSettings['handshake'], 'suites' | 'credential' | 'ticket'> {
    const { crypto, trust, isStapleRequired } = this.#context;
    return {
      crypto,
      early: this.#early,
      schemes: permittedSchemes(crypto),
      recordLimit: RECORD_LIMIT,
      isOwnLeafAllowed: this.#tunnel.peer.allowsOwnCertificate,
      isStapleRequired,
      leafKey: (leaf) => trust.leafKey(leaf),
      entropy: this.#entropy,
    };
  }

  #rekeySettings(): RekeySettings {
    const { crypto, trust, isStapleRequired, credentials } = this.#context;
    return {
      crypto,
      entropy: this.#entropy,
      leafKey: (leaf) => trust.leafKey(leaf),
      credential: credentials === undefined ? undefined : ownCredential(credentials.current),
      isOwnLeafAllowed: this.#tunnel.peer.allowsOwnCertificate,
      isStapleRequired,
    };
  }

  #requireCredential(): Credential {
    const { credentials } = this.#context;
    if (credentials === undefined) throw new XpsError('internal_error', { detail: `tunnel ${this.#tunnel.name} has no identity` });
    return credentials.current;
  }

  #percent(): number {
    const [high = 0, low = 0] = this.#entropy.random(2);
    return ((high * 256 + low) / 65_536) * 100;
  }
}

function ownCredential({ presented, key }: Credential): OwnCredential {
  return { presented, key };
}
