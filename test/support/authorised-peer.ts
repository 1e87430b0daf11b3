import type { Bytes } from '../../base/bytes.ts';
import { AuthorisedPeer } from '../../certs/authorisation.ts';

/**
 * An AuthorisedPeer for tests that have no certificates. The product's only way to one is a judge; code that runs in the
 * same process can always forge a prototype, and tests are the one place that does.
 */
export function forgedPeer(fields: { readonly name: string; readonly leafSha256?: Bytes; readonly validUntilMs?: number }): AuthorisedPeer {
  const { name, leafSha256 = new Uint8Array(32), validUntilMs = Number.MAX_SAFE_INTEGER } = fields;
  return Object.assign(Object.create(AuthorisedPeer.prototype) as AuthorisedPeer, {
    kind: 'authenticated',
    name,
    names: [name],
    spiffeId: name.startsWith('spiffe://') ? name : undefined,
    leafSha256,
    rule: name,
    validUntilMs,
    path: name,
    isStatusUnknown: false,
    admittingNames: [name],
  });
}
