import type { Mutant } from './mutant.ts';

/** A check that is never made: the condition of its `if` is false. */
function without(name: string, file: string, condition: string, ...tests: readonly string[]): Mutant {
  return { name, tests, changes: [{ file, find: `if (${condition})`, replace: 'if (false)' }] };
}

function instead(name: string, file: string, find: string, replace: string, ...tests: readonly string[]): Mutant {
  return { name, tests, changes: [{ file, find, replace }] };
}

const TRUST = 'test/certs/trust.test.ts';
const RULES = 'test/certs/peer-rules.test.ts';
const CRLS = 'test/certs/crls.test.ts';
const NETWORK = 'test/certs/status-network.test.ts';
const FETCH = 'test/certs/status-fetch.test.ts';
const CREDENTIALS = 'test/certs/credential-files.test.ts';

/** Mutants of trust at run time: bundles, pins, rules, verdicts that are remembered, revocation data, credentials. */
export const MUTANTS: readonly Mutant[] = [
  without('take a bundle with any digest', 'certs/trust-bundles.ts', '!allowed.includes(found)', TRUST),
  instead('let any pin do', 'certs/pins.ts', 'return this.#wanted.size === 0 || pathPins.some((pin) => this.#wanted.has(pin));', 'return true;', TRUST),
  instead('let federated CAs name everybody', 'certs/judge.ts', 'trustDomain === undefined || trustDomain === domain', 'trustDomain !== \'\' || domain === trustDomain', TRUST),
  without('let allow win over deny', 'certs/authorisation.ts', 'denying !== undefined', RULES),
  instead('take a wildcard as the name of everybody under it', 'certs/rule-matching.ts', 'facts.spiffeId !== undefined && spiffeMatches(rule, facts.spiffeId) ? [facts.spiffeId] : []', 'facts.spiffeId !== undefined && spiffeMatches(rule, facts.spiffeId) ? [rule.id] : []', RULES),
  instead('let a DNS wildcard span labels', 'certs/rule-matching.ts', 'name.slice(name.indexOf(\'.\')) === rule.name', 'name.endsWith(rule.name)', RULES),
  instead('let a prefix end within a segment', 'certs/peer-rules.ts', 'id: `${id.text}${isPrefix ? \'/\' : \'\'}`', 'id: id.text', RULES),
  instead('remember verdicts beyond a change', 'certs/verdict-cache.ts', 'entry.generation === generation', 'entry.generation <= generation', CRLS),
  instead('remember verdicts beyond their end', 'certs/verdict-cache.ts', 'nowMs < entry.untilMs', 'nowMs > 0', CRLS),
  instead('forget the role in what is remembered', 'certs/judge.ts', 'return `${purpose} ${toHex(', 'return `${toHex(', TRUST),
  instead('remember a chain without its staple', 'certs/judge.ts', '...chain, staple])', '...chain])', NETWORK),
  instead('take an older CRL', 'certs/crl-store.ts', 'if (!isOlder) return;', 'if (isOlder || !isOlder) return;', CRLS),
  instead('believe any CRL that was fetched', 'certs/crl-points.ts', 'if (!isSigned(crl, point.candidates))', 'if (false)', NETWORK),
  instead('let an unknown status pass', 'certs/judge.ts', 'state.settings.revocation.mode), failures)', '\'soft\'), failures)', NETWORK),
  without('ignore the nonce of an answer', 'certs/ocsp-client.ts', 'nonce !== undefined && response.nonce !== undefined && !equalBytes(response.nonce, nonce)', NETWORK),
  without('demand no staple where the configuration does', 'certs/judge.ts', '!isGood', NETWORK),
  without('follow redirects anywhere', 'certs/status-fetch.ts', 'url.protocol !== \'http:\'', FETCH),
  without('read as much as a server sends', 'certs/status-fetch.ts', 'length > maxBytes', FETCH),
  without('take a key that does not match', 'certs/credential-files.ts', '!equalBytes(chain[0].spki, key.spki)', CREDENTIALS),
];
