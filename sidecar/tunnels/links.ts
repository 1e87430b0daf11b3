// What client and server tunnels do alike with their channels: keeping them, counting, logging, judging again.
import { toHex } from '../../base/bytes.ts';
import { toXpsError, XpsError } from '../../base/errors.ts';
import type { Established } from '../../handshake/effects.ts';
import { suiteName } from '../../handshake/codepoints.ts';
import { errorFields, type Fields, type Log } from '../log.ts';
import type { ChannelSettingsSource } from './channel-settings.ts';
import { count, type TunnelCounters } from './counters.ts';
import type { Link } from './link.ts';
import { LimitedLog } from './log-limit.ts';
import type { ChannelStatus } from './tunnel.ts';

/** Demands for a rekey are spread, so that a new CRL does not make every channel rekey in the same instant. */
const DEMANDS_PER_BEAT = 20;
const SHOWN_CHANNELS = 100;

interface Kept {
  readonly link: Link;
  readonly establishedAtMs: number;
  readonly established: Established;
  judgeAgainAtMs: number;
  isJudging: boolean;
}

export interface LinksOptions {
  readonly settings: ChannelSettingsSource;
  readonly counters: TunnelCounters;
  readonly log: Log;
  readonly revalidateMs: number;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

/** The channels of a tunnel, half-open and established. */
export class Links {
  readonly #options: LinksOptions;
  readonly #halfOpen = new Set<Link>();
  readonly #established = new Map<Link, Kept>();
  readonly #demands: Link[] = [];
  readonly #strangers: LimitedLog;

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#strangers = new LimitedLog(options.log, options.nowMs);
  }

  get size(): number {
    return this.#halfOpen.size + this.#established.size;
  }

  get establishedCount(): number {
    return this.#established.size;
  }

