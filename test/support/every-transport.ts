import type { Duplex } from 'node:stream';
import { application, connectTo, receiveHash, sendRandom } from './applications.ts';
import { ingressCertificate } from './ingress.ts';
import { startPair, temporaryFolder, type Pair, type Settings, type Test } from './scenario.ts';

export const LOCAL_KINDS = ['tcp', 'unix', 'ws'] as const;
export const CHANNEL_KINDS = ['tcp', 'ws', 'wss', 'unix'] as const;
export type LocalKind = (typeof LOCAL_KINDS)[number];
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

export interface Exchange {
  readonly pair: Pair;
  /** SHA-256 of what one side sent and the other received. */
  readonly there: { readonly sent: string; readonly received: string };
  readonly back: { readonly sent: string; readonly received: string };
}

/** `bytes` random bytes each way at the same time through a pair over the given transports. */
export async function exchangeOver(t: Test, local: LocalKind, channel: ChannelKind, bytes: number, both: Settings = {}): Promise<Exchange> {
  const dir = temporaryFolder(t);
  const tls = channel === 'wss' ? ingressCertificate(dir) : undefined;
  const there = Promise.withResolvers<string>();
  const back = Promise.withResolvers<string>();
  const app = await application(t, local, (stream: Duplex) => {
    receiveHash(stream, bytes).then(there.resolve, there.reject);
    sendRandom(stream, bytes).then(back.resolve, back.reject);
  });
  const channelListen = { tcp: 'tcp://127.0.0.1:0', ws: 'ws://127.0.0.1:0/in', wss: 'wss://127.0.0.1:0/in', unix: `unix:${dir}/channel.sock` };
  const clientListen = { tcp: 'tcp://127.0.0.1:0', unix: `unix:${dir}/local.sock`, ws: 'ws://127.0.0.1:0/app' };
  const pair = await startPair(t, {
    target: app.url,
    clientListen: clientListen[local],
    channelListen: channelListen[channel],
    both,
    ...(tls === undefined ? {} : { serverTunnel: { tls }, clientTunnel: { tls: { ca: tls.cert } } }),
  });
  const stream = await connectTo(t, pair.url);
  const received = receiveHash(stream, bytes);
  const sent = await sendRandom(stream, bytes);
  return {
    pair,
    there: { sent, received: await there.promise },
    back: { sent: await back.promise, received: await received },
  };
}
