/**
 * The seam to certs/identity-rules.ts: the one place where the configuration meets the grammar of
 * `peer.allow` and `peer.deny`.
 */
export interface PeerRule {
  readonly text: string;
}

export const PEER_RULE_FORM = 'spiffe://domain/path, dns:name, uri:…, or anonymous';

/** A rule, or what is wrong with the text. */
export function readPeerRule(text: string): PeerRule | { readonly mistake: string } {
  if (text === 'anonymous' || /^(?:spiffe:\/\/|dns:|uri:|ip:|email:|subject:|issuer:|spki:)./.test(text)) return { text };
  return { mistake: `"${text}" is no rule for a peer` };
}
