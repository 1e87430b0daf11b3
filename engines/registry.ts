import { randomFillSync } from 'node:crypto';
import { equalBytes, type Bytes } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type {
  AeadAlgorithm,
  AeadCipher,
  AeadProvider,
  Crypto,
  Engine,
  Group,
  HashProvider,
  KeyExchangeProvider,
  SignatureProvider,
} from './contract.ts';
import { loadNativeEngine } from './native.ts';
import { openOpensslEngine } from './openssl.ts';
import { AEAD_ALGORITHMS, GROUPS, Policy, type Algorithm } from './policy.ts';
import { openPortableEngine } from './portable.ts';
import { RoutedKeyExchange, RoutedSignature, unavailable } from './routed.ts';
import { SelfTests, type SelfTestResult } from './self-test.ts';

export const ENGINE_CHOICES: readonly EngineChoice[] = ['auto', 'native', 'openssl', 'portable'];
export type EngineChoice = 'auto' | Engine['name'];

export interface CryptoOptions {
  /** `auto`: native AEADs where the addon is, OpenSSL for the rest, noble for what both lack. Others are forced. */
  readonly engine: EngineChoice;
  /** `crypto.policy.forbid`. */
  readonly forbid: readonly string[];
  /** `XPS_SIMD_ISA_MASK`, for the native engine. */
  readonly isaMask?: string;
  /** Told once when `auto` has to do without the native engine, and why. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Opens the engines that `options.engine` asks for and tests every primitive that they will be used for.
 * Throws `engine_unknown`, `algorithm_unavailable` (a forced engine is not there) and `selftest_failed`.
 */
export function createCrypto(options: CryptoOptions): EngineRegistry {
  const selfTests = new SelfTests();
  return new EngineRegistry(openEngines(options, selfTests), options.forbid, { choice: options.engine, selfTests });
}

function openEngines(options: CryptoOptions, selfTests: SelfTests): readonly Engine[] {
  switch (options.engine) {
    case 'auto': {
      const native = usableNative(options, selfTests);
      return [...(native === undefined ? [] : [native]), openOpensslEngine(), openPortableEngine()];
    }
    case 'native': {
      const native = loadNativeEngine({ isaMask: options.isaMask });
      if (native === undefined) {
        throw new XpsError('algorithm_unavailable', { detail: 'the native engine was asked for, but its addon is not built' });
      }
      return [native, openOpensslEngine(), openPortableEngine()];
    }
    case 'openssl':
      return [openOpensslEngine()];
    case 'portable':
      return [openPortableEngine()];
    default:
      throw new XpsError('engine_unknown', { detail: JSON.stringify(options.engine) });
  }
}

/** `auto` can do without it, but never silently; and a wrong XPS_SIMD_ISA_MASK is a mistake to correct, not to pass over. */
function usableNative(options: CryptoOptions, selfTests: SelfTests): Engine | undefined {
  try {
    const native = loadNativeEngine({ isaMask: options.isaMask });
    if (native !== undefined) {
      for (const algorithm of native.aead?.algorithms ?? []) selfTests.demandAead(native, algorithm);
      return native;
    }
    options.onWarning?.('the native addon is not built: OpenSSL encrypts records, at a fraction of the speed');
  } catch (error) {
    const cause = toXpsError(error);
    if (cause.reason === 'environment_invalid') throw cause;
    options.onWarning?.(`the native engine is not used: ${cause.message}`);
  }
  return undefined;
}

/** What answers for what, at one generation. Never changed, only replaced as a whole. */
interface Routes {
  readonly engines: readonly Engine[];
  readonly policy: Policy;
  readonly aead: ReadonlyMap<AeadAlgorithm, AeadProvider>;
  readonly keyExchange: KeyExchangeProvider;
  readonly hash: HashProvider;
  readonly signature: SignatureProvider;
}

export interface RegistrySettings {
  readonly choice?: EngineChoice;
  readonly selfTests?: SelfTests;
}

export class EngineRegistry implements Crypto {
  readonly #choice: EngineChoice;
  readonly #selfTests: SelfTests;
  #routes: Routes;
  #generation = 1;

  /** `engines` in order of preference; each primitive goes to the first that offers it and is tested before. */
  constructor(engines: readonly Engine[], forbid: readonly string[], settings: RegistrySettings = {}) {
    this.#choice = settings.choice ?? 'auto';
    this.#selfTests = settings.selfTests ?? new SelfTests();
    this.#routes = this.#route(engines, new Policy(forbid));
  }

  get generation(): number {
    return this.#generation;
  }

  get engines(): readonly Engine[] {
    return this.#routes.engines;
  }

  get hash(): HashProvider {
    return this.#routes.hash;
  }

