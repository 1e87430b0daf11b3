// The shape of each section of the file: which keys there are, of which kind, with which defaults.
// Rules between keys are in tunnels.ts and rules.ts.
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { parseHostPort } from './address.ts';
import { FORBIDDABLE } from './forbiddable.ts';
import { address, duration, durationOrOff, filePath, mistake, nameOf, oneOrMany, text, wholeNumber } from './leaves.ts';
import { PEER_RULE_FORM, readPeerRule, type PeerRule } from './peer-rules.ts';
import type {
  Address,
  AdminConfig,
  ClientAuth,
  CryptoConfig,
  IdentityConfig,
  LogConfig,
  PoolConfig,
  RenewConfig,
  TimeoutsConfig,
  TrustConfig,
} from './schema.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** docs/PROTOCOL.md §13: the hard limit is 2^22.5 records; a soft limit leaves room for the rekey. */
const MAX_REKEY_MESSAGES = 2 ** 22;
/** About a second, for tests and the cautious; written as a fraction. */
const MIN_REKEY_MINUTES = 0.0166;

export const SECTION_NAMES = ['identity', 'trust', 'tunnels', 'admin', 'crypto', 'log', 'mesh_key'] as const;

/** A tunnel before the rules of its role were applied: which keys a role has is decided in tunnels.ts. */
export interface TunnelShape {
  readonly name: string;
  readonly role: 'client' | 'server';
  readonly listen: Address;
  readonly connect: [Address, ...Address[]];
  readonly service: string;
  readonly transparent: boolean | undefined;
  readonly identity: 'none' | undefined;
  readonly client_auth: ClientAuth | undefined;
  readonly tls: TlsShape | undefined;
  readonly peer: PeerShape | undefined;
  readonly limits: LimitsShape;
  readonly timeouts: TimeoutsConfig;
  readonly pool: PoolConfig | undefined;
  readonly keepalive: number | undefined;
}

export interface PeerShape {
  readonly allow: readonly PeerRule[];
  readonly deny: readonly PeerRule[];
  readonly allow_own_certificate: boolean;
}

export interface TlsShape {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly server_name: string | undefined;
}

export interface LimitsShape {
  readonly connections: number;
  readonly connections_per_source: number | undefined;
  readonly handshakes: number;
  readonly handshakes_per_source: number | undefined;
}

export interface Sections {
  readonly identity: z.ZodType<IdentityConfig>;
  readonly trust: z.ZodType<TrustConfig>;
  readonly tunnel: z.ZodType<TunnelShape>;
  readonly admin: z.ZodType<AdminConfig>;
  readonly crypto: z.ZodType<CryptoConfig>;
  readonly log: z.ZodType<LogConfig>;
  readonly mesh_key: z.ZodType<{ readonly file: string }>;
}

/** `baseDir`: the folder that relative paths start from. */
export function sections(baseDir: string): Sections {
  return {
    identity: identity(baseDir),
    trust: trust(baseDir),
    tunnel: tunnel(baseDir),
    admin,
    crypto,
    log,
    mesh_key: z.strictObject({ file: filePath(baseDir) }),
  };
}

function identity(baseDir: string): z.ZodType<IdentityConfig> {
  return z
    .strictObject({
      cert: filePath(baseDir).optional(),
      key: filePath(baseDir).optional(),
      spiffe: address(baseDir).optional(),
      spiffe_id: text(2048).optional(),
      renew: renew.optional(),
    })
    .transform(({ cert, key, spiffe, spiffe_id, renew }, context): IdentityConfig => {
      if (spiffe !== undefined && renew !== undefined) {
        return mistake(context, 'identity.renew is for files; an agent renews by itself', { expected: 'cert and key, or spiffe without renew' });
      }
      if (spiffe !== undefined) return spiffeIdentity(spiffe, spiffe_id, cert ?? key, context);
      if (spiffe_id !== undefined) return mistake(context, 'identity.spiffe_id chooses among the identities of an agent', { expected: 'identity.spiffe beside it' });
      if (cert !== undefined && key !== undefined) return { certFile: cert, keyFile: key, renew };
      return mistake(context, cert === undefined ? 'identity.cert is missing' : 'identity.key is missing', {
        expected: 'cert and key, or spiffe: unix:/path/of/agent.sock',
      });
    });
}

const renewCommand: z.ZodType<[string, ...string[]]> = z.array(z.string()).transform((words, context) => {
  const [program, ...rest] = words;
  if (program === undefined || program.trim() === '') return mistake(context, 'names no program', { expected: 'a list: program, then its arguments' });
  if (words.some((word) => word.includes('\0'))) return mistake(context, 'has a NUL character', { expected: 'text' });
  // Relative to which folder would be a guess.
  if (program.includes('/') && !isAbsolute(program)) {
    return mistake(context, `"${program}" is a relative path`, { expected: 'an absolute path, or a name that PATH has' });
  }
  return [program, ...rest];
});

