import { XpsError } from '../base/errors.ts';
import type { AeadAlgorithm, Crypto, SignatureScheme, VerifyingKey } from '../engines/contract.ts';
import { AEADS, SCHEME_IDS, SCHEMES, schemeById, suiteById, suiteOf, type Suite } from './codepoints.ts';

export type HybridPolicy = 'off' | 'prefer' | 'require';

/** docs/PROTOCOL.md §4.3: a value nobody may choose, so that lists stay extensible. */
export function grease(randomByte: number, mask = 0xf): number {
  const half = ((randomByte & mask) << 4) | 0x0a;
  return (half << 8) | half;
}

/**
 * Suites of one side in order of preference: hybrid before classical, the configured AEAD before the
 * others, less what policy or engines exclude.
 */
export function permittedSuites(crypto: Crypto, hybrid: HybridPolicy, preferred: AeadAlgorithm): readonly Suite[] {
  const aeads = [preferred, ...AEADS.filter((aead) => aead !== preferred)].filter((aead) => crypto.isAvailable(aead));
  const groups = (['XWING', 'X25519'] as const).filter(
    (group) => (group === 'XWING' ? hybrid !== 'off' : hybrid !== 'require') && crypto.isAvailable(group),
  );
  const suites = groups.flatMap((group) => aeads.map((aead) => suiteOf(group, aead)));
  if (suites.length === 0) {
    throw new XpsError('no_common_suite', { detail: 'the policy of this side leaves no suite at all' });
  }
  return suites;
}

export function permittedSchemes(crypto: Crypto): readonly SignatureScheme[] {
  return SCHEMES.filter((scheme) => crypto.isAvailable(scheme));
}

/** docs/PROTOCOL.md §4.4: the first of the server's list that the client offers. Both sides call this. */
export function selectSuite(serverList: readonly number[], clientList: readonly number[]): Suite {
  for (const id of serverList) {
    const suite = clientList.includes(id) ? suiteById(id) : undefined;
    if (suite !== undefined) return suite;
  }
  throw new XpsError('no_common_suite');
}

/** The first of the verifier's list that fits the signer's key. Both sides call this. */
export function selectScheme(verifierList: readonly number[], fits: (scheme: SignatureScheme) => boolean): number {
  for (const id of verifierList) {
    const scheme = schemeById(id);
    if (scheme !== undefined && fits(scheme)) return id;
  }
  throw new XpsError('no_common_scheme');
}

/** Whether `scheme` can be made with the private half of `key`. */
export function schemeFits(scheme: SignatureScheme, key: VerifyingKey): boolean {
  switch (key.algorithm) {
    case 'ed25519':
      return scheme === 'ed25519';
    case 'p256':
      return scheme === 'ecdsa_p256_sha256';
    case 'p384':
      return scheme === 'ecdsa_p384_sha384';
    case 'rsa':
      return scheme.startsWith('rsa_pss_');
  }
}

export const schemeIds = (schemes: readonly SignatureScheme[]): number[] => schemes.map((scheme) => SCHEME_IDS[scheme]);

/** Puts one GREASE value at a random place. `random` gives two bytes. */
export function withGrease(list: readonly number[], random: readonly [number, number]): number[] {
  const greased = [...list];
  greased.splice(random[1] % (list.length + 1), 0, grease(random[0]));
  return greased;
}
