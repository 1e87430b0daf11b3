// Front of this folder: looks at one tunnel from its configuration to a real handshake, and says what is wrong with it.
import { systemClock } from '../../base/clock.ts';
import type { Secret } from '../../base/secret.ts';
import type { CredentialSource, Presented, Trust } from '../../certs/contract.ts';
import { openIdentity, type Identity } from '../../certs/identity.ts';
import { parsePeerRule, type PeerRules } from '../../certs/peer-rules.ts';
import { openTrust } from '../../certs/trust.ts';
import type { Crypto } from '../../engines/contract.ts';
import { createCrypto } from '../../engines/registry.ts';
import { suiteName } from '../../handshake/codepoints.ts';
import type { Environment } from '../config/environment.ts';
import { readMeshKey } from '../config/mesh-key.ts';
import type { ClientTunnel, Config, PlainAddress, TunnelConfig } from '../config/schema.ts';
import { Heartbeat } from '../heartbeat.ts';
import { openLog } from '../log.ts';
import { dial } from '../transports/dial.ts';
import type { TunnelContext } from '../tunnels/tunnel.ts';
import { type Check, failed, ok, skipped, warning } from './check.ts';
import { reach, shakeHands } from './handshake-probe.ts';

const DAY_MS = 86_400_000;
/** Certificates that end sooner are renewed by hand too late. */
const EXPIRY_WARNING_MS = 7 * DAY_MS;
const CRL_WARNING_MS = DAY_MS / 4;

/** Checks in the order in which a connection needs them. Changes nothing; the peer sees one short channel. */
export async function* diagnose(config: Config, tunnel: TunnelConfig, environment: Environment): AsyncGenerator<Check> {
  using heartbeat = new Heartbeat();
  const crypto = yield* attempt('engines', () => openCrypto(config, environment), (opened) => `self-tests passed, AEAD ${config.crypto.aead.default} by ${aeadProvider(opened, config)}`);
  if (crypto === undefined) return;
  const identity = yield* examineIdentity(config, tunnel, crypto);
  using credential = identity?.credential;
  using trust = yield* attempt('trust bundles', () => openTrust(config.trust, { crypto, clock: systemClock, bundles: identity?.bundles }), bundlesText);
  if (trust !== undefined) {
    yield* expiries(trust);
    yield* freshness(trust, config);
    if (credential !== undefined) yield await ownChain(credential, trust, tunnel, crypto);
  }
  using meshKey = yield* attempt('mesh key', async () => (config.meshKeyFile === undefined ? undefined : readMeshKey(config.meshKeyFile)), (key) => (key === undefined ? 'none is configured' : 'read'));

  if (tunnel.role === 'server') {
    for (const target of tunnel.connect) yield await application(target, tunnel.timeouts.connectMs);
    yield skipped('handshake', 'a server waits for its peers: run the doctor on the client side, too');
    return;
  }
  const isReady = trust !== undefined && (credential !== undefined || tunnel.isAnonymous);
  const context = isReady ? contextOf({ config, crypto, trust, credentials: credential, meshKey, heartbeat }) : undefined;
  for (const target of tunnel.connect) yield* peer(target, tunnel, context);
}

/** The result of `work` and a line about it; undefined after a failure. */
async function* attempt<T>(name: string, work: () => T | Promise<T>, describe: (result: T) => string): AsyncGenerator<Check, T | undefined> {
  try {
    const result = await work();
    yield ok(name, describe(result));
    return result;
  } catch (thrown) {
    yield failed(name, thrown);
    return undefined;
  }
}

function openCrypto({ crypto }: Config, { engine, simdIsaMask }: Environment): Crypto {
  return createCrypto({ engine, forbid: crypto.policy.forbid, ...(simdIsaMask !== undefined && { isaMask: simdIsaMask }) });
}

function aeadProvider(crypto: Crypto, config: Config): string {
  using cipher = crypto.aead(config.crypto.aead.default, new Uint8Array(32));
  return cipher.provider;
}

async function* examineIdentity({ identity }: Config, tunnel: TunnelConfig, crypto: Crypto): AsyncGenerator<Check, Identity | undefined> {
  if (identity === undefined || (tunnel.role === 'client' && tunnel.isAnonymous)) {
    yield skipped('identity', 'this tunnel shows no certificate');
    return undefined;
  }
  const opened = yield* attempt(
    'identity',
    () => openIdentity(identity, { crypto, clock: systemClock }),
    ({ credential: { current } }) => `${current.name}, the key fits the certificate, ${current.presented.chain.length} in the chain`,
  );
  if (opened !== undefined) yield expiry('identity expiry', opened.credential.current.name, opened.credential.current.notAfterMs, 'renew it; a running sidecar takes up the new files');
  return opened;
}

function bundlesText({ status }: Trust): string {
  return `digests as configured, ${status.anchors.length} trust anchors: ${status.anchors.map(({ name }) => name).join(', ')}`;
}

