import type { Clock } from '../../base/clock.ts';
import type { Secret } from '../../base/secret.ts';
import type { CredentialSource, Trust } from '../../certs/contract.ts';
import type { Crypto } from '../../engines/contract.ts';
import type { CryptoConfig } from '../config/schema.ts';
import type { Heartbeat } from '../heartbeat.ts';
import type { Log } from '../log.ts';
import type { NativePlane } from '../plane/native-plane.ts';
import type { TunnelCounters } from './counters.ts';

/** What all tunnels of a process share. */
export interface TunnelContext {
  readonly crypto: Crypto;
  readonly cryptoConfig: CryptoConfig;
  readonly isStapleRequired: boolean;
  readonly trust: Trust;
  /** Undefined only where every tunnel is an anonymous client. */
  readonly credentials: CredentialSource | undefined;
  readonly meshKey: Secret | undefined;
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  readonly log: Log;
  /** Carries tunnels between plain sockets; undefined where bytes move in JavaScript. */
  readonly plane: NativePlane | undefined;
}

/** One listener with everything that hangs on it. */
export interface Tunnel {
  readonly name: string;
  readonly counters: TunnelCounters;
  /** Binds the listener. Rejects with `listen_failed`; nothing is left behind then. */
  listen(): Promise<void>;
  /** What may begin once every listener of the process is bound: warm channels. */
  start(): void;
  /**
   * Stops accepting and lets connections finish; what is left after `deadlineMs` is reset. Resolves when
   * nothing is left.
   */
  drain(deadlineMs: number): Promise<void>;
  /** Certificates of a wss:// listener may have been renewed. Rejects with `file_unreadable`. */
  reload(): Promise<void>;
  status(): TunnelStatus;
}

export interface TunnelStatus {
  readonly name: string;
  readonly role: 'client' | 'server';
  readonly listen: string;
  readonly targets: readonly { readonly url: string; readonly isResting: boolean; readonly failures: number }[];
  readonly isAccepting: boolean;
  readonly openConnections: number;
  readonly halfOpen: number;
  readonly idleChannels: number;
  readonly channelCount: number;
  /** At most a hundred. */
  readonly channels: readonly ChannelStatus[];
}

/** Texts are escaped. */
export interface ChannelStatus {
  readonly id: string;
  readonly remote: string;
  readonly peer: string;
  readonly peerValidUntilMs: number | undefined;
  readonly suite: string;
  readonly engine: string;
  /** 1 before the first rekey. */
  readonly generation: number;
  readonly isResumed: boolean;
  readonly isBusy: boolean;
  readonly ageMs: number;
}
