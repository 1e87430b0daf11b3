import type { Bytes } from '../base/bytes.ts';
import type { AuthorisedPeer } from '../certs/authorisation.ts';
import type { Secret } from '../base/secret.ts';
import type { Suite } from './codepoints.ts';
import type { ExporterSecret, RootSecret, Side, TrafficKeys } from './key-schedule.ts';
import type { PresentedCredential } from './messages/certificate.ts';
import type { Message } from './messages/message.ts';
import type { ServerParameters } from './messages/server-parameters.ts';

/**
 * What a state wants done. States change nothing themselves; the channel carries these out in order.
 * Receive keys that are installed "on-epoch" come into force with the first record of their epoch.
 */
export type Effect =
  | { readonly kind: 'send'; readonly message: Message; readonly isPlain: boolean }
  | { readonly kind: 'install'; readonly direction: 'send' | 'receive'; readonly epoch: number; readonly keys: TrafficKeys; readonly suite: Suite; readonly recordLimit: number; readonly when: 'now' | 'on-epoch' }
  | { readonly kind: 'judge'; readonly evidence: PeerEvidence }
  /** C has sent its Finished: it may send within the limits of docs/PROTOCOL.md §6.9, "established" follows with Confirm. */
  | { readonly kind: 'finished'; readonly result: Established }
  | { readonly kind: 'established'; readonly result: Established }
  | { readonly kind: 'rekeyed'; readonly result: Rekeyed };

/** What the peer presented, for path validation, revocation and authorisation outside of the handshake. */
export interface PeerEvidence {
  /** The peer's role: its certificate must be good for it. */
  readonly side: Side;
  readonly credential: PresentedCredential;
  readonly occasion: 'handshake' | 'resumption' | 'rekey';
}

/** The peer of a channel. An anonymous one is another type: nothing accepts it by mistake. */
export type ChannelPeer = AuthorisedPeer | AnonymousPeer;

export class AnonymousPeer {
  readonly kind = 'anonymous';
}

export interface Established {
  readonly side: Side;
  readonly suite: Suite;
  readonly channelId: Bytes;
  /** First 8 bytes of the hash of the hello, docs/PROTOCOL.md §6.11. */
  readonly handshakeId: Bytes;
  readonly recordLimit: number;
  readonly isResumed: boolean;
  readonly peer: ChannelPeer;
  /** What the peer presented, kept for re-validation and resumption; undefined for an anonymous one. */
  readonly peerCredential: PresentedCredential | undefined;
  readonly ownCredential: PresentedCredential | undefined;
  /** The scheme lists of the handshake, as sent; a rekey chooses from them. */
  readonly ownSchemes: readonly number[];
  readonly peerSchemes: readonly number[];
  /** Tails of the key shares and answers of this handshake: a rekey must not repeat them. */
  readonly shares: readonly Bytes[];
  readonly serverParameters: ServerParameters;
  readonly root: RootSecret;
  readonly exporter: ExporterSecret;
  readonly resumption: Secret;
}

/** What a share or answer is remembered by (docs/PROTOCOL.md §9.4); a copy, because channels keep it for long. */
export function shareTail(share: Bytes): Bytes {
  return share.slice(-32);
}

/** A finished rekey: docs/PROTOCOL.md §9. */
export interface Rekeyed {
  readonly generation: number;
  readonly root: RootSecret;
  readonly peer: ChannelPeer;
  readonly peerCredential: PresentedCredential | undefined;
}
