// Rules between tunnels and between sections.
import { name, type Reporter } from './mistakes.ts';
import type { Address, AdminConfig, CryptoConfig, IdentityConfig, TrustConfig, TunnelConfig } from './schema.ts';

/** What could be read of the file; a section with mistakes in it is undefined. */
export interface ReadSections {
  readonly identity: IdentityConfig | undefined;
  readonly hasIdentity: boolean;
  readonly trust: TrustConfig | undefined;
  /** In the order of the file. */
  readonly tunnels: readonly (TunnelConfig | undefined)[];
  readonly admin: AdminConfig | undefined;
  readonly crypto: CryptoConfig | undefined;
}

export function checkRules(read: ReadSections, reporter: Reporter): void {
  checkNames(read.tunnels, reporter);
  checkListeners(read, reporter);
  checkIdentity(read, reporter);
  checkTrust(read, reporter);
  if (read.crypto !== undefined) checkCrypto(read.crypto, reporter);
  if (read.admin !== undefined) checkAdmin(read.admin, reporter);
}

function checkNames(tunnels: ReadSections['tunnels'], reporter: Reporter): void {
  const seen = new Map<string, number>();
  tunnels.forEach((tunnel, index) => {
    if (tunnel === undefined) return;
    const first = seen.get(tunnel.name);
    if (first === undefined) seen.set(tunnel.name, index);
    else reporter.error(['tunnels', index, 'name'], `two tunnels have the name ${tunnel.name}: tunnels[${first}] and tunnels[${index}]`, { expected: 'unique names' });
  });
}

function checkListeners({ tunnels, admin }: ReadSections, reporter: Reporter): void {
  const taken: { readonly what: string; readonly address: Address }[] = [];
  const claim = (what: string, address: Address, path: readonly (string | number)[]): void => {
    const other = taken.find((earlier) => collide(earlier.address, address));
    if (other !== undefined) {
      reporter.error(path, `${what} and ${other.what} listen on the same address, ${address.url}`, { expected: 'an address of its own for each' });
    }
    taken.push({ what, address });
  };
  tunnels.forEach((tunnel, index) => {
    if (tunnel !== undefined) claim(`tunnel ${tunnel.name}`, tunnel.listen, ['tunnels', index, 'listen']);
  });
  if (admin !== undefined) {
    claim('admin', { scheme: 'tcp', ...admin, url: `tcp://${admin.host}:${admin.port}` }, ['admin', 'listen']);
  }
}

/** TCP and WebSocket share the ports of a host; a wildcard takes them on every address. */
function collide(a: Address, b: Address): boolean {
  if (a.scheme === 'unix' || b.scheme === 'unix') return a.scheme === b.scheme && a.url === b.url;
  if (a.port !== b.port || a.port === 0) return false;
  const hosts = [hostOf(a.host), hostOf(b.host)];
  return hosts[0] === hosts[1] || hosts.includes('*');
}

function hostOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '*';
  return host === 'localhost' ? '127.0.0.1' : host;
}

function checkIdentity({ hasIdentity, tunnels }: ReadSections, reporter: Reporter): void {
  if (hasIdentity) return;
  const needing = tunnels.find((tunnel) => tunnel !== undefined && !(tunnel.role === 'client' && tunnel.isAnonymous));
  if (needing === undefined) return;
  reporter.error(['identity'], `identity is missing, and tunnel ${needing.name} needs one`, {
    expected: 'identity: { cert: FILE, key: FILE }',
    ...(needing.role === 'client' ? { suggestion: '"identity: none" in a client tunnel makes it anonymous' } : {}),
  }, 'key');
}