const renew: z.ZodType<RenewConfig> = z
  .strictObject({
    command: renewCommand,
    at: z.number().min(0.1).max(0.95).default(0.66),
    timeout: duration(SECOND, 10 * MINUTE).prefault('60s'),
  })
  .transform(({ timeout, ...rest }) => ({ ...rest, timeoutMs: timeout }));

function spiffeIdentity(agent: Address, id: string | undefined, file: string | undefined, context: z.core.$RefinementCtx): IdentityConfig {
  if (file !== undefined) return mistake(context, 'identity has both files and spiffe', { expected: 'cert and key, or spiffe' });
  if (agent.scheme !== 'unix') return mistake(context, `identity.spiffe is ${agent.url}`, { expected: 'unix:/path/of/agent.sock' });
  const rule = id === undefined ? undefined : readPeerRule(id);
  if (rule !== undefined && ('mistake' in rule || rule.kind !== 'spiffe' || rule.isPrefix)) {
    return mistake(context, `identity.spiffe_id "${id}" is not a SPIFFE ID`, { expected: 'spiffe://domain/path' });
  }
  return { spiffeSocket: agent.path, spiffeId: id };
}

function trust(baseDir: string): z.ZodType<TrustConfig> {
  const bundle = z.strictObject({
    file: filePath(baseDir),
    sha256: oneOrMany(sha256Hex, 'hex digests').optional().transform((digests) => digests ?? []),
    trust_domain: trustDomain.optional(),
  }).transform(({ trust_domain, ...rest }) => ({ ...rest, trustDomain: trust_domain }));
  const revocation = z.strictObject({
    mode: z.enum(['hard', 'soft', 'off']).default('hard'),
    crl: z.array(filePath(baseDir)).default([]),
    fetch_crls: z.boolean().default(false),
    grace: duration(0, 7 * DAY).prefault('0s'),
    ocsp: z
      .strictObject({
        staple: z.boolean().default(true),
        query: z.boolean().default(false),
        require_staple: z.boolean().default(false),
      })
      .transform(({ require_staple, ...ocsp }) => ({ ...ocsp, requireStaple: require_staple }))
      .prefault({}),
  }).transform(({ fetch_crls, grace, ...rest }) => ({ ...rest, fetchCrls: fetch_crls, graceMs: grace }));
  return z
    .strictObject({
      bundles: z.array(bundle).default([]),
      pins: z.array(spkiPin).default([]),
      revocation: revocation.prefault({}),
      clock_skew: duration(0, HOUR).prefault('60s'),
    })
    .transform(({ clock_skew, ...rest }) => ({ ...rest, clockSkewMs: clock_skew }));
}

const trustDomain: z.ZodType<string> = z.string().transform((value, context) => {
  if (/^[a-z0-9._-]{1,255}$/.test(value)) return value;
  return mistake(context, `"${value}" is not a trust domain`, {
    expected: 'a-z, 0-9, dot, hyphen and underscore, such as corp.example',
    ...(value.startsWith('spiffe://') ? { suggestion: `did you mean ${value.slice('spiffe://'.length)}?` } : {}),
  });
});

const sha256Hex: z.ZodType<string> = z.string().transform((value, context) => {
  const digits = value.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  return mistake(context, `"${value}" is not a SHA-256 digest`, {
    expected: '64 hexadecimal digits',
    suggestion: 'run: sha256sum FILE',
  });
});

const spkiPin: z.ZodType<string> = z.string().transform((value, context) => {
  const digest = /^sha256\/([A-Za-z0-9+/]{43}=)$/.exec(value)?.[1];
  // The last character carries 4 bits: only one spelling of each digest is accepted.
  if (digest !== undefined && Buffer.from(digest, 'base64').toString('base64') === digest) return value;
  return mistake(context, `"${value}" is not a pin`, {
    expected: 'sha256/ and 44 characters of base64',
    suggestion: 'run: xpscerpto pki pin CERT',
  });
});

function tunnel(baseDir: string): z.ZodType<TunnelShape> {
  return z.strictObject({
    name: tunnelName,
    role: z.enum(['client', 'server']),
    listen: address(baseDir),
    connect: oneOrMany(address(baseDir), 'at least one URL'),
    service: z.union([z.literal(''), text(255)]).default(''),
    transparent: z.boolean().optional(),
    identity: z.literal('none').optional(),
    client_auth: z.enum(['required', 'optional', 'none']).optional(),
    tls: z
      .strictObject({
        cert: filePath(baseDir).optional(),
        key: filePath(baseDir).optional(),
        ca: filePath(baseDir).optional(),
        server_name: text(253).optional(),
      })
      .optional(),
    peer: z
      .strictObject({
        allow: z.array(peerRule),
        deny: z.array(peerRule).default([]),
        allow_own_certificate: z.boolean().default(false),
      })
      .optional(),
    limits: z
      .strictObject({
        connections: wholeNumber(1, 1_000_000).default(10_000),
        connections_per_source: wholeNumber(1, 1_000_000).optional(),
        handshakes: wholeNumber(1, 100_000).default(1000),
        handshakes_per_source: wholeNumber(1, 100_000).optional(),
      })
      .prefault({}),
    timeouts: timeouts.prefault({}),
    pool: pool.optional(),
    keepalive: durationOrOff(SECOND, 2 * HOUR).prefault('30s'),
  }) as unknown as z.ZodType<TunnelShape>;
}

