/**
 * What a tunnel has done since it was made, as plain numbers: the path of the bytes only adds, and
 * metrics and status pages read. Names say whether a number grows for ever or goes up and down.
 */
export class TunnelCounters {
  /** Application connections (client) or channels (server) that were accepted. */
  accepted = 0;
  /** Turned away because of limits.connections. */
  refused = 0;
  /** Unfinished handshakes that had to make room for others. */
  halfOpenDropped = 0;
  /** Hellos that were answered with a Retry. */
  retriesDemanded = 0;

  channelsEstablished = 0;
  channelsResumed = 0;
  channelsHybrid = 0;
  /** Established channels that ended in order. */
  channelsClosed = 0;
  /** By reason. */
  readonly handshakesFailed: Map<string, number> = new Map();
  readonly channelsFailed: Map<string, number> = new Map();
  /** By trigger: messages, bytes, age, demand, peer. */
  readonly rekeys: Map<string, number> = new Map();

  streamsOpened = 0;
  /** Ended otherwise than by the end of both directions. */
  streamsAborted = 0;
  /** A stream found a channel that was waiting in the pool. */
  streamsOnWarmChannels = 0;
  targetsUnreachable = 0;
  ticketsIssued = 0;
  revalidations = 0;

  /** Plaintext. */
  bytesToChannel = 0;
  bytesFromChannel = 0;
}

export function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}
