/** One entry of `peer.allow` or `peer.deny`. */
export interface PeerRule {
  readonly text: string;
}

/** Who may be the peer of a tunnel: default deny; `deny` wins over `allow`. */
export interface PeerRules {
  readonly allow: readonly PeerRule[];
  readonly deny: readonly PeerRule[];
}
