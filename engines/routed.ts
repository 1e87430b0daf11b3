import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type {
  CertificateSignatureAlgorithm,
  Group,
  KeyAnswer,
  KeyExchangeProvider,
  KeyShare,
  SignatureProvider,
  SignatureScheme,
  SigningKey,
  VerifyingKey,
} from './contract.ts';
import type { Policy } from './policy.ts';
import { SCHEMES_OF_KEY, SIGNATURE_SHAPES } from './signature-algorithms.ts';

/** Providers as the rest of the product sees them: the engine that was chosen, behind the policy. */

export class RoutedKeyExchange implements KeyExchangeProvider {
  readonly name: string;
  readonly groups: readonly Group[];
  readonly #providers: ReadonlyMap<Group, KeyExchangeProvider>;
  readonly #policy: Policy;
  readonly #seeded: () => KeyExchangeProvider;

  /** `seeded` answers with a given seed, where the chosen engine cannot: for published vectors only. */
  constructor(providers: ReadonlyMap<Group, KeyExchangeProvider>, policy: Policy, seeded: () => KeyExchangeProvider) {
    this.name = [...new Set([...providers.values()].map(({ name }) => name))].join('+');
    this.groups = [...providers.keys()];
    this.#providers = providers;
    this.#policy = policy;
    this.#seeded = seeded;
  }

  initiate(group: Group, seed?: Bytes): KeyShare {
    return this.#provider(group).initiate(group, seed);
  }

  respond(group: Group, share: Bytes, seed?: Bytes): KeyAnswer {
    const provider = this.#provider(group);
    if (seed === undefined) return provider.respond(group, share);
    try {
      return provider.respond(group, share, seed);
    } catch (error) {
      if (!(error instanceof XpsError) || error.reason !== 'algorithm_unavailable') throw error;
      return this.#seeded().respond(group, share, seed);
    }
  }

  #provider(group: Group): KeyExchangeProvider {
    this.#policy.demand(group);
    const provider = this.#providers.get(group);
    if (provider === undefined) throw unavailable(group);
    return provider;
  }
}

export class RoutedSignature implements SignatureProvider {
  readonly name: string;
  readonly algorithms: readonly CertificateSignatureAlgorithm[];
  readonly #provider: SignatureProvider;
  readonly #policy: Policy;

  constructor(provider: SignatureProvider, policy: Policy) {
    this.name = provider.name;
    this.algorithms = provider.algorithms.filter((algorithm) => policy.isAllowed(algorithm));
    this.#provider = provider;
    this.#policy = policy;
  }

  loadSigningKey(pem: string): SigningKey {
    const key = this.#provider.loadSigningKey(pem);
    const schemes = key.schemes.filter((scheme) => this.algorithms.includes(scheme));
    const [first] = key.schemes;
    if (schemes.length === 0 && first !== undefined) throw this.#refused(first);
    return schemes.length === key.schemes.length ? key : new RestrictedSigningKey(key, schemes, this.#policy);
  }

  loadVerifyingKey(spki: Bytes, options?: { readonly minRsaBits?: number }): VerifyingKey {
    const key = this.#provider.loadVerifyingKey(spki, options);
    if (!this.algorithms.some((algorithm) => SIGNATURE_SHAPES[algorithm].key === key.algorithm)) {
      throw this.#refused(SCHEMES_OF_KEY[key.algorithm][0] as SignatureScheme);
    }
    return key;
  }

  verify(algorithm: CertificateSignatureAlgorithm, key: VerifyingKey, message: Bytes, signature: Bytes): boolean {
    if (!this.algorithms.includes(algorithm)) throw this.#refused(algorithm);
    return this.#provider.verify(algorithm, key, message, signature);
  }

  #refused(algorithm: CertificateSignatureAlgorithm): XpsError {
    return this.#policy.isAllowed(algorithm)
      ? unavailable(algorithm)
      : new XpsError('algorithm_forbidden', { detail: algorithm });
  }
}

class RestrictedSigningKey implements SigningKey {
  readonly spki: Bytes;
  readonly schemes: readonly SignatureScheme[];
  readonly #key: SigningKey;
  readonly #policy: Policy;

  constructor(key: SigningKey, schemes: readonly SignatureScheme[], policy: Policy) {
    this.spki = key.spki;
    this.schemes = schemes;
    this.#key = key;
    this.#policy = policy;
  }

  sign(scheme: SignatureScheme, message: Bytes): Bytes {
    this.#policy.demand(scheme);
    return this.#key.sign(scheme, message);
  }
}

export function unavailable(algorithm: string): XpsError {
  return new XpsError('algorithm_unavailable', { detail: algorithm });
}
