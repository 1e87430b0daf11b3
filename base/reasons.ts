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
  | 'certificate_malformed'
  | 'certificate_revoked'
  | 'certificate_status_unknown'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'certificate_untrusted'
  | 'certificate_signature_invalid'
  | 'certificate_wrong_name'
  | 'certificate_wrong_usage'
  | 'certificate_constraint'
  | 'certificate_policy'
  | 'certificate_weak'
  | 'certificate_limit'
  | 'certificate_pin_mismatch'
  | 'peer_not_allowed'
  | 'peer_denied'
  | 'peer_rule_invalid'
  | 'spiffe_id_invalid'
  | 'credential_invalid'
  | 'bundle_invalid'
  | 'bundle_digest_mismatch'
  | 'pin_invalid'
  | 'crl_invalid'
  | 'crl_rolled_back'
  | 'status_fetch_failed'
  | 'identity_source_failed'
  | 'ca_missing'
  | 'ca_exists'
  | 'ca_folder_unusable'
  | 'ca_request_invalid'
  | 'ca_certificate_unknown'
  // record
  | 'not_a_sidecar'
  | 'record_header_invalid'
  | 'record_too_long'
  | 'record_content_invalid'
  | 'record_forged'
  | 'epoch_unexpected'
  | 'key_exhausted'
  // handshake
  | 'unexpected_message'
  | 'unexpected_plain_record'
  | 'version_unsupported'
  | 'service_mismatch'
  | 'gate_mismatch'
  | 'no_common_suite'
  | 'no_common_scheme'
  | 'negotiation_mismatch'
  | 'reflection'
  | 'own_certificate'
  | 'retry_repeated'
  | 'cookie_invalid'
  | 'signature_invalid'
  | 'finished_invalid'
  | 'binder_invalid'
  | 'client_certificate_required'
  | 'anonymous_not_allowed'
  | 'staple_required'
  | 'peer_refused'
  | 'handshake_too_large'
  | 'rekey_invalid'
  | 'identity_changed'
  // channel
  | 'channel_truncated'
  | 'close_count_mismatch'
  | 'stream_invalid'
  | 'control_flood'
  | 'pong_invalid'
  | 'peer_alert_internal'
  | 'peer_alert_protocol'
  | 'peer_alert_credential'
  | 'peer_alert_limit'
  | 'peer_alert_rekey'
  | 'peer_alert_shutdown'
  | 'rekey_overdue'
  | 'peer_rejected'
  | 'keepalive_timeout'
  | 'handshake_timeout'
  | 'close_timeout'
  | 'resumption_expired'
  | 'idle_timeout'
  | 'memory_limit'
  | 'shutting_down'
  // sidecar
  | 'usage_invalid'
  | 'config_invalid'
  | 'environment_invalid'
  | 'file_unreadable'
  | 'demo_failed'
  | 'listen_failed'
  | 'data_plane_unavailable'
  | 'dial_failed'
  | 'connection_limit'
  | 'half_open_dropped'
  | 'clock_implausible'
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
  certificate_malformed: entry('XPS_ERR_AUTH', 'a certificate, CRL or OCSP answer breaks the rules of its encoding', 'issue it again with a CA that follows RFC 5280; the detail names the field'),
  certificate_revoked: entry('XPS_ERR_AUTH', 'a certificate of the peer is revoked', 'issue a new certificate for the peer, after finding out why the old one was revoked'),
  certificate_status_unknown: entry('XPS_ERR_AUTH', 'nobody could say whether a certificate of the peer is revoked', 'provide a current CRL or OCSP staple for its issuer, see trust.revocation'),
  certificate_expired: entry('XPS_ERR_AUTH', 'a certificate of the peer has expired', 'renew it, and look why it was not renewed in time'),
  certificate_not_yet_valid: entry('XPS_ERR_AUTH', 'a certificate of the peer is not valid yet', 'compare the clocks of both machines'),
  certificate_untrusted: entry('XPS_ERR_AUTH', 'no path leads from the certificate of the peer to a trusted bundle', 'add the CA of the peer to trust.bundles, or let the peer send its intermediates'),
  certificate_signature_invalid: entry('XPS_ERR_AUTH', 'a signature in the chain of the peer is wrong', 'the peer is hostile, or its chain was put together from the wrong files'),
  certificate_wrong_name: entry('XPS_ERR_AUTH', 'the certificate of the peer carries another name', 'issue a certificate with the name that is asked for'),
  certificate_wrong_usage: entry('XPS_ERR_AUTH', 'a certificate of the peer is used for what it was not issued for', 'issue it with the key usage and extended key usage that its role needs'),
  certificate_constraint: entry('XPS_ERR_AUTH', 'a certificate of the peer breaks a constraint of a CA above it', 'issue it within the limits of the CA; the detail names the constraint'),
  certificate_policy: entry('XPS_ERR_AUTH', 'the chain of the peer has no acceptable certificate policy', 'issue it under a policy that is asked for'),
  certificate_weak: entry('XPS_ERR_AUTH', 'a key or signature in the chain of the peer is too weak or of an unsupported kind', 'use Ed25519, ECDSA P-256 or P-384, or RSA of 2048 to 8192 bits, with SHA-2'),
  certificate_limit: entry('XPS_ERR_AUTH', 'checking the chain of the peer would cost more work than is allowed', 'send a shorter chain without certificates that do not belong to it'),
  certificate_pin_mismatch: entry('XPS_ERR_AUTH', 'no certificate on the path matches a configured pin', 'compare trust.pins with `xpscerpto pki pin`'),
  peer_not_allowed: entry('XPS_ERR_POLICY', 'the peer is authentic but no rule allows it', 'add one of its names to peer.allow, if it may connect'),
  peer_denied: entry('XPS_ERR_POLICY', 'a rule denies this peer', 'remove the rule from peer.deny, if it may connect'),
  peer_rule_invalid: entry('XPS_ERR_POLICY', 'an entry of peer.allow or peer.deny cannot be used', 'write spiffe://domain/path, dns:name, uri:…, ip:…, email:…, subject:CN=…, issuer:sha256/…, spki:sha256/… or anonymous'),
  spiffe_id_invalid: entry('XPS_ERR_AUTH', 'a certificate with a SPIFFE ID breaks the rules of X.509-SVID', 'issue it with exactly one spiffe:// URI, as a leaf, for digital signatures'),
  credential_invalid: entry('XPS_ERR_KEY', 'our own certificate or key cannot be used', 'check identity.cert and identity.key; the detail names the file'),
  bundle_invalid: entry('XPS_ERR_POLICY', 'a trust bundle cannot be used', 'check trust.bundles; the detail names the file'),
  bundle_digest_mismatch: entry('XPS_ERR_POLICY', 'a trust bundle differs from its configured digest', 'find out who changed the file, or update trust.bundles[].sha256'),
  pin_invalid: entry('XPS_ERR_POLICY', 'a pin cannot be used', 'write sha256/ and the base64 of 32 bytes, as `xpscerpto pki pin` prints it'),
  crl_invalid: entry('XPS_ERR_POLICY', 'a CRL cannot be used', 'fetch it again from its CA; the detail names the file'),
  crl_rolled_back: entry('XPS_ERR_AUTH', 'a CRL is older than the one that is in use', 'look why an old CRL was served; the newer one stays in use'),
  status_fetch_failed: entry('XPS_ERR_AUTH', 'revocation data could not be fetched', 'check that the distribution point or responder can be reached from here'),
  identity_source_failed: entry('XPS_ERR_KEY', 'a source of identities failed', 'check the agent or the mounted secret; the last good identity stays in use'),
  ca_missing: entry('XPS_ERR_KEY', 'there is no development CA in this folder', 'make one with `xpscerpto pki init --dir FOLDER`, or name the right folder'),
  ca_exists: entry('XPS_ERR_KEY', 'a file that would be overwritten exists already', 'choose another name or folder, or pass --force to replace it'),
  ca_folder_unusable: entry('XPS_ERR_KEY', 'the folder of the development CA cannot be used', 'check owner, mode and free space; the detail names the file'),
  ca_request_invalid: entry('XPS_ERR_KEY', 'the development CA cannot issue what was asked for', 'change what the detail names; `xpscerpto pki issue --help` shows the forms'),
  ca_certificate_unknown: entry('XPS_ERR_KEY', 'the development CA has issued no such certificate', 'list what it has issued with `xpscerpto pki show`'),

  // record

  not_a_sidecar: entry('XPS_ERR_AUTH', 'the peer does not speak this protocol', 'check that the address leads to the channel side of another sidecar, not to an application, a TLS or HTTP port'),
  record_header_invalid: entry('XPS_ERR_AUTH', 'a record header is invalid', 'the peer is broken or hostile, or something changed bytes on the way'),
  record_too_long: entry('XPS_ERR_AUTH', 'a record is longer than was agreed', 'the peer is broken or hostile'),
  record_content_invalid: entry('XPS_ERR_AUTH', 'a record has no valid content', 'the peer is broken or hostile'),
  record_forged: entry('XPS_ERR_AUTH', 'a record failed to authenticate', 'bytes were changed, replayed, reordered or dropped on the way; look at what lies between both sidecars'),
  epoch_unexpected: entry('XPS_ERR_AUTH', 'a record came under keys that are not in force', 'the peer is broken or hostile, or records were replayed'),
  key_exhausted: entry('XPS_ERR_KEY', 'a traffic key reached its limit', 'the rekey did not finish in time; look for the reason of the last rekey failure'),

  // handshake

  unexpected_message: entry('XPS_ERR_AUTH', 'a message came that is not legal now', 'the peer is broken or hostile'),
  unexpected_plain_record: entry('XPS_ERR_AUTH', 'an unprotected record came after keys were in force', 'somebody injects bytes, or the peer is broken'),
  version_unsupported: entry('XPS_ERR_AUTH', 'the peer speaks another protocol version', 'run the same major version on both sides'),
  service_mismatch: entry('XPS_ERR_AUTH', 'the peer asked for another service, or has another mesh key', 'give both tunnels the same `service` and both sidecars the same mesh key'),
  gate_mismatch: entry('XPS_ERR_AUTH', 'the hello does not pass the gate', 'give both sidecars the same mesh key'),
  no_common_suite: entry('XPS_ERR_POLICY', 'both sides have no cipher suite in common', 'compare crypto.kex.hybrid, crypto.aead.default and crypto.policy.forbid of both sides'),
  no_common_scheme: entry('XPS_ERR_POLICY', 'no signature scheme fits the key', 'compare key types with crypto.policy.forbid of the other side'),
  negotiation_mismatch: entry('XPS_ERR_AUTH', 'the server did not choose what it had to choose', 'somebody tampered with the negotiation, or the peer is broken'),
  reflection: entry('XPS_ERR_AUTH', 'the peer sent back our own value', 'the address leads back to ourselves, or the peer is hostile'),
  own_certificate: entry('XPS_ERR_AUTH', 'the peer presented our own certificate', 'give each service a certificate of its own, or set allow_own_certificate'),
  retry_repeated: entry('XPS_ERR_AUTH', 'the server asked for a second retry', 'the peer is broken or hostile'),
  cookie_invalid: entry('XPS_ERR_AUTH', 'the retry cookie is not ours or too old', 'nothing, if it is rare; otherwise something replays hellos'),
  signature_invalid: entry('XPS_ERR_AUTH', 'the peer could not prove that it holds its key', 'the peer is hostile, or its certificate and key do not belong together'),
  finished_invalid: entry('XPS_ERR_AUTH', 'the handshakes of both sides differ', 'somebody changed the handshake on the way'),
  binder_invalid: entry('XPS_ERR_AUTH', 'a resumption ticket came with a wrong proof', 'somebody replays tickets'),
  client_certificate_required: entry('XPS_ERR_AUTH', 'the client presented no certificate', 'give the client an identity, or set client_auth and allow anonymous'),
  anonymous_not_allowed: entry('XPS_ERR_POLICY', 'this side may not be anonymous', 'give the tunnel an identity, or say `identity: none` on the client tunnel'),
  staple_required: entry('XPS_ERR_AUTH', 'the peer presented no OCSP staple though one is required', 'switch on trust.revocation.ocsp.staple at the peer'),
  peer_refused: entry('XPS_ERR_AUTH', 'the peer ended the handshake without saying why', 'look at the log of the other sidecar for the same handshake id'),
  handshake_too_large: entry('XPS_ERR_AUTH', 'the peer sent too much before it was authenticated', 'the peer is broken or hostile'),
  rekey_invalid: entry('XPS_ERR_AUTH', 'a rekey message is out of order', 'the peer is broken or hostile'),
  identity_changed: entry('XPS_ERR_AUTH', 'the peer came back from a rekey as somebody else', 'renewed certificates must keep a name that is allowed'),

  // channel

  channel_truncated: entry('XPS_ERR_AUTH', 'the transport ended without an authenticated close', 'the peer or something between was killed, or somebody cut the connection'),
  close_count_mismatch: entry('XPS_ERR_AUTH', 'the peer closed with another byte count than arrived', 'report this: bytes were lost'),
  stream_invalid: entry('XPS_ERR_AUTH', 'a stream message is out of order', 'the peer is broken or hostile'),
  control_flood: entry('XPS_ERR_AUTH', 'the peer sent too many control messages', 'the peer is broken or hostile'),
  pong_invalid: entry('XPS_ERR_AUTH', 'a pong answers no ping', 'the peer is broken or hostile'),
  peer_alert_internal: entry('XPS_ERR_INTERNAL', 'the peer reported an internal error', 'look at the log of the other sidecar'),
  peer_alert_protocol: entry('XPS_ERR_AUTH', 'the peer reported a protocol violation', 'look at the log of the other sidecar'),
  peer_alert_credential: entry('XPS_ERR_AUTH', 'the peer does not accept our credential any more', 'renew the certificate; look at the log of the other sidecar'),
  peer_alert_limit: entry('XPS_ERR_POLICY', 'the peer reported an exceeded limit', 'look at the log of the other sidecar'),
  peer_alert_rekey: entry('XPS_ERR_KEY', 'the peer could not rekey', 'look at the log of the other sidecar'),
  peer_alert_shutdown: entry('XPS_ERR_UPDATE', 'the peer is shutting down', 'nothing; new connections go to where it comes back'),
  rekey_overdue: entry('XPS_ERR_KEY', 'a rekey did not finish in time', 'the peer does not read or answer; see timeouts.rekey'),
  peer_rejected: entry('XPS_ERR_AUTH', 'the credential of the peer is no longer accepted', 'see the certificate verdict in the same log line'),
  keepalive_timeout: entry('XPS_ERR_AUTH', 'the peer answers no keepalive', 'look at the network and at the other sidecar'),
  handshake_timeout: entry('XPS_ERR_AUTH', 'the handshake did not finish in time', 'look at the network and the load; see timeouts.handshake'),
  close_timeout: entry('XPS_ERR_AUTH', 'the peer did not answer the close in time', 'look at the other sidecar'),
  resumption_expired: entry('XPS_ERR_AUTH', 'a resumption ticket is not valid any more', 'nothing; a full handshake follows'),
  idle_timeout: entry('XPS_ERR_POLICY', 'nothing was transferred for too long', 'raise timeouts.idle if long pauses are normal for this service'),
  memory_limit: entry('XPS_ERR_POLICY', 'more data are waiting than may be kept', 'the application does not read; look at it'),
  shutting_down: entry('XPS_ERR_UPDATE', 'this sidecar is shutting down', 'nothing; it was asked to'),

  // sidecar

  usage_invalid: entry('XPS_ERR_POLICY', 'the command line is wrong', 'run the command with --help; it shows examples'),
  config_invalid: entry('XPS_ERR_POLICY', 'the configuration has mistakes', 'run `xpscerpto check -c FILE`: it names each mistake with its line'),
  environment_invalid: entry('XPS_ERR_POLICY', 'an environment variable has a value that is not known', 'use one of the values named, or unset the variable'),
  demo_failed: entry('XPS_ERR_INTERNAL', 'the demo could not start or go on', 'look at the log files that the detail names'),
  file_unreadable: entry('XPS_ERR_POLICY', 'a file cannot be read', 'check the path, its owner and mode'),
  data_plane_unavailable: entry('XPS_ERR_POLICY', 'the native data plane was asked for and cannot be used', 'build the addon with `npm run install`, or set XPS_DATA_PLANE to auto or portable'),
  listen_failed: entry('XPS_ERR_POLICY', 'an address cannot be listened on', 'choose another address, or stop what uses it'),
  dial_failed: entry('XPS_ERR_POLICY', 'an address cannot be connected to', 'look whether something listens there, and at the network and DNS between'),
  connection_limit: entry('XPS_ERR_POLICY', 'a tunnel has as many connections as it may have', 'raise limits.connections if this is normal load; else look who opens them'),
  half_open_dropped: entry('XPS_ERR_POLICY', 'an unfinished handshake made room for others', 'nothing, if it is rare; else raise limits.handshakes, or look who floods this address'),
  clock_implausible: entry('XPS_ERR_POLICY', 'the clock of this machine is wrong', 'set the clock: certificates cannot be judged without it'),
};

/** For reasons that come from outside of TypeScript, such as the addon. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(REASONS, text);
}
