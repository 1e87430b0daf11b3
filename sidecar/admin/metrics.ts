import type { TunnelCounters } from '../tunnels/counters.ts';
import type { AdminSources } from './admin.ts';

/**
 * The counters in the text format of Prometheus. This file is the only reader of the numbers for telemetry:
 * other exporters belong beside it.
 */

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

type Plain = Exclude<{ [K in keyof TunnelCounters]: TunnelCounters[K] extends number ? K : never }[keyof TunnelCounters], undefined>;

/** Names follow docs/OPERATIONS.md; each counts since the start of the process. */
const PLAIN: readonly (readonly [counter: Plain, name: string, help: string])[] = [
  ['accepted', 'connections_accepted_total', 'Connections accepted by the listener.'],
  ['refused', 'connections_refused_total', 'Connections turned away because of limits.connections.'],
  ['halfOpenDropped', 'half_open_dropped_total', 'Unfinished handshakes that made room for others.'],
  ['retriesDemanded', 'retries_demanded_total', 'Hellos answered with a cookie under load.'],
  ['channelsEstablished', 'channels_established_total', 'Channels established.'],
  ['channelsResumed', 'channels_resumed_total', 'Channels established from a ticket, without signatures.'],
  ['channelsHybrid', 'channels_hybrid_total', 'Channels established with the hybrid key exchange.'],
  ['channelsClosed', 'channels_closed_total', 'Channels that ended in order.'],
  ['streamsOpened', 'streams_opened_total', 'Application connections carried.'],
  ['streamsAborted', 'streams_aborted_total', 'Application connections that ended by a reset or an error.'],
  ['streamsOnWarmChannels', 'streams_on_warm_channels_total', 'Application connections that needed no handshake.'],
  ['targetsUnreachable', 'targets_unreachable_total', 'Attempts to reach a target that failed.'],
  ['ticketsIssued', 'tickets_issued_total', 'Resumption tickets given out.'],
  ['revalidations', 'revalidations_total', 'Verdicts about peers of open channels.'],
  ['bytesToChannel', 'bytes_to_channel_total', 'Plaintext bytes taken from applications.'],
  ['bytesFromChannel', 'bytes_from_channel_total', 'Plaintext bytes for applications.'],
];

const LABELLED: readonly (readonly [counter: 'handshakesFailed' | 'channelsFailed' | 'rekeys', name: string, label: string, help: string])[] = [
  ['handshakesFailed', 'handshakes_failed_total', 'reason', 'Handshakes that failed, by reason.'],
  ['channelsFailed', 'channels_failed_total', 'reason', 'Established channels that failed, by reason.'],
  ['rekeys', 'rekeys_total', 'trigger', 'Rekeys finished, by what set them off.'],
];

export function metricsText(sources: AdminSources): string {
  return [...tunnelMetrics(sources), ...processMetrics(sources)].map(formatted).join('');
}

function tunnelMetrics({ tunnels }: AdminSources): Metric[] {
  const statuses = tunnels.map((tunnel) => tunnel.status());
  const labels = statuses.map(({ name, role }) => ({ tunnel: name, role }));
  const gauge = (name: string, help: string, value: (index: number) => number): Metric => ({
    name: `xpscerpto_${name}`, type: 'gauge', help,
    samples: labels.map((own, index) => [own, value(index)] as const),
  });
  return [
    ...PLAIN.map(([counter, name, help]): Metric => ({
      name: `xpscerpto_${name}`, type: 'counter', help,
      samples: tunnels.map(({ counters }, index) => [labels[index] ?? {}, counters[counter]] as const),
    })),
    ...LABELLED.map(([counter, name, label, help]): Metric => ({
      name: `xpscerpto_${name}`, type: 'counter', help,
      samples: tunnels.flatMap(({ counters }, index) =>
        [...counters[counter]].map(([key, value]) => [{ ...labels[index], [label]: key }, value] as const)),
    })),
    gauge('channels', 'Channels that are established now.', (index) => statuses[index]?.channelCount ?? 0),
    gauge('channels_idle', 'Channels that carry no stream now.', (index) => statuses[index]?.idleChannels ?? 0),
    gauge('connections', 'Application connections that are open now.', (index) => statuses[index]?.openConnections ?? 0),
    gauge('half_open', 'Handshakes under way.', (index) => statuses[index]?.halfOpen ?? 0),
  ];
}

function processMetrics({ trust, credentials, clock, state }: AdminSources): Metric[] {
  const { status } = trust;
  const one = (name: string, type: Metric['type'], help: string, value: number): Metric => ({ name: `xpscerpto_${name}`, type, help, samples: [[{}, value]] });
  return [
    one('ready', 'gauge', '1 when every listener is bound and nothing drains.', state() === 'ready' ? 1 : 0),
    one('status_soft_passes_total', 'counter', 'Peers let through although their revocation status was unknown.', status.softPasses),
    {
      name: 'xpscerpto_verdicts_total', type: 'counter', help: 'Verdicts about certificates of peers, by outcome.',
      samples: Object.entries(status.verdicts).map(([outcome, value]) => [{ outcome }, value] as const),
    },
    ...(credentials === undefined
      ? []
      : [one('identity_expires_seconds', 'gauge', 'Seconds until our own certificate expires.', Math.round((credentials.current.notAfterMs - clock.wallMs()) / 1000))]),
    one('memory_resident_bytes', 'gauge', 'Resident memory of this process.', process.memoryUsage.rss()),
  ];
}

function formatted({ name, type, help, samples }: Metric): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value.replaceAll(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
