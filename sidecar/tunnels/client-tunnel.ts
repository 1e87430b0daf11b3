import { toXpsError, XpsError } from '../../base/errors.ts';
import { SecureChannel } from '../../channel/channel.ts';
import type { RekeyTrigger } from '../../channel/rekey-schedule.ts';
import type { MintedTicket } from '../../channel/session.ts';
import type { Established } from '../../handshake/effects.ts';
import type { Address, ClientTunnel as ClientConfig } from '../config/schema.ts';
import { errorFields, type Log } from '../log.ts';
import { isCarriableClient } from '../plane/carriable.ts';
import { ClientRoute } from '../plane/client-route.ts';
import { dial } from '../transports/dial.ts';
import { listen } from '../transports/listen.ts';
import type { Listener, Pass, Transport } from '../transports/transport.ts';
import { Admission } from './admission.ts';
import { ChannelSettingsSource } from './channel-settings.ts';
import { TunnelCounters } from './counters.ts';
import { readDialTls } from './ingress-tls.ts';
import { Link, type LinkOwner } from './link.ts';
import { Links } from './links.ts';
import { ChannelPool, type KeptChannels } from './pool.ts';
import { Relay } from './relay.ts';
import { Targets } from './targets.ts';
import { ClientTickets, type Series } from './tickets.ts';
import type { Tunnel, TunnelContext, TunnelStatus } from './tunnel.ts';
import { whenEmpty } from './when-empty.ts';

/** How often an application is offered another channel when the one it got was dead before a byte was moved. */
const MAX_ATTEMPTS = 3;

/** What is known of a channel besides the channel. */
interface Opening {
  readonly target: Address;
  readonly series: Series;
  /** Settles the promise of `#open`; undefined once it has. */
  settle: { readonly ready: (link: Link) => void; readonly failed: (error: XpsError) => void } | undefined;
}

/** Plaintext in, channel out. */
export class ClientTunnel implements Tunnel, LinkOwner {
  readonly name: string;
  readonly #counters = new TunnelCounters();
  readonly #config: ClientConfig;
  readonly #context: TunnelContext;
  readonly #log: Log;
  readonly #settings: ChannelSettingsSource;
  readonly #admission: Admission;
  readonly #links: Links;
  readonly #pool: ChannelPool;
  /** With a data plane: it accepts applications and keeps channels, and neither pool nor relays are used. */
  readonly #route: ClientRoute | undefined;
  readonly #kept: KeptChannels;
  readonly #targets: Targets<Address>;
  readonly #tickets = new ClientTickets();
  readonly #openings = new WeakMap<Link, Opening>();
  readonly #relays = new Map<Link, Relay>();
  /** Applications from accept to close, with or without a channel. */
  readonly #applications = new Set<Transport>();
  readonly #abort = new AbortController();
  readonly #stops: (() => void)[] = [];
  #listener: Listener | undefined;
  #isDraining = false;

