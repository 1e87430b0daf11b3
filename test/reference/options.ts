/** What a reference peer is given and what it reports. */
import type { Random } from './algorithms.ts';
import type { Bytes, Role } from './vocabulary.ts';

export interface ReferenceCredential {
  /** DER, leaf first. */
  chain: Uint8Array[];
  keyPem: string;
  staple?: Uint8Array;
}

/** One half of a ticket (docs/PROTOCOL.md §10.3): what it is bound to, as this side saw it. */
export interface ReferenceTicket {
  readonly ticket: Bytes;
  readonly psk: Bytes;
  readonly suite: number;
  readonly serviceName: string;
  readonly peerChain: readonly Bytes[];
  readonly peerStaple: Bytes;
  readonly ownLeaf: Bytes;
  /** The trust digest of S, as sent or as received. */
  readonly trustDigest: Bytes;
  /** Milliseconds on the clock of the options. */
  readonly expiresAt: number;
  readonly fullHandshakeAt: number;
}

export interface ReferenceOptions {
  role: Role;
  suites: number[];
  schemes: number[];
  recordLimit: number;
  serviceName?: string;
  meshKey?: Uint8Array;
  /** Absent: an anonymous client. */
  credential?: ReferenceCredential;
  /** Server: 0 required (default), 1 optional, 2 none. */
  clientAuth?: 0 | 1 | 2;
  stapleRequired?: boolean;
  caHints?: Uint8Array[];
  trustDigest?: Uint8Array;
  /** §6.5: a peer may show our own leaf. Default false. */
  allowOwnLeaf?: boolean;
  acceptPeer: (chain: Uint8Array[], staple: Uint8Array) => boolean;
  random?: Random;
  grease?: boolean;
  ticket?: ReferenceTicket;
  ticketStore?: Map<string, ReferenceTicket>;
  /** Server: the cookie to demand for this hello, when set. Asked again for the hello that brings it. */
  retry?: (helloHash: Uint8Array) => Uint8Array | undefined;
  /** Milliseconds; only differences matter. Default `Date.now`. */
  now?: () => number;
  /** Records after which a key is exhausted; smaller in tests only. */
  hardLimit?: number;

  /** Alters the body of a message before it is sent. */
  tamper?: (type: number, body: Uint8Array) => Uint8Array | undefined;
  /** Whether the own transcript has the altered body (default) or the original one. */
  tamperTranscript?: 'tampered' | 'original';
  /** Message types which are neither sent nor put into the own transcript. */
  omit?: readonly number[];
}

export type ReferenceEvent =
  | { type: 'established'; channelId: string; suite: number; resumed: boolean; peerChain: readonly Bytes[] }
  | { type: 'open'; number: bigint; kind: number; destination: string }
  | { type: 'data'; bytes: Bytes }
  | { type: 'end'; number: bigint; bytes: bigint }
  | { type: 'reset'; number: bigint; reason: number }
  | { type: 'close'; bytes: bigint }
  | { type: 'retire' }
  | { type: 'ticket'; ticket: ReferenceTicket }
  | { type: 'rekeyed'; generation: number }
  | { type: 'ping'; bytes: Bytes }
  | { type: 'pong'; bytes: Bytes }
  | { type: 'alert'; code: number }
  /** `peer`: a Failure came; `self`: this side failed, for `reason`. */
  | { type: 'failure'; from: 'self' | 'peer'; reason: string };
