// Front of this folder: everything that runs, from a configuration, as one object.
import { systemClock, type Clock } from '../base/clock.ts';
import { XpsError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { CredentialSource, Trust } from '../certs/contract.ts';
import type { CertsEvent } from '../certs/events.ts';
import { openIdentity } from '../certs/identity.ts';
import { openTrust } from '../certs/trust.ts';
import { createCrypto } from '../engines/registry.ts';
import { openAdmin, type Admin } from './admin/admin.ts';
import type { Config, TunnelConfig } from './config/schema.ts';
import type { Environment } from './config/environment.ts';
import { readMeshKey } from './config/mesh-key.ts';
import { findPlaneBinding } from './plane/binding.ts';
import { NativePlane } from './plane/native-plane.ts';
import { Heartbeat } from './heartbeat.ts';
import { errorFields, type Log } from './log.ts';
import { Renewal } from './renewal.ts';
import { ClientTunnel } from './tunnels/client-tunnel.ts';
import { ServerTunnel } from './tunnels/server-tunnel.ts';
import type { Tunnel, TunnelContext } from './tunnels/tunnel.ts';

/** This was written later than then: a clock that says otherwise is wrong. */
const NOT_BEFORE_MS = Date.UTC(2026, 10, 1);

const EVENT_MESSAGES: Readonly<Record<CertsEvent['what'], string>> = {
  bundles_loaded: 'trust bundles loaded',
  crls_loaded: 'CRLs loaded',
  crl_fetched: 'CRL fetched',
  crl_stale: 'a CRL is out of date',
  ocsp_answered: 'OCSP answer received',
  credential_loaded: 'identity loaded',
  credential_expires: 'the identity is about to be refused',
  staple_fetched: 'OCSP staple fetched',
  agent_connected: 'the identity agent is back',
  failed: 'trust or identity could not be renewed; the last good state stays in use',
};

export interface SidecarDependencies {
  readonly environment: Environment;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface Sidecar {
  readonly tunnels: readonly Tunnel[];
  /** Undefined when no admin address is configured. */
  readonly adminUrl: string | undefined;
  /** Reads certificates, bundles and CRLs again now. Rejects with the first failure; what could not be read stays as it was. */
  reload(): Promise<void>;
  /** Stops accepting, lets connections finish, resets what is left. Default: the longest `timeouts.drain` of the tunnels. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/** Starts all of it or nothing: when one listener cannot be bound, those that were are closed again. */
export async function startSidecar(config: Config, dependencies: SidecarDependencies): Promise<Sidecar> {
  const sidecar = new RunningSidecar(config, dependencies);
  try {
    await sidecar.start();
    return sidecar;
  } catch (thrown) {
    await sidecar.close({ drainMs: 0 });
    throw thrown;
  }
}

class RunningSidecar implements Sidecar {
  readonly #config: Config;
  readonly #environment: Environment;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #heartbeat = new Heartbeat();
  readonly #tunnels: Tunnel[] = [];
  #trust: Trust | undefined;
  #credentials: CredentialSource | undefined;
  #renewal: Renewal | undefined;
  #meshKey: Secret | undefined;
  #plane: NativePlane | undefined;
  #admin: Admin | undefined;
  #state: 'starting' | 'ready' | 'draining' = 'starting';
  #closed: Promise<void> | undefined;

  constructor(config: Config, { environment, log, clock = systemClock }: SidecarDependencies) {
    this.#config = config;
    this.#environment = environment;
    this.#log = log;
    this.#clock = clock;
  }

  get tunnels(): readonly Tunnel[] {
    return this.#tunnels;
  }

  get adminUrl(): string | undefined {
    return this.#admin?.url;
  }

  async start(): Promise<void> {
    if (this.#clock.wallMs() < NOT_BEFORE_MS) {
      throw new XpsError('clock_implausible', { detail: `it says ${new Date(this.#clock.wallMs()).toISOString()}` });
    }
    const context = await this.#context();
    for (const tunnel of this.#config.tunnels) this.#tunnels.push(tunnelOf(tunnel, context));
    if (this.#config.admin !== undefined) {
      this.#admin = await openAdmin(this.#config.admin, {
        tunnels: this.#tunnels,
        trust: context.trust,
        credentials: context.credentials,
        crypto: context.crypto,
        clock: this.#clock,
        state: () => this.#state,
      });
      this.#log.info('admin server listening', { url: this.#admin.url });
    }
    for (const tunnel of this.#tunnels) await tunnel.listen();
    for (const tunnel of this.#tunnels) tunnel.start();
    this.#renewal = this.#startRenewal();
    this.#state = 'ready';
    this.#log.info('ready', { config: this.#config.file, tunnels: this.#tunnels.length });
  }

  async reload(): Promise<void> {
    const outcomes = await Promise.allSettled([
      this.#trust?.reload(),
      this.#credentials?.reload(),
      ...this.#tunnels.map((tunnel) => tunnel.reload()),
    ]);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.#log.info('certificates, bundles and revocation data were read again');
  }

  close({ drainMs }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number | undefined): Promise<void> {
    this.#state = 'draining';
    await Promise.all([
      this.#renewal?.[Symbol.asyncDispose](),
      ...this.#tunnels.map((tunnel, index) => tunnel.drain(drainMs ?? this.#config.tunnels[index]?.timeouts.drainMs ?? 0)),
    ]);
    this.#plane?.[Symbol.dispose]();
    await this.#admin?.close();
    this.#trust?.[Symbol.dispose]();
    this.#credentials?.[Symbol.dispose]();
    this.#meshKey?.[Symbol.dispose]();
    this.#heartbeat[Symbol.dispose]();
  }

  #startRenewal(): Renewal | undefined {
    const { identity } = this.#config;
    if (identity === undefined || !('certFile' in identity) || identity.renew === undefined || this.#credentials === undefined) return undefined;
    return new Renewal(identity, identity.renew, { credential: this.#credentials, clock: this.#clock, log: this.#log });
  }

  /** An engine that was chosen by name also moves the bytes, unless the native plane was asked for by name as well. */
  #startPlane(): NativePlane | undefined {
    const { engine, dataPlane, simdIsaMask } = this.#environment;
    if (dataPlane === 'auto' && engine !== 'auto' && engine !== 'native') return undefined;
    const binding = findPlaneBinding(dataPlane, simdIsaMask);
    if (binding !== undefined) return new NativePlane(binding);
    if (dataPlane === 'auto') this.#log.debug('bytes move in JavaScript: the native data plane is not there');
    return undefined;
  }

  #logCertsEvent({ level, what, detail, error }: CertsEvent): void {
    if (error === undefined) this.#log[level](EVENT_MESSAGES[what], { detail });
    else this.#log[level](EVENT_MESSAGES[what], errorFields(error));
  }

  async #context(): Promise<TunnelContext> {
    const { engine, simdIsaMask } = this.#environment;
    const { identity, trust, crypto: cryptoConfig, meshKeyFile } = this.#config;
    const crypto = createCrypto({
      engine,
      forbid: cryptoConfig.policy.forbid,
      ...(simdIsaMask === undefined ? {} : { isaMask: simdIsaMask }),
      onWarning: (message) => this.#log.warn(message),
    });
    this.#plane = this.#startPlane();
    const shared = { crypto, clock: this.#clock, log: (event: CertsEvent) => this.#logCertsEvent(event) };
    const own = identity === undefined ? undefined : await openIdentity(identity, shared);
    this.#credentials = own?.credential;
    this.#trust = await openTrust(trust, { ...shared, bundles: own?.bundles });
    this.#trust.onChange((change) => this.#log.info('trust has changed; every open channel is judged again', { change }));
    // Peers may demand a staple with the first handshake.
    if (this.#trust.staples !== undefined) await this.#credentials?.staple(this.#trust.staples);
    if (meshKeyFile !== undefined) this.#meshKey = readMeshKey(meshKeyFile);
    return {
      crypto, cryptoConfig,
      trust: this.#trust,
      credentials: this.#credentials,
      meshKey: this.#meshKey,
      isStapleRequired: trust.revocation.ocsp.requireStaple,
      clock: this.#clock,
      heartbeat: this.#heartbeat,
      log: this.#log,
      plane: this.#plane,
    };
  }
}

function tunnelOf(config: TunnelConfig, context: TunnelContext): Tunnel {
  return config.role === 'client' ? new ClientTunnel(config, context) : new ServerTunnel(config, context);
}