  [Symbol.iterator](): Iterator<Link> {
    return [...this.#halfOpen, ...this.#established.keys()].values();
  }

  get halfOpen(): Iterable<Link> {
    return [...this.#halfOpen];
  }

  get established(): Iterable<Link> {
    return [...this.#established.keys()];
  }

  isEstablished(link: Link): boolean {
    return this.#established.has(link);
  }

  add(link: Link): void {
    this.#halfOpen.add(link);
  }

  establish(link: Link, established: Established): void {
    const { counters, log, nowMs } = this.#options;
    this.#halfOpen.delete(link);
    this.#established.set(link, {
      link, established,
      establishedAtMs: nowMs(),
      judgeAgainAtMs: this.#nextVerdictMs(link),
      isJudging: false,
    });
    counters.channelsEstablished += 1;
    if (established.isResumed) counters.channelsResumed += 1;
    if (established.suite.group === 'XWING') counters.channelsHybrid += 1;
    log.info('channel established', {
      ...identify(link),
      peer: peerName(link),
      suite: suiteName(established.suite),
      engine: link.channel.provider,
      resumed: established.isResumed,
    });
  }

  rekeyed(link: Link, generation: number, trigger: string): void {
    count(this.#options.counters.rekeys, trigger);
    this.#options.log.debug('channel rekeyed', { ...identify(link), generation, trigger });
    const kept = this.#established.get(link);
    if (kept !== undefined) kept.judgeAgainAtMs = this.#nextVerdictMs(link);
  }

  /** Forgets the channel, counts and logs how it ended. */
  remove(link: Link, error: XpsError | undefined): void {
    const { counters, log } = this.#options;
    const wasEstablished = this.#established.delete(link);
    this.#halfOpen.delete(link);
    if (error === undefined) {
      counters.channelsClosed += 1;
      log.info('channel closed', { ...identify(link), peer: peerName(link) });
    } else if (wasEstablished) {
      count(counters.channelsFailed, error.reason);
      const fields = { ...identify(link), peer: peerName(link), ...errorFields(error) };
      if (error.reason === 'shutting_down' || error.reason === 'peer_alert_shutdown') log.info('channel ended', fields);
      else log.warn('channel failed', fields);
    } else {
      count(counters.handshakesFailed, error.reason);
      this.#strangers.warn('handshake failed', { ...identify(link), ...errorFields(error) });
    }
  }

  /** Trust, pins, revocation data or our own credential changed: everybody is judged again now and gets fresh keys soon. */
  judgeAll(): void {
    for (const kept of this.#established.values()) {
      this.#judge(kept);
      this.#demands.push(kept.link);
    }
  }

  /** A connection that ended before there was a channel. */
  turnedAway(remote: string, error: XpsError): void {
    count(this.#options.counters.handshakesFailed, error.reason);
    this.#strangers.warn('handshake failed', { remote, ...errorFields(error) });
  }

  /** Fresh keys soon, without a verdict before: our own credential was renewed. */
  demandRekeys(): void {
    this.#demands.push(...this.#established.keys());
  }

  beat(): void {
    for (const link of this.#demands.splice(0, DEMANDS_PER_BEAT)) if (!link.isOver) link.channel.demandRekey();
    const nowMs = this.#options.nowMs();
    for (const kept of this.#established.values()) {
      if (nowMs >= kept.judgeAgainAtMs) this.#judge(kept);
    }
  }

  status(): readonly ChannelStatus[] {
    const nowMs = this.#options.nowMs();
    return [...this.#established.values()].slice(0, SHOWN_CHANNELS).map(({ link, established, establishedAtMs }) => {
      const { peer } = link.channel;
      return {
        id: toHex(established.channelId),
        remote: link.transport.remote,
        peer: peerName(link),
        peerValidUntilMs: peer?.kind === 'authenticated' && Number.isFinite(peer.validUntilMs) ? peer.validUntilMs : undefined,
        suite: suiteName(established.suite),
        engine: link.channel.provider,
        generation: link.channel.generation,
        isResumed: established.isResumed,
        isBusy: link.isBusy,
        ageMs: Math.round(nowMs - establishedAtMs),
      };
    });
  }

  /** docs/PROTOCOL.md §9.7 and the owner's duty: a peer that is no longer accepted is cut off at once. */
  #judge(kept: Kept): void {
    const { link } = kept;
    const credential = link.channel.peerCredential;
    if (credential === undefined || kept.isJudging || link.isOver) {
      kept.judgeAgainAtMs = Number.POSITIVE_INFINITY;
      return;
    }
    this.#options.counters.revalidations += 1;
    const side = kept.established.side === 'client' ? 'server' : 'client';
    const reject = (thrown: unknown): void => {
      const verdict = toXpsError(thrown);
      link.fail(new XpsError('peer_rejected', { detail: `${verdict.reason}${verdict.detail === '' ? '' : `: ${verdict.detail}`}`, cause: thrown }));
    };
    const accept = (): void => {
      kept.isJudging = false;
      kept.judgeAgainAtMs = this.#nextVerdictMs(link);
    };
    try {
      const verdict = this.#options.settings.judge({ side, credential });
      if (!(verdict instanceof Promise)) return accept();
      kept.isJudging = true;
      verdict.then(accept, reject);
    } catch (thrown) {
      reject(thrown);
    }
  }

  /** Monotonic: after the configured period, or when the last verdict ends, whichever is first; at least a second from now. */
  #nextVerdictMs(link: Link): number {
    const { revalidateMs, nowMs, wallMs } = this.#options;
    const { peer } = link.channel;
    const leftMs = peer?.kind === 'authenticated' ? peer.validUntilMs - wallMs() : Number.POSITIVE_INFINITY;
    return nowMs() + Math.max(1000, Math.min(revalidateMs, leftMs));
  }
}

/** Which channel a log line is about; both sides can compute the handshake id. */
export function identify(link: Link): Fields {
  const { established, handshakeId } = link.channel;
  return {
    remote: link.transport.remote,
    handshake: handshakeId === undefined ? undefined : toHex(handshakeId),
    channel: established === undefined ? undefined : toHex(established.channelId),
  };
}

export function peerName(link: Link): string {
  const { peer } = link.channel;
  if (peer === undefined) return 'unknown';
  return peer.kind === 'anonymous' ? 'anonymous' : peer.name;
}
