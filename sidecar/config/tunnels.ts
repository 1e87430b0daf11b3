// What the schema of one tunnel cannot say: which keys and schemes belong to which role.
import type { Path } from './document.ts';
import { name, type Reporter } from './mistakes.ts';
import type { Address, ClientTunnel, ListenTls, PeerConfig, PlainAddress, ServerTunnel, TunnelConfig } from './schema.ts';
import { DEFAULT_POOL, type TunnelShape } from './sections.ts';

/** The tunnel as its role has it. Mistakes are reported; the result is only of use when there were none. */
export function tunnelOf(shape: TunnelShape, path: Path, reporter: Reporter): TunnelConfig | undefined {
  checkTimes(shape, path, reporter);
  const peer = peerOf(shape, path, reporter);
  const tunnel = shape.role === 'client' ? clientOf(shape, peer, path, reporter) : serverOf(shape, peer, path, reporter);
  if (tunnel !== undefined) checkOwnLoop(tunnel, path, reporter);
  return tunnel;
}

function clientOf(shape: TunnelShape, peer: PeerConfig, path: Path, reporter: Reporter): ClientTunnel | undefined {
  if (shape.client_auth !== undefined) {
    reporter.error([...path, 'client_auth'], `${name(path)}: client_auth is for role: server`, {
      suggestion: 'remove it; "identity: none" makes this client anonymous',
    }, 'key');
  }
  if (peer.allowsAnonymous) {
    reporter.error([...path, 'peer', 'allow'], `${name(path)}: "anonymous" cannot be allowed by role: client`, {
      expected: 'the identities of the server',
    });
  }
  shape.connect.forEach((target, index) => checkTarget(target, [...path, 'connect', index], reporter));
  const listen = plain(shape.listen, [...path, 'listen'], 'the application\'s side of role: client', reporter);
  const isTransparent = shape.transparent ?? false;
  if (isTransparent && shape.listen.scheme !== 'tcp') {
    reporter.error([...path, 'listen'], `${name(path)}: transparent needs a tcp:// listener`, { expected: 'tcp://host:port' });
  }
  checkPool(shape, path, reporter);
  checkDialTls(shape, path, reporter);
  if (listen === undefined) return undefined;
  return {
    role: 'client',
    ...common(shape, peer, true),
    listen,
    connect: shape.connect,
    isTransparent,
    isAnonymous: shape.identity === 'none',
    tls: shape.tls === undefined ? undefined : { caFile: shape.tls.ca, serverName: shape.tls.server_name },
    pool: shape.pool ?? DEFAULT_POOL,
  };
}

function serverOf(shape: TunnelShape, peer: PeerConfig, path: Path, reporter: Reporter): ServerTunnel | undefined {
  const clientOnly = ['pool', 'transparent', 'identity'] as const;
  for (const key of clientOnly) {
    if (shape[key] === undefined) continue;
    reporter.error([...path, key], `${name(path)}: ${key} is for role: client`, {
      suggestion: key === 'identity' ? 'a server always shows its identity; remove it' : 'remove it',
    }, 'key');
  }
  const clientAuth = shape.client_auth ?? 'required';
  checkAnonymous(clientAuth, peer, path, reporter);
  const targets = shape.connect.map((target, index) => {
    checkTarget(target, [...path, 'connect', index], reporter);
    return plain(target, [...path, 'connect', index], 'the application\'s side of role: server', reporter);
  });
  const tls = listenTlsOf(shape, path, reporter);
  const [first, ...rest] = targets.filter((target) => target !== undefined);
  if (first === undefined) return undefined;
  return {
    role: 'server',
    ...common(shape, peer, false),
    listen: shape.listen,
    connect: [first, ...rest],
    clientAuth,
    tls,
  };
}

function common(shape: TunnelShape, peer: PeerConfig, isClient: boolean): Pick<TunnelConfig, 'name' | 'service' | 'peer' | 'limits' | 'timeouts' | 'keepAliveMs'> {
  // Where all connections come from one place (this pod, a UNIX socket, an ingress), a share per source would be a share of everybody.
  const isOneSource = isClient || shape.listen.scheme !== 'tcp';
  const { connections, handshakes } = shape.limits;
  return {
    name: shape.name,
    service: shape.service,
    peer,
    limits: {
      connections,
      connectionsPerSource: shape.limits.connections_per_source ?? (isOneSource ? connections : Math.min(connections, 1000)),
      handshakes,
      handshakesPerSource: shape.limits.handshakes_per_source ?? (isOneSource ? handshakes : Math.min(handshakes, 100)),
    },
    timeouts: shape.timeouts,
    keepAliveMs: shape.keepalive,
  };
}

function peerOf(shape: TunnelShape, path: Path, reporter: Reporter): PeerConfig {
  if (shape.peer === undefined) {
    reporter.error([...path, 'peer'], `${name(path)}: peer.allow is missing, and nobody is allowed by default`, {
      expected: 'peer: { allow: ["spiffe://…" or "dns:…"] }',
      ...(shape.client_auth === undefined || shape.client_auth === 'required'
        ? {}
        : { suggestion: 'allow: [anonymous] admits clients without a certificate' }),
    }, 'key');
    return { allow: [], deny: [], allowsAnonymous: false, allowsOwnCertificate: false };
  }
  const { allow, deny } = shape.peer;
  if (allow.length === 0) {
    reporter.error([...path, 'peer', 'allow'], `${name(path)}: peer.allow is an empty list: nobody could ever connect`, {
      expected: 'at least one peer',
    });
  }
  deny.forEach((rule, index) => {
    if (rule.text === 'anonymous') {
      reporter.error([...path, 'peer', 'deny', index], `${name(path)}: "anonymous" is denied unless it is allowed`, {
        suggestion: 'remove it',
      });
    }
  });
  return {
    allow,
    deny,
    allowsAnonymous: allow.some((rule) => rule.text === 'anonymous'),
    allowsOwnCertificate: shape.peer.allow_own_certificate,
  };
}