function checkTrust({ trust, tunnels, identity }: ReadSections, reporter: Reporter): void {
  if (trust === undefined) return;
  const judges = tunnels.find((tunnel) => tunnel !== undefined && !(tunnel.role === 'server' && tunnel.clientAuth === 'none'));
  if (judges === undefined) return;
  const bringsBundles = identity !== undefined && 'spiffeSocket' in identity;
  if (trust.bundles.length === 0 && !bringsBundles) {
    reporter.error(['trust', 'bundles'], `trust.bundles is missing, and tunnel ${judges.name} has to judge its peers' certificates`, {
      expected: 'trust: { bundles: [{ file: ca.pem }] }',
    }, 'key');
  }
  const { mode, crl, ocsp } = trust.revocation;
  if (mode === 'hard' && crl.length === 0 && !trust.revocation.fetchCrls && !ocsp.staple && !ocsp.query) {
    reporter.error(['trust', 'revocation'], 'trust.revocation: mode is hard but there is no source of revocation status, so every peer would be refused', {
      expected: 'crl, fetch_crls, ocsp.staple or ocsp.query',
      suggestion: 'name a CRL, or say mode: soft or mode: off',
    });
  }
  if (ocsp.requireStaple && (mode === 'off' || !ocsp.staple)) {
    reporter.error(['trust', 'revocation', 'ocsp', 'require_staple'], 'trust.revocation.ocsp.require_staple contradicts ' + (mode === 'off' ? 'mode: off' : 'staple: false'));
  }
  if (mode === 'off') {
    reporter.warning(['trust', 'revocation', 'mode'], 'trust.revocation.mode is off: revoked certificates are accepted');
  }
}

function checkCrypto(crypto: CryptoConfig, reporter: Reporter): void {
  const { forbid } = crypto.policy;
  const at = ['crypto', 'policy', 'forbid'];
  if (forbid.includes(crypto.aead.default)) {
    reporter.error(['crypto', 'aead', 'default'], `crypto.aead.default is ${crypto.aead.default}, which crypto.policy.forbid forbids`);
  }
  if (crypto.kex.hybrid === 'require' && forbid.includes('XWING')) {
    reporter.error(['crypto', 'kex', 'hybrid'], 'crypto.kex.hybrid is require, but crypto.policy.forbid forbids XWING');
  }
  if (forbid.includes('X25519') && (forbid.includes('XWING') || crypto.kex.hybrid === 'off')) {
    reporter.error(at, 'crypto.policy.forbid leaves no key exchange', { expected: 'X25519 or XWING to remain' });
  }
  const aeads = ['AES_GCM', 'CHACHA20_POLY1305', 'XCHACHA20_POLY1305'];
  if (aeads.every((aead) => forbid.includes(aead))) {
    reporter.error(at, 'crypto.policy.forbid leaves no AEAD', { expected: `one of ${aeads.join(', ')} to remain` });
  }
  for (const weak of ['sha1', 'des']) {
    if (!forbid.includes(weak)) reporter.warning(at, `crypto.policy.forbid does not name ${weak}`, { suggestion: 'it stays unused; name it to say so' });
  }
  const { rotationDays, dualWindowDays } = crypto.keyring;
  if (dualWindowDays > rotationDays) {
    reporter.error(['crypto', 'keyring', 'dual_window_days'], `crypto.keyring.dual_window_days ${dualWindowDays} is longer than rotation_days ${rotationDays}`, {
      expected: `at most ${rotationDays}`,
    });
  }
  for (const [key, isOn] of [
    ['require_signature', crypto.hotpatch.requireSignature],
    ['run_selftests', crypto.hotpatch.runSelftests],
    ['rollback_on_error', crypto.hotpatch.rollbackOnError],
  ] as const) {
    if (!isOn) reporter.warning(['crypto', 'hotpatch', key], `${name(['crypto', 'hotpatch', key])} is false: patches lose a protection`);
  }
}

function checkAdmin(admin: AdminConfig, reporter: Reporter): void {
  const isLoopback = admin.host === 'localhost' || admin.host === '::1' || admin.host.startsWith('127.');
  if (isLoopback) return;
  reporter.warning(['admin', 'listen'], `admin.listen is ${admin.host}: everybody who reaches it sees who talks to whom`, {
    suggestion: '127.0.0.1 unless something outside must probe it',
  });
}

/** Freezes everything that hangs on `value`. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}

