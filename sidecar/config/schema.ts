import type { AeadAlgorithm } from '../../engines/contract.ts';
import type { PeerRule } from './peer-rules.ts';

/**
 * What a configuration is once it has been read: every default is filled in, every path is absolute,
 * durations are milliseconds, and the whole object is frozen. docs/OPERATIONS.md describes the file.
 */
export interface Config {
  /** Absolute path of the file this came from. */
  readonly file: string;
  /** Who we are. Undefined only when every tunnel is an anonymous client. */
  readonly identity: IdentityConfig | undefined;
  readonly trust: TrustConfig;
  readonly tunnels: readonly TunnelConfig[];
  /** Undefined: no health, metrics or status page is served. */
  readonly admin: AdminConfig | undefined;
  readonly crypto: CryptoConfig;
  readonly log: LogConfig;
  /** File of the mesh key (docs/PROTOCOL.md §5.2); undefined: no mesh key. Read it with `readMeshKey` of mesh-key.ts. */
  readonly meshKeyFile: string | undefined;
}

/** Mounted files, or a SPIFFE agent. */
export type IdentityConfig = FileIdentityConfig | SpiffeIdentityConfig;

export interface FileIdentityConfig {
  /** PEM chain, leaf first. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Undefined: somebody else replaces the files in time. */
  readonly renew: RenewConfig | undefined;
}

/** A command that replaces certificate and key before they end. */
export interface RenewConfig {
  /** Program, an absolute path or a name that PATH has, and its arguments. No shell is involved. */
  readonly command: readonly [string, ...string[]];
  /** After which fraction of the certificate's life it runs. */
  readonly at: number;
  readonly timeoutMs: number;
}

export interface SpiffeIdentityConfig {
  /** Absolute path of the Workload API's UNIX socket. It brings trust bundles too. */
  readonly spiffeSocket: string;
  /** Which of several SVIDs to use; undefined: the first. */
  readonly spiffeId: string | undefined;
}

export interface TrustConfig {
  readonly bundles: readonly BundleConfig[];
  /** SHA-256 of a SubjectPublicKeyInfo, as `sha256/base64`; empty: no pins. In addition to path validation, never instead of it. */
  readonly pins: readonly string[];
  readonly revocation: RevocationConfig;
  /** How far the clocks of certificate and status issuers may be off ours. */
  readonly clockSkewMs: number;
}

export interface BundleConfig {
  /** PEM of trust anchors. */
  readonly file: string;
  /** Lower-case hex digests of which the file must have one; empty: any content is accepted. */
  readonly sha256: readonly string[];
  /** Its anchors vouch for SPIFFE IDs of this trust domain only; undefined: for every name. */
  readonly trustDomain: string | undefined;
}

export type RevocationMode = 'hard' | 'soft' | 'off';

export interface RevocationConfig {
  /** hard: unknown status is a refusal · soft: unknown is accepted and logged · off: not asked. */
  readonly mode: RevocationMode;
  /** Files and folders of CRLs. */
  readonly crl: readonly string[];
  /** Fetch CRLs from the distribution points that certificates name (http:// only). */
  readonly fetchCrls: boolean;
  /** How long a CRL or OCSP answer is used after its nextUpdate. */
  readonly graceMs: number;
  readonly ocsp: {
    /** Send our own staple and take the peer's into account. */
    readonly staple: boolean;
    /** Ask responders over the network. */
    readonly query: boolean;
    /** A peer without a staple is refused. */
    readonly requireStaple: boolean;
  };
}

export type TunnelConfig = ClientTunnel | ServerTunnel;

interface TunnelBase {
  /** Unique in the file; label of logs and metrics. */
  readonly name: string;
  /** Service name of docs/PROTOCOL.md §6.2; both sides must have the same. */
  readonly service: string;
  readonly peer: PeerConfig;
  readonly limits: LimitsConfig;
  readonly timeouts: TimeoutsConfig;
  /** Keepalive probes on sockets that carry channels; undefined: none. */
  readonly keepAliveMs: number | undefined;
}

/** Plaintext in, channel out. */
export interface ClientTunnel extends TunnelBase {
  readonly role: 'client';
  readonly listen: PlainAddress;
  /** One or more peers, in the order of the file. */
  readonly connect: readonly [Address, ...Address[]];
  /** `listen` receives traffic which the kernel redirected; the original destination is read from the socket. */
  readonly isTransparent: boolean;
  /** `identity: none`: this tunnel shows no certificate. */
  readonly isAnonymous: boolean;
  /** Where `connect` has wss://; undefined: the system's roots and the name in the URL. */
  readonly tls: DialTls | undefined;
  readonly pool: PoolConfig;
}

