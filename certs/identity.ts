import type { CredentialSource, IdentitySettings } from './contract.ts';
import { type CredentialDependencies, openCredentialFiles } from './credential-files.ts';
import type { BundleSource } from './trust-bundles.ts';

/** An identity and, when its source brings them, the trust bundles to open Trust with. */
export interface Identity {
  readonly credential: CredentialSource;
  /** For `openTrust`; undefined: only the configured bundles count. */
  readonly bundles: BundleSource | undefined;
}

/**
 * Opens what `identity` of the configuration names: mounted files or a SPIFFE agent. Rejects with `credential_invalid`
 * or `identity_source_failed`. To be opened before Trust, because an agent brings the bundles of its trust domains;
 * afterwards `credential.staple(trust.staples)` lets the credential carry OCSP answers.
 */
export async function openIdentity(settings: IdentitySettings, dependencies: CredentialDependencies): Promise<Identity> {
  if (!('spiffeSocket' in settings)) return { credential: await openCredentialFiles(settings, dependencies), bundles: undefined };
  // Loaded only where it is used: gRPC is the largest dependency of all.
  const { openSpiffeIdentity } = await import('./spiffe-identity.ts');
  const identity = await openSpiffeIdentity(settings, dependencies);
  return { credential: identity, bundles: identity };
}
