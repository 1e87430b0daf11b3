import type { Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { SecureChannel } from '../../channel/channel.ts';
import type { Destination } from '../../channel/messages/stream-messages.ts';
import type { RekeyTrigger } from '../../channel/rekey-schedule.ts';
import type { Established } from '../../handshake/effects.ts';
import type { PlainAddress, ServerTunnel as ServerConfig } from '../config/schema.ts';
import { errorFields, type Log } from '../log.ts';
import { isCarriableServer } from '../plane/carriable.ts';
import { ServerRoute } from '../plane/server-route.ts';
import { listen } from '../transports/listen.ts';
import type { Listener, Transport } from '../transports/transport.ts';
import { Admission, type AdmissionPass } from './admission.ts';
import { ChannelSettingsSource } from './channel-settings.ts';
import { CookieJar } from './cookies.ts';
import { TunnelCounters } from './counters.ts';
import { readListenTls } from './ingress-tls.ts';
import { Link, type LinkOwner } from './link.ts';
import { Links, peerName } from './links.ts';
import { Relay } from './relay.ts';
import { dialFirst } from './target-dial.ts';
import { Targets } from './targets.ts';
import { SilentConnections } from './silent-connections.ts';
import { ServerTickets, ticketLifetimeS, type Series } from './tickets.ts';
import type { Tunnel, TunnelContext, TunnelStatus } from './tunnel.ts';
import { whenEmpty } from './when-empty.ts';

interface Arrival {
  readonly pass: AdmissionPass;
  /** Of the signed handshake; another one when a ticket was redeemed. */
  series: Series;
  /** Monotonic; when the last stream ended. */
  idleSinceMs: number;
  /** Of a carried channel: streams that were seen. */
  streams: number;
}

/** Channel in, plaintext out. */
export class ServerTunnel implements Tunnel, LinkOwner {
  readonly name: string;
  readonly #counters = new TunnelCounters();
  readonly #config: ServerConfig;
  readonly #context: TunnelContext;
  readonly #log: Log;
  readonly #settings: ChannelSettingsSource;
  readonly #admission: Admission;
  readonly #cookies: CookieJar;
  readonly #silent: SilentConnections;
  readonly #links: Links;
  readonly #targets: Targets<PlainAddress>;
  readonly #tickets = new ServerTickets();
  readonly #arrivals = new Map<Link, Arrival>();
  readonly #relays = new Map<Link, Relay>();
  /** With a data plane: it connects streams to their target, and relays are not used. */
  readonly #route: ServerRoute | undefined;
  readonly #stops: (() => void)[];
  #listener: Listener | undefined;
  #isDraining = false;

  constructor(config: ServerConfig, context: TunnelContext) {
    const { clock, crypto } = context;
    const nowMs = (): number => clock.monotonicMs();
    this.name = config.name;
    this.#config = config;
    this.#context = context;
    this.#log = context.log.with({ tunnel: config.name });
    this.#settings = new ChannelSettingsSource(context, config);
    this.#admission = new Admission(config.limits, this.#counters, nowMs);
    this.#cookies = new CookieJar(crypto, nowMs);
    this.#silent = new SilentConnections(config.timeouts.helloMs, nowMs);
    this.#targets = new Targets(config.connect);
    this.#links = new Links({
      settings: this.#settings,
      counters: this.#counters,
      log: this.#log,
      revalidateMs: config.timeouts.revalidateMs,
      nowMs,
      wallMs: () => clock.wallMs(),
    });
    if (context.plane !== undefined && isCarriableServer(config)) {
      this.#route = new ServerRoute({ plane: context.plane, config, counters: this.#counters, log: this.#log, targets: this.#targets, nowMs });
    }
    this.#stops = [
      context.heartbeat.add(() => this.#beat()),
      context.trust.onChange(() => this.#links.judgeAll()),
      context.credentials?.onChange(() => this.#links.demandRekeys()) ?? ((): void => undefined),
    ];
  }

  /** As of now, the plane's included. */
  get counters(): TunnelCounters {
    this.#route?.count();
    return this.#counters;
  }

  async listen(): Promise<void> {
    const { listen: address, tls, timeouts } = this.#config;
    await this.#route?.start();
    this.#listener = await listen(address, {
      side: 'channel',
      upgradeTimeoutMs: timeouts.helloMs,
      onAccept: (source, drop) => this.#admission.enter(source, drop),
      onConnection: (transport, pass) => this.#accept(transport, pass as AdmissionPass),
      onError: (error) => this.#log.warn('accepting a connection failed', errorFields(error)),
      ...(tls === undefined ? {} : { tls: await readListenTls(tls) }),
    });
    const connect = this.#config.connect.map(({ url }) => url).join(' ');
    this.#log.info('listening for channels', { listen: this.#listener.url, connect, plane: this.#route === undefined ? 'portable' : 'native' });
  }

  start(): void {
    // Channels come from outside.
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    await this.#listener?.close();
    this.#silent.close();
    for (const link of this.#links.established) link.channel.retire();
    await whenEmpty(() => this.#links.size === 0, this.#context.heartbeat, deadlineMs);
    for (const link of this.#links) link.fail(new XpsError('shutting_down'));
    for (const stop of this.#stops) stop();
    this.#tickets[Symbol.dispose]();
  }

  async reload(): Promise<void> {
    const { tls } = this.#config;
    if (tls !== undefined) this.#listener?.renewTls?.(await readListenTls(tls));
  }

  status(): TunnelStatus {
    return {
      name: this.name,
      role: 'server',
      listen: this.#listener?.url ?? this.#config.listen.url,
      targets: this.#targets.status(this.#context.clock.monotonicMs()),
      isAccepting: this.#listener !== undefined && !this.#isDraining,
      openConnections: this.#busyCount,
      halfOpen: this.#admission.halfOpen,
      idleChannels: Math.max(0, this.#links.establishedCount - this.#busyCount),
      channelCount: this.#links.establishedCount,
      channels: this.#links.status(),
    };
  }

  // Calls of the links.

  onReady(): void {
    // Of clients only.
  }

  onEstablished(link: Link, established: Established): void {
    const arrival = this.#arrivals.get(link);
    if (arrival === undefined) return;
    arrival.pass.established();
    arrival.idleSinceMs = this.#context.clock.monotonicMs();
    this.#links.establish(link, established);
    this.#giveTicket(link, established, arrival.series);
    if (this.#isDraining) link.channel.retire();
    this.#route?.adopt(link);
  }

  onOpen(link: Link, destination: Destination): void {
    if (destination.kind !== 'configured') {
      this.#log.warn('a peer asked for a destination that this tunnel does not offer', { peer: peerName(link), kind: destination.kind });
      link.channel.reset('not_permitted');
      return;
    }
    if (link.carried !== undefined) {
      void this.#attach(link, link.carried.openStream);
      return;
    }
    this.#counters.streamsOpened += 1;
    const abort = new AbortController();
    const relay = new Relay(link, {
      heartbeat: this.#context.heartbeat,
      counters: this.#counters,
      idleMs: this.#config.timeouts.idleMs,
      nowMs: () => this.#context.clock.monotonicMs(),
      onOver: (end) => {
        abort.abort();
        if (end === undefined) return;
        this.#counters.streamsAborted += 1;
        this.#log.debug('stream aborted', { peer: peerName(link), why: end });
      },
    });
    this.#relays.set(link, relay);
    void this.#connect(link, relay, abort.signal);
  }

  onStreamOver(link: Link): void {
    this.#relays.get(link)?.streamOver();
    this.#relays.delete(link);
    const arrival = this.#arrivals.get(link);
    if (arrival !== undefined) arrival.idleSinceMs = this.#context.clock.monotonicMs();
  }

  onRetire(): void {
    // Sent by servers only.
  }

  onTicket(): void {
    // Sent by servers only.
  }

  onRekeyed(link: Link, generation: number, trigger: RekeyTrigger | 'peer'): void {
    this.#links.rekeyed(link, generation, trigger);
  }

  onOver(link: Link, error: XpsError | undefined): void {
    this.#arrivals.get(link)?.pass.leave();
    this.#arrivals.delete(link);
    this.#relays.delete(link);
    this.#links.remove(link, error);
  }

  #accept(transport: Transport, pass: AdmissionPass): void {
    this.counters.accepted += 1;
    pass.onDrop = this.#silent.add(
      transport,
      (first, waitedMs) => this.#begin(transport, pass, first, waitedMs),
      (why) => {
        pass.leave();
        if (why === 'closed') this.#links.turnedAway(transport.remote, new XpsError('channel_truncated', { detail: 'no byte came' }));
        else this.#links.turnedAway(transport.remote, new XpsError('handshake_timeout', { detail: 'no byte came' }));
      },
    );
  }

  /** The first byte makes it a connection that may become a channel. */
  #begin(transport: Transport, pass: AdmissionPass, first: Bytes, waitedMs: number): void {
    const { keepAliveMs } = this.#config;
    transport.tune({ noDelay: true, ...(keepAliveMs === undefined ? {} : { keepAliveMs }) });
    const arrival: Arrival = { pass, series: { signedAtMs: this.#context.clock.wallMs() }, idleSinceMs: 0, streams: 0 };
    const isDemanded = (): boolean => {
      if (!this.#admission.isUnderLoad()) {
        pass.answered();
        return false;
      }
      this.counters.retriesDemanded += 1;
      pass.retried();
      return true;
    };
    const cookies = this.#cookies.policyFor(transport.remote, isDemanded, () => pass.answered());
    const settings = this.#settings.server(this.#config, waitedMs, cookies, (ticket) => {
      const redeemed = this.#tickets.redeem(ticket, this.#settings.binding(), this.#context.clock.wallMs());
      if (redeemed !== undefined) arrival.series = redeemed.series;
      return redeemed?.ticket;
    });
    const link = new Link(transport, (handler) => new SecureChannel(settings, handler), this.#context.heartbeat, this);
    this.#arrivals.set(link, arrival);
    this.#links.add(link);
    pass.onDrop = () => link.drop(new XpsError('half_open_dropped'));
    link.start();
    transport.onData(first);
  }

  async #connect(link: Link, relay: Relay, signal: AbortSignal): Promise<void> {
    const { connectMs } = this.#config.timeouts;
    const nowMs = (): number => this.#context.clock.monotonicMs();
    try {
      const { transport, target } = await dialFirst(this.#targets, { side: 'application', timeoutMs: connectMs, signal }, nowMs);
      this.#targets.worked(target);
      transport.tune({ noDelay: true });
      relay.connect(transport);
    } catch (thrown) {
      if (signal.aborted) return;
      this.#counters.targetsUnreachable += 1;
      this.#log.warn('target cannot be reached', { peer: peerName(link), ...errorFields(thrown) });
      relay.refuse('unreachable');
    }
  }

  /** A stream of a carried channel whose target the plane could not connect by itself. */
  async #attach(link: Link, stream: number): Promise<void> {
    const { connectMs } = this.#config.timeouts;
    const nowMs = (): number => this.#context.clock.monotonicMs();
    try {
      const { transport, target } = await dialFirst(this.#targets, { side: 'application', timeoutMs: connectMs }, nowMs);
      this.#targets.worked(target);
      transport.tune({ noDelay: true });
      this.#route?.attach(link, stream, transport);
    } catch (thrown) {
      this.#counters.targetsUnreachable += 1;
      this.#log.warn('target cannot be reached', { peer: peerName(link), ...errorFields(thrown) });
      if (link.carried?.openStream === stream) link.channel.reset('unreachable');
    }
  }

  get #busyCount(): number {
    return this.#route?.openConnections ?? this.#relays.size;
  }

  #giveTicket(link: Link, established: Established, series: Series): void {
    const { peerCredential } = established;
    const nowMs = this.#context.clock.wallMs();
    const lifetimeS = ticketLifetimeS(series, nowMs);
    if (peerCredential === undefined || lifetimeS === 0) return;
    const minted = link.channel.mintTicket(lifetimeS);
    if (minted === undefined) return;
    this.#counters.ticketsIssued += 1;
    this.#tickets.put({ minted, series, nowMs, suite: established.suite, peer: peerCredential, binding: this.#settings.binding() });
  }

  #beat(): void {
    this.#route?.beat();
    this.#admission.beat();
    this.#silent.beat();
    this.#links.beat();
    this.#retireIdle();
  }

  /** A client that keeps a channel for ever without using it has had its time. */
  #retireIdle(): void {
    const { idleMs, closeMs } = this.#config.timeouts;
    if (idleMs === undefined) return;
    const nowMs = this.#context.clock.monotonicMs();
    for (const [link, arrival] of this.#arrivals) {
      const streams = link.carried?.streams ?? 0;
      if (link.isBusy || streams !== arrival.streams) arrival.idleSinceMs = nowMs;
      arrival.streams = streams;
      if (link.isBusy || !this.#links.isEstablished(link)) continue;
      const idleForMs = nowMs - arrival.idleSinceMs;
      if (idleForMs > idleMs + closeMs) link.fail(new XpsError('idle_timeout', { detail: 'no stream for too long, and the client does not close' }));
      else if (idleForMs > idleMs) link.channel.retire();
    }
  }
}