function* expiries({ status }: Trust): Generator<Check> {
  for (const { name, notAfterMs, file } of status.anchors) {
    const check = expiry('trust anchor expiry', `${name} of ${file}`, notAfterMs, 'add its successor to trust.bundles before it ends');
    if (check.outcome !== 'ok') yield check;
  }
}

function* freshness({ status }: Trust, { trust }: Config): Generator<Check> {
  const { mode } = trust.revocation;
  if (mode === 'off') return void (yield warning('revocation', 'nobody is asked whether a certificate is revoked', 'set trust.revocation.mode to hard'));
  if (status.crls.length === 0) {
    const { staple, query } = trust.revocation.ocsp;
    const sources = [...(staple ? ['staples of peers'] : []), ...(query ? ['OCSP queries'] : []), ...(trust.revocation.fetchCrls ? ['distribution points'] : [])];
    return void (yield warning('revocation', `no CRL is loaded; what is left: ${sources.join(', ') || 'nothing'}`, 'name CRLs in trust.revocation.crl, unless every peer staples'));
  }
  for (const { issuer, nextUpdateMs, revoked, source } of status.crls) {
    const what = `${issuer}: ${revoked} revoked, ${source}`;
    const left = (nextUpdateMs ?? Number.POSITIVE_INFINITY) - systemClock.wallMs();
    const todo = 'publish a new one (development CA: xpscerpto pki crl)';
    if (left > CRL_WARNING_MS) yield ok('CRL', `${what}, good until ${nextUpdateMs === undefined ? 'there is another' : dateText(nextUpdateMs)}`);
    else if (left > 0 || mode === 'soft') yield warning('CRL', `${what}, ${left > 0 ? 'ends' : 'ended'} ${dateText(nextUpdateMs ?? 0)}`, todo);
    else yield { name: 'CRL', outcome: 'failed', found: `${what}, ended ${dateText(nextUpdateMs ?? 0)}: every peer of this issuer will be refused`, todo };
  }
}

function expiry(name: string, what: string, notAfterMs: number, todo: string): Check {
  const left = notAfterMs - systemClock.wallMs();
  const found = `${what}: ${left > 0 ? 'valid until' : 'ended'} ${dateText(notAfterMs)}`;
  if (left <= 0) return { name, outcome: 'failed', found, todo };
  return left > EXPIRY_WARNING_MS ? ok(name, found) : warning(name, found, todo);
}

/** Peers usually trust what we trust: what we would refuse they will refuse, too. */
async function ownChain({ current }: CredentialSource, trust: Trust, tunnel: TunnelConfig, crypto: Crypto): Promise<Check> {
  const name = 'own chain';
  try {
    const own = await trust.judgeFor(onlyLeaf(current.presented, trust, crypto)).judge(current.presented, tunnel.role);
    return ok(name, `valid under our own trust: ${own.path}`);
  } catch (thrown) {
    const { found, todo = '' } = failed(name, thrown);
    return warning(name, `we ourselves would refuse it: ${found}`, `${todo}; no mistake if peers trust other CAs than we do`);
  }
}

function onlyLeaf({ chain }: Presented, trust: Trust, crypto: Crypto): PeerRules {
  const { spki } = trust.leafKey(chain[0] ?? new Uint8Array(0));
  const rule = parsePeerRule(`spki:sha256/${Buffer.from(crypto.hash.hash('sha256', spki)).toString('base64')}`);
  return { allow: 'kind' in rule ? [rule] : [], deny: [] };
}

async function application(target: PlainAddress, timeoutMs: number): Promise<Check> {
  try {
    (await dial(target, { side: 'application', timeoutMs })).destroy(0);
    return ok('application', `${target.url} accepts connections`);
  } catch (thrown) {
    return failed('application', thrown);
  }
}

async function* peer(target: ClientTunnel['connect'][number], tunnel: ClientTunnel, context: TunnelContext | undefined): AsyncGenerator<Check> {
  const transport = yield* attempt('peer reachable', () => reach(target, tunnel), () => `${target.url} accepts connections`);
  if (transport === undefined || context === undefined) {
    transport?.destroy(0);
    yield skipped('handshake', transport === undefined ? `${target.url} cannot be reached` : 'identity or trust cannot be used');
    return;
  }
  yield* attempt('handshake', () => shakeHands(transport, tunnel, context), ({ suite, peer: reached }) => {
    const name = reached.kind === 'authenticated' ? reached.name : 'anonymous';
    return `${target.url}: ${name} and we accept each other, ${suiteName(suite)}`;
  });
}

interface ContextParts {
  readonly config: Config;
  readonly crypto: Crypto;
  readonly trust: Trust;
  readonly credentials: CredentialSource | undefined;
  readonly meshKey: Secret | undefined;
  readonly heartbeat: Heartbeat;
}

function contextOf({ config, ...parts }: ContextParts): TunnelContext {
  return {
    ...parts,
    cryptoConfig: config.crypto,
    isStapleRequired: config.trust.revocation.ocsp.requireStaple,
    clock: systemClock,
    // What goes wrong becomes a check; nobody reads a log of it.
    log: openLog({ level: 'error', format: 'json' }, { write: () => undefined }),
    plane: undefined,
  };
}

function dateText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
