import type { TrustStatus } from '../../certs/contract.ts';
import { escapeForeign } from '../escape.ts';
import type { TunnelCounters } from '../tunnels/counters.ts';
import type { TunnelStatus } from '../tunnels/tunnel.ts';
import type { AdminSources } from './admin.ts';

/** What `/status` answers. Texts are escaped, times are milliseconds since the epoch. */
export interface Status {
  readonly state: 'starting' | 'ready' | 'draining';
  readonly nowMs: number;
  readonly process: { readonly pid: number; readonly uptimeMs: number; readonly rssBytes: number; readonly node: string };
  readonly identity: { readonly name: string; readonly notAfterMs: number; readonly hasStaple: boolean } | undefined;
  readonly trust: TrustStatus;
  readonly engines: { readonly generation: number; readonly hash: string; readonly keyExchange: string; readonly signature: string };
  readonly tunnels: readonly (TunnelStatus & { readonly counters: CountersStatus })[];
}

type CountersStatus = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

export function statusOf({ tunnels, trust, credentials, crypto, clock, state }: AdminSources): Status {
  const credential = credentials?.current;
  return {
    state: state(),
    nowMs: clock.wallMs(),
    process: {
      pid: process.pid,
      uptimeMs: Math.round(process.uptime() * 1000),
      rssBytes: process.memoryUsage.rss(),
      node: process.version,
    },
    identity: credential === undefined
      ? undefined
      : { name: escapeForeign(credential.name), notAfterMs: credential.notAfterMs, hasStaple: credential.presented.staple.length > 0 },
    trust: trust.status,
    engines: {
      generation: crypto.generation,
      hash: crypto.hash.name,
      keyExchange: crypto.keyExchange.name,
      signature: crypto.signature.name,
    },
    tunnels: tunnels.map((tunnel) => ({ ...tunnel.status(), counters: countersOf(tunnel.counters) })),
  };
}

function countersOf(counters: TunnelCounters): CountersStatus {
  return Object.fromEntries(
    Object.entries(counters).map(([name, value]) => [name, value instanceof Map ? Object.fromEntries(value as Map<string, number>) : value as number]),
  );
}
