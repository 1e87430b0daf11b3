// Turns what the schema found into sentences for the person who wrote the file.
import type { z } from 'zod';
import { escapeForeign } from '../escape.ts';
import type { ConfigDocument, Path } from './document.ts';
import type { MistakeParams } from './leaves.ts';
import type { Problem } from './problem.ts';
import { nearest } from './suggest.ts';

/** Reports problems of one document at the places where its values stand. */
export class Reporter {
  readonly problems: Problem[] = [];
  readonly #document: ConfigDocument;
  readonly #file: string;

  constructor(document: ConfigDocument, file: string) {
    this.#document = document;
    this.#file = file;
  }

  error(path: Path, what: string, more: MistakeParams = {}, part: 'key' | 'value' = 'value'): void {
    this.#add('error', path, what, more, part);
  }

  warning(path: Path, what: string, more: MistakeParams = {}): void {
    this.#add('warning', path, what, more, 'value');
  }

  /** A value that the schema refused; `siblings` tells which keys a mapping may have, for suggestions. */
  issue(prefix: Path, issue: z.core.$ZodIssue): void {
    const path = [...prefix, ...(issue.path as (string | number)[])];
    switch (issue.code) {
      case 'unrecognized_keys':
        for (const key of issue.keys) this.unknownKey(path, key, KEYS.get(pattern(path)) ?? []);
        return;
      case 'invalid_type':
        return this.#wrongType(path, issue);
      case 'invalid_value':
        return this.#notOneOf(path, issue);
      case 'invalid_union':
        return this.#wrongType(path, { ...issue, expected: EXPECTED.get(pattern(path)) ?? 'another value' });
      case 'too_small':
        return this.error(path, `${name(path)} is ${shown(issue.input)}`, {
          expected: `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`,
        });
      case 'too_big':
        return this.error(path, `${name(path)} is ${shown(issue.input)}`, { expected: `at most ${issue.maximum}` });
      case 'custom':
        return this.error(path, `${name(path)}${issue.message.startsWith('is ') ? '' : ':'} ${issue.message}`, issue.params ?? {});
      default:
        return this.error(path, `${name(path)}: ${issue.message}`);
    }
  }

  unknownKey(path: Path, key: string, known: readonly string[]): void {
    const near = nearest(key, known);
    this.error(
      [...path, key],
      `unknown key "${escapeForeign(key, 60)}"${path.length === 0 ? '' : ` in ${name(path)}`}`,
      {
        ...(known.length === 0 ? {} : { expected: `one of ${known.join(', ')}` }),
        ...(near === undefined ? {} : { suggestion: `did you mean "${near}"?` }),
      },
      'key',
    );
  }

  #wrongType(path: Path, issue: { readonly input?: unknown; readonly expected: string }): void {
    const expected = EXPECTED.get(pattern(path)) ?? KINDS.get(issue.expected) ?? issue.expected;
    if (issue.input === undefined) return this.error(path, `${name(path)} is missing`, { expected }, 'key');
    if (issue.input === null) {
      return this.error(path, `${name(path)} is empty`, { expected, suggestion: 'fill it in or remove the key' }, 'key');
    }
    const suggestion = typeSuggestion(issue.expected, issue.input);
    this.error(path, `${name(path)} is ${kindOf(issue.input)}`, {
      expected,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }

  #notOneOf(path: Path, issue: z.core.$ZodIssueInvalidValue): void {
    const values = issue.values.map(String);
    const expected = values.length === 1 ? (values[0] as string) : `one of ${values.join(', ')}`;
    if (issue.input === undefined) return this.error(path, `${name(path)} is missing`, { expected }, 'key');
    if (issue.input === null) {
      return this.error(path, `${name(path)} is empty`, { expected, suggestion: 'fill it in or remove the key' }, 'key');
    }
    const near = typeof issue.input === 'string' ? nearest(issue.input, values) : undefined;
    const isBoolean = typeof issue.input === 'boolean' && values.includes('off');
    this.error(path, `${name(path)} is ${shown(issue.input)}`, {
      expected,
      ...(near === undefined ? {} : { suggestion: `did you mean ${near}?` }),
      ...(isBoolean ? { suggestion: `did you mean ${issue.input ? 'require' : 'off'}?` } : {}),
    });
  }

  #add(severity: Problem['severity'], path: Path, what: string, more: MistakeParams, part: 'key' | 'value'): void {
    this.problems.push({ severity, file: this.#file, ...this.#document.locate(path, part), what, ...more });
  }
}

/** `tunnels[0].peer.allow[1]` */
export function name(path: Path): string {
  if (path.length === 0) return 'the file';
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${escapeForeign(step, 60)}`))
    .join('');
}

/** Text is quoted and cut: a wrong value may be a secret in the wrong place, or very long. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `"${escapeForeign(value, 60)}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'object':
      return 'a mapping';
    case 'string':
      return value === '' ? 'empty text' : `the text "${escapeForeign(value, 60)}"`;
    case 'number':
      return `the number ${value}`;
    case 'boolean':
      return `the truth value ${value}`;
    default:
      return `a ${typeof value}`;
  }
}