function checkAnonymous(clientAuth: ServerTunnel['clientAuth'], peer: PeerConfig, path: Path, reporter: Reporter): void {
  const at = [...path, 'peer', 'allow'];
  if (peer.allowsAnonymous && clientAuth === 'required') {
    reporter.error(at, `${name(path)}: "anonymous" contradicts client_auth: required`, {
      suggestion: 'remove "anonymous", or set client_auth: optional',
    });
  }
  if (peer.allow.length === 0) return;
  if (!peer.allowsAnonymous && clientAuth === 'none') {
    reporter.error(at, `${name(path)}: with client_auth: none every client is anonymous, and "anonymous" is not allowed`, {
      expected: 'allow: [anonymous]',
    });
  }
  if (!peer.allowsAnonymous && clientAuth === 'optional') {
    reporter.warning(at, `${name(path)}: client_auth: optional admits nobody more than required does, because "anonymous" is not allowed`);
  }
}

function checkTarget(target: Address, path: Path, reporter: Reporter): void {
  if (target.scheme === 'unix') return;
  if (target.port === 0) {
    reporter.error(path, `${name(path)}: port 0 cannot be connected to`, { expected: 'a port of 1 to 65535' });
  }
  if (target.host === '0.0.0.0' || target.host === '::') {
    reporter.error(path, `${name(path)}: ${target.host} is an address to listen on, not to connect to`, {
      suggestion: 'did you mean 127.0.0.1?',
    });
  }
}

function plain(address: Address, path: Path, side: string, reporter: Reporter): PlainAddress | undefined {
  if (address.scheme !== 'wss') return address as PlainAddress;
  reporter.error(path, `${name(path)}: wss:// is not possible on ${side}`, {
    expected: 'tcp://, unix: or ws://',
    suggestion: 'applications speak plaintext to the sidecar',
  });
  return undefined;
}

function checkPool(shape: TunnelShape, path: Path, reporter: Reporter): void {
  if (shape.pool === undefined || shape.pool.maxIdle >= shape.pool.warm) return;
  reporter.error([...path, 'pool', 'max_idle'], `${name(path)}: pool.max_idle ${shape.pool.maxIdle} is less than pool.warm ${shape.pool.warm}`, {
    expected: `at least ${shape.pool.warm}`,
  });
}

function checkDialTls(shape: TunnelShape, path: Path, reporter: Reporter): void {
  if (shape.tls === undefined) return;
  for (const key of ['cert', 'key'] as const) {
    if (shape.tls[key] === undefined) continue;
    reporter.error([...path, 'tls', key], `${name(path)}: tls.${key} is for a server that listens on wss://`, {
      expected: 'tls: { ca, server_name }',
      suggestion: 'our identity travels inside the channel, not in the TLS of an ingress',
    }, 'key');
  }
  if (!shape.connect.some((target) => target.scheme === 'wss')) {
    reporter.error([...path, 'tls'], `${name(path)}: tls has no effect without a wss:// target`, {
      suggestion: 'remove it, or connect to wss://',
    }, 'key');
  }
}

function listenTlsOf(shape: TunnelShape, path: Path, reporter: Reporter): ListenTls | undefined {
  for (const key of ['ca', 'server_name'] as const) {
    if (shape.tls?.[key] === undefined) continue;
    reporter.error([...path, 'tls', key], `${name(path)}: tls.${key} is for a client that connects to wss://`, {
      expected: 'tls: { cert, key }',
    }, 'key');
  }
  if (shape.listen.scheme !== 'wss') {
    if (shape.tls !== undefined) {
      reporter.error([...path, 'tls'], `${name(path)}: tls has no effect without a wss:// listener`, {
        suggestion: 'remove it: the channel itself is always encrypted',
      }, 'key');
    }
    return undefined;
  }
  const { cert, key } = shape.tls ?? {};
  if (cert !== undefined && key !== undefined) return { certFile: cert, keyFile: key };
  const missing = [cert === undefined ? 'cert' : '', key === undefined ? 'key' : ''].filter((part) => part !== '').join(' and ');
  reporter.error(shape.tls === undefined ? [...path, 'listen'] : [...path, 'tls'], `${name(path)}: a wss:// listener needs tls.${missing}`, {
    expected: 'tls: { cert: FILE, key: FILE }',
  });
  return undefined;
}

function checkTimes(shape: TunnelShape, path: Path, reporter: Reporter): void {
  const { helloMs, handshakeMs, rekeyMs, rekeyOverdueMs } = shape.timeouts;
  if (helloMs > handshakeMs) {
    reporter.error([...path, 'timeouts', 'hello'], `${name(path)}: timeouts.hello is longer than timeouts.handshake, which includes it`);
  }
  if (rekeyMs > rekeyOverdueMs) {
    reporter.error([...path, 'timeouts', 'rekey'], `${name(path)}: timeouts.rekey is longer than timeouts.rekey_overdue, which includes it`);
  }
}

function checkOwnLoop(tunnel: TunnelConfig, path: Path, reporter: Reporter): void {
  tunnel.connect.forEach((target, index) => {
    if (target.url === tunnel.listen.url) {
      reporter.error([...path, 'connect', index], `${name(path)}: connects to the address it listens on`, { expected: 'another address' });
    }
  });
}