  constructor(config: ClientConfig, context: TunnelContext) {
    const { clock } = context;
    const nowMs = (): number => clock.monotonicMs();
    this.name = config.name;
    this.#config = config;
    this.#context = context;
    this.#log = context.log.with({ tunnel: config.name });
    this.#settings = new ChannelSettingsSource(context, config);
    this.#admission = new Admission(config.limits, this.#counters, nowMs);
    this.#targets = new Targets(config.connect);
    this.#links = new Links({
      settings: this.#settings,
      counters: this.#counters,
      log: this.#log,
      revalidateMs: config.timeouts.revalidateMs,
      nowMs,
      wallMs: () => clock.wallMs(),
    });
    this.#pool = new ChannelPool({ config: config.pool, maxOpening: config.limits.handshakes, open: () => this.#open(), nowMs });
    if (context.plane !== undefined && isCarriableClient(config)) {
      this.#route = new ClientRoute({ plane: context.plane, config, counters: this.#counters, log: this.#log, open: () => this.#open(), nowMs });
    }
    this.#kept = this.#route ?? this.#pool;
    this.#stops.push(
      context.heartbeat.add(() => this.#beat()),
      context.trust.onChange(() => this.#links.judgeAll()),
    );
    if (context.credentials !== undefined && !config.isAnonymous) {
      this.#stops.push(context.credentials.onChange(() => this.#links.demandRekeys()));
    }
  }

  /** As of now, the plane's included. */
  get counters(): TunnelCounters {
    this.#route?.count();
    return this.#counters;
  }

  async listen(): Promise<void> {
    this.#listener = await (this.#route?.listen() ?? this.#listenHere());
    const connect = this.#config.connect.map(({ url }) => url).join(' ');
    this.#log.info('listening for applications', { listen: this.#listener.url, connect, plane: this.#route === undefined ? 'portable' : 'native' });
  }

  start(): void {
    this.#kept.startWarming();
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    await this.#listener?.close();
    this.#kept.drain();
    for (const link of this.#links.established) if (!link.isBusy) link.close();
    const isEmpty = (): boolean => this.#openConnections === 0 && this.#links.size === 0;
    await whenEmpty(isEmpty, this.#context.heartbeat, deadlineMs);
    this.#abort.abort();
    const error = new XpsError('shutting_down');
    this.#kept.abandon(error);
    for (const link of this.#links) link.fail(error);
    for (const application of this.#applications) application.reset();
    this.#applications.clear();
    for (const stop of this.#stops) stop();
    this.#tickets[Symbol.dispose]();
  }

  async reload(): Promise<void> {
    // Nothing here is read from files but what each dial reads anew.
  }

  status(): TunnelStatus {
    return {
      name: this.name,
      role: 'client',
      listen: this.#listener?.url ?? this.#config.listen.url,
      targets: this.#targets.status(this.#context.clock.monotonicMs()),
      isAccepting: this.#listener !== undefined && !this.#isDraining,
      openConnections: this.#openConnections,
      halfOpen: this.#links.size - this.#links.establishedCount,
      idleChannels: this.#kept.idleCount,
      channelCount: this.#links.establishedCount,
      channels: this.#links.status(),
    };
  }

  // Calls of the links.

  onReady(link: Link): void {
    const opening = this.#openings.get(link);
    opening?.settle?.ready(link);
    if (opening !== undefined) opening.settle = undefined;
  }

  onEstablished(link: Link, established: Established): void {
    this.#kept.confirmed();
    this.#links.establish(link, established);
    this.#route?.adopt(link);
  }

  onOpen(): void {
    // Sent by clients only; the channel refuses it from a server.
  }

  onStreamOver(link: Link): void {
    this.#relays.get(link)?.streamOver();
    this.#relays.delete(link);
    this.#kept.giveBack(link);
  }

  onRetire(link: Link): void {
    this.#kept.remove(link);
    link.close();
  }

  onTicket(link: Link, minted: MintedTicket): void {
    const { established, peerCredential } = link.channel;
    const opening = this.#openings.get(link);
    if (established === undefined || peerCredential === undefined || opening === undefined) return;
    const { target, series } = opening;
    this.#tickets.put(target.url, {
      minted, series,
      suite: established.suite,
      peer: peerCredential,
      binding: this.#settings.binding(),
      nowMs: this.#context.clock.wallMs(),
    });
  }

  onRekeyed(link: Link, generation: number, trigger: RekeyTrigger | 'peer'): void {
    this.#links.rekeyed(link, generation, trigger);
  }

  onOver(link: Link, error: XpsError | undefined): void {
    const opening = this.#openings.get(link);
    const wasEstablished = this.#links.isEstablished(link);
    this.#relays.delete(link);
    this.#kept.remove(link);
    this.#links.remove(link, error);
    if (opening?.settle !== undefined) {
      opening.settle.failed(error ?? new XpsError('channel_truncated', { detail: 'closed during the handshake' }));
      opening.settle = undefined;
    } else if (!wasEstablished && error !== undefined) {
      this.#kept.openingFailed();
      if (opening !== undefined) this.#targets.failed(opening.target, this.#context.clock.monotonicMs());
    }
  }

  #listenHere(): Promise<Listener> {
    return listen(this.#config.listen, {
      side: 'application',
      upgradeTimeoutMs: this.#config.timeouts.helloMs,
      onAccept: (source) => this.#admission.enterProven(source),
      onConnection: (application, pass) => this.#accept(application, pass),
      onError: (error) => this.#log.warn('accepting a connection failed', errorFields(error)),
    });
  }

  #accept(application: Transport, pass: Pass): void {
    this.#counters.accepted += 1;
    this.#applications.add(application);
    application.tune({ noDelay: true });
    const leave = (): void => {
      this.#applications.delete(application);
      pass.leave();
    };
    this.#serve(application, leave, 1);
  }

  #serve(application: Transport, leave: () => void, attempt: number): void {
    this.#pool.take({
      take: (link, isWarm) => this.#relay(link, isWarm, application, leave, attempt),
      fail: (error) => {
        this.#log.warn('no channel for an application', { remote: application.remote, ...errorFields(error) });
        application.reset();
        leave();
      },
    });
  }

  #relay(link: Link, isWarm: boolean, application: Transport, leave: () => void, attempt: number): void {
    this.#counters.streamsOpened += 1;
    if (isWarm) this.#counters.streamsOnWarmChannels += 1;
    let isUnused = false;
    link.channel.open({ kind: 'configured' });
    const relay = new Relay(link, {
      heartbeat: this.#context.heartbeat,
      counters: this.#counters,
      idleMs: this.#config.timeouts.idleMs,
      nowMs: () => this.#context.clock.monotonicMs(),
      onOver: (end) => {
        if (end !== undefined) {
          this.#counters.streamsAborted += 1;
          this.#log.debug('stream aborted', { remote: application.remote, why: end });
        }
        queueMicrotask(() => {
          if (!isUnused) leave();
        });
      },
      // A fresh channel that fails is an answer; only one that had grown old in the pool deserves another try.
      ...(isWarm && attempt < MAX_ATTEMPTS
        ? {
            onUnused: (unused: Transport) => {
              isUnused = true;
              this.#serve(unused, leave, attempt + 1);
            },
          }
        : {}),
    }, application);
    if (!relay.isOver) this.#relays.set(link, relay);
  }

  /** A channel over which a stream may be opened, to the first target that gives one. */
  async #open(): Promise<Link> {
    const nowMs = (): number => this.#context.clock.monotonicMs();
    let last = new XpsError('dial_failed', { detail: 'there is no target' });
    for (const target of this.#targets.inOrder(nowMs())) {
      if (this.#abort.signal.aborted) throw new XpsError('shutting_down');
      try {
        const link = await this.#shakeHands(target);
        this.#targets.worked(target);
        return link;
      } catch (thrown) {
        last = toXpsError(thrown);
        this.#targets.failed(target, nowMs());
        if (last.reason === 'dial_failed') {
          this.#counters.targetsUnreachable += 1;
          this.#log.warn('target cannot be reached', { target: target.url, ...errorFields(last) });
        }
      }
    }
    throw last;
  }

  async #shakeHands(target: Address): Promise<Link> {
    const { timeouts, keepAliveMs, tls } = this.#config;
    const transport = await dial(target, {
      side: 'channel',
      timeoutMs: timeouts.connectMs,
      signal: this.#abort.signal,
      ...(target.scheme === 'wss' && tls !== undefined ? { tls: await readDialTls(tls) } : {}),
    });
    transport.tune({ noDelay: true, ...(keepAliveMs === undefined ? {} : { keepAliveMs }) });
    const { clock, heartbeat } = this.#context;
    const suites = this.#settings.suites();
    const resumption = this.#tickets.take(target.url, this.#settings.binding(), suites, clock.wallMs());
    return await new Promise<Link>((ready, failed) => {
      const settings = this.#settings.client(this.#config, suites, resumption?.ticket);
      const link = new Link(transport, (handler) => new SecureChannel(settings, handler), heartbeat, this);
      this.#openings.set(link, {
        target,
        series: resumption?.series ?? { signedAtMs: clock.wallMs() },
        settle: { ready, failed },
      });
      this.#links.add(link);
      link.start();
    });
  }

  get #openConnections(): number {
    return this.#route?.openConnections ?? this.#applications.size;
  }

  #beat(): void {
    this.#kept.beat();
    this.#links.beat();
  }
}