function typeSuggestion(expected: string, input: unknown): string | undefined {
  if (expected === 'boolean' && typeof input === 'string') {
    if (/^(?:yes|on|y|true|1)$/i.test(input)) return 'did you mean true?';
    if (/^(?:no|off|n|false|0)$/i.test(input)) return 'did you mean false?';
  }
  if (expected === 'boolean' && (input === 0 || input === 1)) return `did you mean ${input === 1}?`;
  if (expected === 'string' && ['number', 'boolean'].includes(typeof input)) return `write it in quotes: "${String(input)}"`;
  if ((expected === 'number' || expected === 'int') && typeof input === 'string' && /^[\d_.,' ]+$/.test(input)) {
    return 'write digits, without quotes; underscores are allowed: 2_000_000';
  }
  if (expected === 'array') return 'write a list: [a, b], or one "- a" per line';
  return undefined;
}

/** A path without indices: what stands in the tables below. */
function pattern(path: Path): string {
  return path.filter((step) => typeof step === 'string').join('.');
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ['string', 'text'],
  ['boolean', 'true or false'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['object', 'a mapping (key: value lines)'],
  ['array', 'a list'],
]);

const EXPECTED: ReadonlyMap<string, string> = new Map([
  ['identity.cert', 'the path of a PEM file with the certificate chain, leaf first'],
  ['identity.key', 'the path of a PEM file with the private key'],
  ['identity.spiffe', 'unix:/path/of/agent.sock'],
  ['trust.revocation.grace', 'a duration such as 0s, 10m, 1h'],
  ['trust.bundles.file', 'the path of a PEM file with CA certificates'],
  ['tunnels', 'a list of tunnels (- name: …)'],
  ['tunnels.name', 'a unique name, e.g. orders'],
  ['tunnels.role', 'client (plaintext in, channel out) or server (channel in, plaintext out)'],
  ['tunnels.listen', 'a URL such as tcp://127.0.0.1:15432'],
  ['tunnels.connect', 'a URL such as tcp://orders.prod.svc:8443, or a list of them'],
  ['tunnels.peer.allow', 'a list of peers, e.g. ["spiffe://corp.example/orders"]'],
  ['tunnels.service', 'text'],
  ['admin.listen', 'host:port, e.g. 127.0.0.1:9901'],
  ['mesh_key.file', 'the path of a file with at least 32 bytes in hex or base64'],
  ...['connect', 'hello', 'handshake', 'idle', 'drain', 'close', 'rekey', 'rekey_overdue', 'revalidate'].map(
    (key) => [`tunnels.timeouts.${key}`, 'a duration such as 500ms, 10s, 5m, 1h'] as const,
  ),
  ['tunnels.keepalive', 'a duration such as 30s, or off'],
  ['tunnels.pool.idle', 'a duration such as 500ms, 10s, 5m, 1h'],
  ['trust.clock_skew', 'a duration such as 500ms, 10s, 5m, 1h'],
]);

/** Which keys a mapping may have, for suggestions; a test holds it against the schema. */
export const KEYS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    identity: ['cert', 'key', 'spiffe', 'spiffe_id'],
    trust: ['bundles', 'pins', 'revocation', 'clock_skew'],
    'trust.bundles': ['file', 'sha256', 'trust_domain'],
    'trust.revocation': ['mode', 'crl', 'fetch_crls', 'grace', 'ocsp'],
    'trust.revocation.ocsp': ['staple', 'query', 'require_staple'],
    tunnels: [
      'name', 'role', 'listen', 'connect', 'service', 'transparent', 'identity', 'client_auth', 'tls', 'peer', 'limits',
      'timeouts', 'pool', 'keepalive',
    ],
    'tunnels.tls': ['cert', 'key', 'ca', 'server_name'],
    'tunnels.peer': ['allow', 'deny', 'allow_own_certificate'],
    'tunnels.limits': ['connections', 'connections_per_source', 'handshakes', 'handshakes_per_source'],
    'tunnels.timeouts': [
      'connect', 'hello', 'handshake', 'idle', 'drain', 'close', 'rekey', 'rekey_overdue', 'revalidate',
    ],
    'tunnels.pool': ['warm', 'max_idle', 'idle'],
    admin: ['listen'],
    crypto: ['aead', 'keyring', 'policy', 'hotpatch', 'tls', 'kex'],
    'crypto.aead': ['default', 'nonce'],
    'crypto.keyring': ['rotation_days', 'dual_window_days', 'destroy_after_days'],
    'crypto.policy': ['forbid'],
    'crypto.hotpatch': ['require_signature', 'run_selftests', 'rollback_on_error'],
    'crypto.tls': ['rekey_messages', 'rekey_minutes'],
    'crypto.kex': ['hybrid', 'canary_percent'],
    log: ['level', 'format'],
    mesh_key: ['file'],
  }),
);
