import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { PeerRule, PeerRules } from './peer-rules.ts';
import type { ProvenChain } from './proven-chain.ts';
import { matchedNames } from './rule-matching.ts';

/** Only `authorise` can make an AuthorisedPeer, and only out of a chain that was proven. */
const MINT: unique symbol = Symbol('mint');

/** Somebody whose certificate was validated and whom the rules of a tunnel admit. */
export class AuthorisedPeer {
  readonly kind = 'authenticated';
  /** For logs and status pages; printable ASCII or escaped, at most 256 characters. */
  readonly name: string;
  /** Every name of the leaf, in the spelling of rules (`dns:…`, `spiffe://…`), escaped as `name` is. */
  readonly names: readonly string[];
  readonly spiffeId: string | undefined;
  readonly leafSha256: Bytes;
  /** The text of the first rule of `peer.allow` that admitted it. */
  readonly rule: string;
  /** From then on it has to be judged again: the end of a certificate or of what is known of its status. */
  readonly validUntilMs: number;
  /** The path as it was verified, for logs: leaf first, subject names, ` ← ` between them. */
  readonly path: string;
  /** Revocation could not be asked and `mode: soft` let it pass. */
  readonly isStatusUnknown: boolean;
  /** The names because of which it was admitted, over all rules that match. */
  readonly admittingNames: readonly string[];

  constructor(mint: typeof MINT, chain: ProvenChain, rule: PeerRule, admittingNames: readonly string[]) {
    if (mint !== MINT) throw new XpsError('internal_error', { detail: 'an authorisation was forged' });
    this.name = chain.name;
    this.names = chain.names;
    this.spiffeId = chain.spiffeId;
    this.leafSha256 = chain.leafSha256;
    this.rule = rule.text;
    this.validUntilMs = chain.validUntilMs;
    this.path = chain.summary;
    this.isStatusUnknown = chain.isStatusUnknown;
    this.admittingNames = admittingNames;
  }

  /** docs/PROTOCOL.md §9.2: at least one name that admitted `before` admits this one too. */
  continues(before: AuthorisedPeer): boolean {
    return this.admittingNames.some((name) => before.admittingNames.includes(name));
  }
}

/** Throws `peer_denied` or `peer_not_allowed`. Default deny; a single rule of `deny` outweighs all of `allow`. */
export function authorise(chain: ProvenChain, rules: PeerRules): AuthorisedPeer {
  const denying = rules.deny.find((rule) => matchedNames(rule, chain, 'deny').length > 0);
  if (denying !== undefined) throw new XpsError('peer_denied', { detail: `${chain.name} by the rule ${denying.text}` });
  const admitting = new Set<string>();
  let first: PeerRule | undefined;
  for (const rule of rules.allow) {
    const names = matchedNames(rule, chain, 'allow');
    if (names.length > 0) first ??= rule;
    for (const name of names) admitting.add(name);
  }
  if (first === undefined) throw new XpsError('peer_not_allowed', { detail: `it is ${chain.names.join(', ').slice(0, 512)}` });
  return new AuthorisedPeer(MINT, chain, first, [...admitting]);
}