  get keyExchange(): KeyExchangeProvider {
    return this.#routes.keyExchange;
  }

  get signature(): SignatureProvider {
    return this.#routes.signature;
  }

  get selfTestResults(): readonly SelfTestResult[] {
    return this.#selfTests.results;
  }

  aead(algorithm: AeadAlgorithm, key: Bytes): AeadCipher {
    const { policy, aead } = this.#routes;
    policy.demand(algorithm);
    const provider = aead.get(algorithm);
    if (provider === undefined) throw unavailable(algorithm);
    return provider.create(algorithm, key);
  }

  isAvailable(what: Algorithm): boolean {
    return this.providerOf(what) !== undefined;
  }

  /** The name of the engine that answers for `what`; undefined if none does or the policy forbids it. */
  providerOf(what: Algorithm): string | undefined {
    const { policy, aead, keyExchange, signature, engines } = this.#routes;
    if (!policy.isAllowed(what)) return undefined;
    if (isAead(what)) return aead.get(what)?.name;
    if (isGroup(what)) {
      return keyExchange.groups.includes(what)
        ? engines.find((engine) => engine.keyExchange?.groups.includes(what))?.name
        : undefined;
    }
    return signature.algorithms.includes(what) ? signature.name : undefined;
  }

  /** From the operating system through OpenSSL's generator, whatever engine is chosen. */
  random(length: number): Uint8Array<ArrayBuffer> {
    return randomFillSync(new Uint8Array(length));
  }

  equal(a: Bytes, b: Bytes): boolean {
    return equalBytes(a, b);
  }

  /**
   * Exchanges the engines, the policy, or both, in one step: everything is tested first, and when that throws, all
   * stays as it was. Keys and hashes in use keep the engine that they were made with.
   */
  replace(change: { readonly engines?: readonly Engine[]; readonly forbid?: readonly string[] }): void {
    const policy = change.forbid === undefined ? this.#routes.policy : new Policy(change.forbid);
    this.#routes = this.#route(change.engines ?? this.#routes.engines, policy);
    this.#generation += 1;
  }

  #route(engines: readonly Engine[], policy: Policy): Routes {
    const hashEngine = engines.find(({ hash }) => hash !== undefined);
    const signatureEngine = engines.find(({ signature }) => signature !== undefined);
    if (hashEngine?.hash === undefined) throw unavailable('hash');
    if (signatureEngine?.signature === undefined) throw unavailable('signature');
    this.#selfTests.demandHash(hashEngine);
    const signature = new RoutedSignature(signatureEngine.signature, policy);
    for (const algorithm of signature.algorithms) this.#selfTests.demandSignature(signatureEngine, algorithm);
    return {
      engines,
      policy,
      aead: this.#routeAead(engines, policy),
      keyExchange: this.#routeKeyExchange(engines, policy),
      hash: hashEngine.hash,
      signature,
    };
  }

  #routeAead(engines: readonly Engine[], policy: Policy): ReadonlyMap<AeadAlgorithm, AeadProvider> {
    const permitted = this.#choice === 'native' ? engines.filter(({ name }) => name === 'native') : engines;
    const routes = new Map<AeadAlgorithm, AeadProvider>();
    for (const algorithm of AEAD_ALGORITHMS.filter((algorithm) => policy.isAllowed(algorithm))) {
      const engine = permitted.find(({ aead }) => aead?.algorithms.includes(algorithm));
      if (engine?.aead === undefined) continue;
      this.#selfTests.demandAead(engine, algorithm);
      routes.set(algorithm, engine.aead);
    }
    return routes;
  }

  #routeKeyExchange(engines: readonly Engine[], policy: Policy): KeyExchangeProvider {
    const routes = new Map<Group, KeyExchangeProvider>();
    for (const group of GROUPS.filter((group) => policy.isAllowed(group))) {
      const engine = engines.find(({ keyExchange }) => keyExchange?.groups.includes(group));
      if (engine?.keyExchange === undefined) continue;
      this.#selfTests.demandGroup(engine, group);
      routes.set(group, engine.keyExchange);
    }
    return new RoutedKeyExchange(routes, policy, () => this.#seededKeyExchange());
  }

  #seededKeyExchange(): KeyExchangeProvider {
    const engine = openPortableEngine();
    if (engine.keyExchange === undefined) throw unavailable('seeded key exchange');
    for (const group of engine.keyExchange.groups) this.#selfTests.demandGroup(engine, group);
    return engine.keyExchange;
  }
}

function isAead(what: Algorithm): what is AeadAlgorithm {
  return (AEAD_ALGORITHMS as readonly string[]).includes(what);
}

function isGroup(what: Algorithm): what is Group {
  return (GROUPS as readonly string[]).includes(what);
}
