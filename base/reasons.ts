import type { ErrorClass } from './errors.ts';

interface ReasonEntry {
  readonly class: ErrorClass;
  /** What happened, in one clause. */
  readonly summary: string;
  /** What the operator can do about it. */
  readonly action: string;
}

/** Stable names: they appear in logs, metrics and docs/OPERATIONS.md. One block per folder; keep both lists in step. */
export type Reason =
  // base
  | 'malformed'
  | 'internal_error'
  // engines
  | 'algorithm_forbidden'
  | 'algorithm_unavailable'
  | 'engine_unknown'
  | 'selftest_failed'
  | 'key_invalid'
  | 'nonce_invalid'
  | 'tag_mismatch'
  | 'key_share_invalid'
  // certs
  // record
  // handshake
  // channel
  // sidecar
  ;

function entry(errorClass: ErrorClass, summary: string, action: string): ReasonEntry {
  return { class: errorClass, summary, action };
}

/**
 * Every reason the product can fail for. The names are stable: they appear in logs, metrics and
 * docs/OPERATIONS.md, which has a heading for each. One block per folder.
 */
export const REASONS: Readonly<Record<Reason, ReasonEntry>> = {
  // base
  malformed: entry('XPS_ERR_AUTH', 'a message could not be parsed', 'the peer speaks another version or is hostile; compare versions and look at what listens there'),
  internal_error: entry('XPS_ERR_INTERNAL', 'an invariant of this program was violated', 'report this with the log line; the channel was closed'),

  // engines
  algorithm_forbidden: entry('XPS_ERR_POLICY', 'the policy forbids this algorithm', 'remove it from crypto.policy.forbid or choose another algorithm'),
  algorithm_unavailable: entry('XPS_ERR_POLICY', 'no permitted engine offers this algorithm', 'check XPS_ENGINE and crypto.policy, run `xpscerpto engines`'),
  engine_unknown: entry('XPS_ERR_POLICY', 'no engine has this name', 'use auto, native, openssl or portable'),
  selftest_failed: entry('XPS_ERR_INTERNAL', 'a known-answer self-test failed', 'do not use this engine on this machine; report it'),
  key_invalid: entry('XPS_ERR_KEY', 'a key is malformed or of the wrong size', 'check how the key was made and passed'),
  nonce_invalid: entry('XPS_ERR_NONCE', 'a nonce has the wrong size', 'AES-256-GCM and ChaCha20-Poly1305 take 12 bytes, XChaCha20-Poly1305 takes 24'),
  tag_mismatch: entry('XPS_ERR_AUTH', 'authentication of a ciphertext failed', 'the data were changed, or the key, nonce or AAD is another'),
  key_share_invalid: entry('XPS_ERR_AUTH', 'the peer sent an unacceptable key-exchange share', 'the peer is broken or hostile'),

  // certs

  // record

  // handshake

  // channel

  // sidecar
};