export type ClientAuth = 'required' | 'optional' | 'none';

/** Channel in, plaintext out. */
export interface ServerTunnel extends TunnelBase {
  readonly role: 'server';
  readonly listen: Address;
  readonly connect: readonly [PlainAddress, ...PlainAddress[]];
  readonly clientAuth: ClientAuth;
  /** Present if and only if `listen` is wss://. */
  readonly tls: ListenTls | undefined;
}

/** `url` is the normal form: absolute path of a UNIX socket, port always written. */
export type Address = TcpAddress | UnixAddress | WebSocketAddress;

/** What the application's side may use: encryption there would have no identity behind it. */
export type PlainAddress = TcpAddress | UnixAddress | (WebSocketAddress & { readonly scheme: 'ws' });

export interface TcpAddress {
  readonly scheme: 'tcp';
  /** IPv4, IPv6 without brackets, or a DNS name. */
  readonly host: string;
  /** 0 where we listen: the system chooses. */
  readonly port: number;
  readonly url: string;
}

export interface UnixAddress {
  readonly scheme: 'unix';
  readonly path: string;
  readonly url: string;
}

export interface WebSocketAddress {
  readonly scheme: 'ws' | 'wss';
  readonly host: string;
  readonly port: number;
  /** Begins with a slash; may have a query. */
  readonly path: string;
  readonly url: string;
}

export interface ListenTls {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface DialTls {
  /** PEM of accepted roots; undefined: the system's. */
  readonly caFile: string | undefined;
  /** The name to check; undefined: the host of the URL. */
  readonly serverName: string | undefined;
}

/** A peer is admitted when a rule of `allow` matches and none of `deny` does. */
export interface PeerConfig {
  readonly allow: readonly PeerRule[];
  readonly deny: readonly PeerRule[];
  /** `anonymous` was said in `allow`. */
  readonly allowsAnonymous: boolean;
  /** A peer that shows our own leaf is normally a reflection and refused. */
  readonly allowsOwnCertificate: boolean;
}

export interface LimitsConfig {
  /** Open connections, and those of one source address. */
  readonly connections: number;
  readonly connectionsPerSource: number;
  /** Handshakes under way (half-open channels), and those of one source address. */
  readonly handshakes: number;
  readonly handshakesPerSource: number;
}

export interface TimeoutsConfig {
  /** To reach a target. */
  readonly connectMs: number;
  /** Until the first message of a handshake is complete. */
  readonly helloMs: number;
  /** Until a channel is established. */
  readonly handshakeMs: number;
  /** A connection without a byte in either direction; undefined: no limit. */
  readonly idleMs: number | undefined;
  /** How long connections may finish after SIGTERM or removal of their tunnel. */
  readonly drainMs: number;
  /** Until the peer answers a close. */
  readonly closeMs: number;
  /** From a rekey's request to its end. */
  readonly rekeyMs: number;
  /** From a rekey's trigger to its end; then the channel is closed. */
  readonly rekeyOverdueMs: number;
  /** The peer's certificate and its status are judged again this often while a channel lives. */
  readonly revalidateMs: number;
}

export interface PoolConfig {
  /** Channels kept established ahead of need. */
  readonly warm: number;
  /** Idle channels kept at most; at least `warm`. */
  readonly maxIdle: number;
  /** An idle channel above `warm` is closed after this. */
  readonly idleMs: number;
}

export interface AdminConfig {
  readonly host: string;
  readonly port: number;
}

export type HybridPolicy = 'off' | 'prefer' | 'require';

export interface CryptoConfig {
  readonly aead: { readonly default: AeadAlgorithm; readonly nonce: 'auto' | 'app' };
  readonly keyring: {
    readonly rotationDays: number;
    readonly dualWindowDays: number;
    readonly destroyAfterDays: number;
  };
  /** Canonical spelling, see `FORBIDDABLE`. */
  readonly policy: { readonly forbid: readonly string[] };
  readonly hotpatch: {
    readonly requireSignature: boolean;
    readonly runSelftests: boolean;
    readonly rollbackOnError: boolean;
  };
  readonly tls: { readonly rekeyMessages: number; readonly rekeyMinutes: number };
  readonly kex: {
    readonly hybrid: HybridPolicy;
    /** Share of new channels that use hybrid key exchange when `hybrid` is prefer; 0..100. */
    readonly canaryPercent: number;
  };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogConfig {
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
}
