import { XpsError } from '../../base/errors.ts';
import { SecureChannel } from '../../channel/channel.ts';
import type { Established } from '../../handshake/effects.ts';
import type { Address, ClientTunnel } from '../config/schema.ts';
import { dial } from '../transports/dial.ts';
import type { Transport } from '../transports/transport.ts';
import { ChannelSettingsSource } from '../tunnels/channel-settings.ts';
import { readDialTls } from '../tunnels/ingress-tls.ts';
import { Link, type LinkOwner } from '../tunnels/link.ts';
import type { TunnelContext } from '../tunnels/tunnel.ts';

/** Connects as the tunnel would. Rejects with `dial_failed`. */
export async function reach(target: Address, tunnel: ClientTunnel): Promise<Transport> {
  const { timeouts, tls } = tunnel;
  return dial(target, {
    side: 'channel',
    timeoutMs: timeouts.connectMs,
    ...(target.scheme === 'wss' && tls !== undefined ? { tls: await readDialTls(tls) } : {}),
  });
}

/** A whole handshake over a connection, both sides authenticated, and an orderly close. Rejects with what went wrong. */
export async function shakeHands(transport: Transport, tunnel: ClientTunnel, context: TunnelContext): Promise<Established> {
  const source = new ChannelSettingsSource(context, tunnel);
  const settings = source.client(tunnel, source.suites(), undefined);
  return new Promise((resolve, reject) => {
    let established: Established | undefined;
    const owner: LinkOwner = {
      onEstablished: (link, reached) => {
        established = reached;
        link.close();
      },
      onOver: (_, error) => {
        if (established !== undefined) resolve(established);
        else reject(error ?? new XpsError('channel_truncated', { detail: 'the peer closed during the handshake' }));
      },
      onReady: nothing,
      onOpen: nothing,
      onStreamOver: nothing,
      onRetire: nothing,
      onTicket: nothing,
      onRekeyed: nothing,
    };
    new Link(transport, (handler) => new SecureChannel(settings, handler), context.heartbeat, owner).start();
  });
}

function nothing(): void {
  // A probe opens no stream and stays for no rekey.
}
