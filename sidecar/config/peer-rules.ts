/** The one place where the configuration meets the grammar of `peer.allow` and `peer.deny`. */
import { parsePeerRule, type PeerRule, type RuleMistake } from '../../certs/peer-rules.ts';

export { PEER_RULE_FORM, type PeerRule } from '../../certs/peer-rules.ts';

/** A rule, or what is wrong with the text. */
export function readPeerRule(text: string): PeerRule | RuleMistake {
  return parsePeerRule(text);
}
