import type { GeneralName } from './general-names.ts';
import { parseMailbox } from './general-names.ts';
import { ipText, type PeerRule } from './peer-rules.ts';

/** What a leaf and the path above it say about their holder. */
export interface PeerFacts {
  /** `Name.key` of the subject; empty for an empty subject. */
  readonly subjectKey: string;
  readonly subjectAltNames: readonly GeneralName[];
  readonly spiffeId: string | undefined;
  /** Pins of the keys on the path, leaf first, anchor last. */
  readonly pathPins: readonly string[];
}

/**
 * The names by which `rule` matches, empty when it does not. They identify the holder, not the rule: two workloads that
 * one wildcard admits have different ones. What only names an issuer admits by every name that the leaf carries.
 */
export function matchedNames(rule: PeerRule, facts: PeerFacts, use: 'allow' | 'deny'): readonly string[] {
  switch (rule.kind) {
    case 'anonymous':
      return [];
    case 'spiffe':
      return facts.spiffeId !== undefined && spiffeMatches(rule, facts.spiffeId) ? [facts.spiffeId] : [];
    case 'dns':
      return named(facts, 'dns').filter((name) => dnsMatches(rule, name, use)).map((name) => `dns:${name}`);
    case 'uri':
      return named(facts, 'uri').filter((uri) => uri === rule.uri).map(uriText);
    case 'ip':
      return ipAddresses(facts).filter((address) => address === rule.address).map((address) => `ip:${address}`);
    case 'email':
      return named(facts, 'email').map(mailbox).filter((address) => address === rule.mailbox).map((address) => `email:${address}`);
    case 'subject':
      return facts.subjectKey === rule.key && rule.key !== '' ? [`subject:${rule.key}`] : [];
    case 'spki':
      return facts.pathPins[0] === rule.pin ? [`spki:${rule.pin}`] : [];
    case 'issuer':
      return facts.pathPins.slice(1).includes(rule.pin) ? everyName(facts) : [];
  }
}

/** Names of the leaf as `matchedNames` writes them. A leaf without any is known by its key. */
function everyName(facts: PeerFacts): readonly string[] {
  const names = facts.subjectAltNames.map(nameText);
  if (facts.subjectKey !== '') names.push(`subject:${facts.subjectKey}`);
  return names.length > 0 ? names : [`spki:${facts.pathPins[0]}`];
}

/** In the spelling of rules. */
export function nameText(name: GeneralName): string {
  switch (name.kind) {
    case 'uri':
      return uriText(name.value);
    case 'ip':
      return `ip:${ipText(name.value)}`;
    case 'email':
      return `email:${mailbox(name.value)}`;
    case 'dns':
      return `dns:${name.value}`;
    case 'directory':
      return `directory:${name.value.text}`;
    case 'other':
      return `other:${Buffer.from(name.value).toString('hex')}`;
  }
}

function spiffeMatches(rule: PeerRule & { kind: 'spiffe' }, id: string): boolean {
  return rule.isPrefix ? id.startsWith(rule.id) && id.length > rule.id.length : id === rule.id;
}

/**
 * A wildcard in a certificate is a claim to many names. Only a rule with the same wildcard allows it; every rule that
 * names one of the many denies it.
 */
function dnsMatches(rule: PeerRule & { kind: 'dns' }, name: string, use: 'allow' | 'deny'): boolean {
  if (rule.isWildcard) return name.slice(name.indexOf('.')) === rule.name && name.includes('.');
  if (use === 'deny' && name.startsWith('*.')) return rule.name.slice(rule.name.indexOf('.')) === name.slice(1);
  return name === rule.name;
}

function named(facts: PeerFacts, kind: 'dns' | 'uri' | 'email'): readonly string[] {
  return facts.subjectAltNames.flatMap((name) => (name.kind === kind ? [name.value] : []));
}

function uriText(uri: string): string {
  return uri.startsWith('spiffe://') ? uri : `uri:${uri}`;
}

function ipAddresses(facts: PeerFacts): readonly string[] {
  return facts.subjectAltNames.flatMap((name) => (name.kind === 'ip' ? [ipText(name.value)] : []));
}

function mailbox(text: string): string {
  const parts = parseMailbox(text);
  return parts === undefined ? text : `${parts.local}@${parts.host}`;
}
