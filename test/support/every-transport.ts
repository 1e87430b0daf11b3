import type { Duplex } from 'node:stream';
import { application, connectTo, receiveHash, sendRandom } from './applications.ts';
import { ingressCertificate } from './ingress.ts';
import { CLIENT_ID, configOf, makePki, SERVER_ID, SidecarProcess, writeConfig, type Settings, type Test } from './scenario.ts';

export const LOCAL_KINDS = ['tcp', 'unix', 'ws'] as const;
export const CHANNEL_KINDS = ['tcp', 'ws', 'wss', 'unix'] as const;
export type LocalKind = (typeof LOCAL_KINDS)[number];
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

interface Place {
  readonly local: LocalKind;
  readonly channel: ChannelKind;
  readonly name: string;
}

const PLACES: readonly Place[] = CHANNEL_KINDS.flatMap((channel) => LOCAL_KINDS.map((local) => ({ local, channel, name: `${local}-${channel}` })));

export interface Exchange {
  /** SHA-256 of what one side sent and the other received. */
  readonly there: { readonly sent: string; readonly received: string };
  readonly back: { readonly sent: string; readonly received: string };
}

export interface EveryTransport {
  readonly client: SidecarProcess;
  readonly server: SidecarProcess;
  /** `bytes` random bytes each way at the same time. */
  exchange(local: LocalKind, channel: ChannelKind, bytes: number): Promise<Exchange>;
}

/** One pair of sidecars with a tunnel for every pair of transports. */
export async function startEveryTransport(t: Test, both: Settings = {}): Promise<EveryTransport> {
  const pki = await makePki(t);
  const { dir } = pki;
  const tls = ingressCertificate(dir);
  const served = new Map<LocalKind, (stream: Duplex) => void>();
  const targets = new Map<LocalKind, string>();
  for (const local of LOCAL_KINDS) {
    const app = await application(t, local, (stream) => served.get(local)?.(stream));
    targets.set(local, app.url);
  }

  const channelListen = (channel: ChannelKind, name: string): string =>
    ({ tcp: 'tcp://127.0.0.1:0', ws: 'ws://127.0.0.1:0/in', wss: 'wss://127.0.0.1:0/in', unix: `unix:${dir}/${name}.ch` })[channel];
  const clientListen = (local: LocalKind, name: string): string =>
    ({ tcp: 'tcp://127.0.0.1:0', unix: `unix:${dir}/${name}.app`, ws: 'ws://127.0.0.1:0/app' })[local];

  const serverTunnel = ({ name, local, channel }: Place): Settings => ({
    name, role: 'server',
    listen: channelListen(channel, name),
    connect: targets.get(local),
    peer: { allow: [CLIENT_ID] },
    ...(channel === 'wss' ? { tls } : {}),
  });
  const server = await new SidecarProcess(t, writeConfig(dir, 'server', configOf(pki, pki.server, PLACES.map(serverTunnel), both))).ready();
  const clientTunnel = ({ name, local, channel }: Place): Settings => ({
    name, role: 'client',
    listen: clientListen(local, name),
    connect: server.listenUrl(name),
    peer: { allow: [SERVER_ID] },
    pool: { warm: 0 },
    ...(channel === 'wss' ? { tls: { ca: tls.cert } } : {}),
  });
  const client = await new SidecarProcess(t, writeConfig(dir, 'client', configOf(pki, pki.client, PLACES.map(clientTunnel), both))).ready();

  const exchange = async (local: LocalKind, channel: ChannelKind, bytes: number): Promise<Exchange> => {
    const there = Promise.withResolvers<string>();
    const back = Promise.withResolvers<string>();
    served.set(local, (stream) => {
      receiveHash(stream, bytes).then(there.resolve, there.reject);
      sendRandom(stream, bytes).then(back.resolve, back.reject);
    });
    const stream = await connectTo(t, client.listenUrl(`${local}-${channel}`));
    const received = receiveHash(stream, bytes);
    const sent = await sendRandom(stream, bytes);
    const result = {
      there: { sent, received: await there.promise },
      back: { sent: await back.promise, received: await received },
    };
    stream.destroy();
    return result;
  };
  return { client, server, exchange };
}