/** Names become metric labels and parts of log lines. */
const tunnelName: z.ZodType<string> = text(64).transform((value, context) => {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value)) return value;
  return mistake(context, `"${value}" is not a tunnel name`, {
    expected: 'letters, digits and . _ -, beginning with a letter or digit',
  });
});

const peerRule: z.ZodType<PeerRule> = z.string().transform((value, context) => {
  const rule = readPeerRule(value);
  if (!('mistake' in rule)) return rule;
  const { suggestion } = rule;
  return mistake(context, rule.mistake, { expected: PEER_RULE_FORM, ...(suggestion === undefined ? {} : { suggestion }) });
});

const timeouts = z
  .strictObject({
    connect: duration(10, HOUR).prefault('5s'),
    hello: duration(10, HOUR).prefault('3s'),
    handshake: duration(10, HOUR).prefault('10s'),
    idle: durationOrOff(SECOND, 30 * DAY).prefault('1h'),
    drain: duration(0, HOUR).prefault('30s'),
    close: duration(10, HOUR).prefault('5s'),
    rekey: duration(SECOND, HOUR).prefault('30s'),
    rekey_overdue: duration(SECOND, HOUR).prefault('5m'),
    revalidate: duration(SECOND, DAY).prefault('5m'),
  })
  .transform(
    (raw): TimeoutsConfig => ({
      connectMs: raw.connect,
      helloMs: raw.hello,
      handshakeMs: raw.handshake,
      idleMs: raw.idle,
      drainMs: raw.drain,
      closeMs: raw.close,
      rekeyMs: raw.rekey,
      rekeyOverdueMs: raw.rekey_overdue,
      revalidateMs: raw.revalidate,
    }),
  );

const pool = z
  .strictObject({
    warm: wholeNumber(0, 1000).default(2),
    max_idle: wholeNumber(0, 10_000).default(8),
    idle: duration(SECOND, DAY).prefault('60s'),
  })
  .transform((raw): PoolConfig => ({ warm: raw.warm, maxIdle: raw.max_idle, idleMs: raw.idle }));

/** What a client tunnel without `pool` has. */
export const DEFAULT_POOL: PoolConfig = pool.parse({});

const admin: z.ZodType<AdminConfig> = z
  .strictObject({
    listen: z.string().transform((value, context) => {
      const parsed = parseHostPort(value);
      return 'what' in parsed ? mistake(context, parsed.what, parsed) : parsed;
    }),
  })
  .transform(({ listen }) => listen);

const days = (fallback: number): z.ZodDefault<z.ZodType<number>> => wholeNumber(1, 36_500).default(fallback);

const crypto: z.ZodType<CryptoConfig> = z
  .strictObject({
    aead: z
      .strictObject({
        default: z.enum(['AES_GCM', 'CHACHA20_POLY1305', 'XCHACHA20_POLY1305']).default('AES_GCM'),
        nonce: z.enum(['auto', 'app']).default('auto'),
      })
      .prefault({}),
    keyring: z
      .strictObject({ rotation_days: days(365), dual_window_days: days(30), destroy_after_days: days(180) })
      .prefault({}),
    policy: z.strictObject({ forbid: z.array(nameOf(FORBIDDABLE)).default(['sha1', 'des']) }).prefault({}),
    hotpatch: z
      .strictObject({
        require_signature: z.boolean().default(true),
        run_selftests: z.boolean().default(true),
        rollback_on_error: z.boolean().default(true),
      })
      .prefault({}),
    tls: z
      .strictObject({
        rekey_messages: wholeNumber(1, MAX_REKEY_MESSAGES).default(2_000_000),
        rekey_minutes: z.number().min(MIN_REKEY_MINUTES).max(10_080).default(60),
      })
      .prefault({}),
    kex: z
      .strictObject({
        hybrid: z.enum(['off', 'prefer', 'require']).default('prefer'),
        canary_percent: z.number().min(0).max(100).default(100),
      })
      .prefault({}),
  })
  .transform(
    (raw): CryptoConfig => ({
      aead: raw.aead,
      keyring: {
        rotationDays: raw.keyring.rotation_days,
        dualWindowDays: raw.keyring.dual_window_days,
        destroyAfterDays: raw.keyring.destroy_after_days,
      },
      policy: raw.policy,
      hotpatch: {
        requireSignature: raw.hotpatch.require_signature,
        runSelftests: raw.hotpatch.run_selftests,
        rollbackOnError: raw.hotpatch.rollback_on_error,
      },
      tls: { rekeyMessages: raw.tls.rekey_messages, rekeyMinutes: raw.tls.rekey_minutes },
      kex: { hybrid: raw.kex.hybrid, canaryPercent: raw.kex.canary_percent },
    }),
  );

const log: z.ZodType<LogConfig> = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  format: z.enum(['json', 'pretty']).default('json'),
});
