import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { checkAeadKey, checkNonce, disposed, TAG_LENGTH } from './aead-arguments.ts';
import { AEAD_PARAMETERS, type AeadAlgorithm, type AeadCipher, type AeadProvider, type Engine } from './contract.ts';
import { loadAddon, NATIVE_ALGORITHMS, type NativeAddon } from './native-addon.ts';

/** The length by which `provider` names a kernel: a full record of bulk traffic. */
const NAMING_LENGTH = 16_384;

export interface NativeEngineOptions {
  /** As in XPS_SIMD_ISA_MASK, which is the default. */
  readonly isaMask?: string | undefined;
  /** The full name of a kernel, as `xpscerpto engines` lists it: this one for every length, or an error. */
  readonly kernel?: string;
}

/** Many small records in one call, for whoever asks whether a cipher `isBatchCipher`. */
export interface BatchCipher extends AeadCipher {
  /**
   * Seals `count` records in place. Row i of `table` is five words (ROW of native-addon.ts): offsets into `buffer`.
   * Every row is checked before the first record is sealed.
   */
  sealBatch(buffer: Bytes, table: Uint32Array, count: number): void;
  /** Opens in place; how many were authentic before the first that was not, which is wiped. Those after it stay as they came. */
  openBatch(buffer: Bytes, table: Uint32Array, count: number): number;
}

export function isBatchCipher(cipher: AeadCipher): cipher is BatchCipher {
  return cipher instanceof NativeCipher;
}

/** The addon's AEADs; undefined when there is no addon on this machine. Throws `environment_invalid` for a wrong mask. */
export function loadNativeEngine(options: NativeEngineOptions = {}): Engine | undefined {
  const { addon } = loadAddon(options.isaMask ?? process.env['XPS_SIMD_ISA_MASK']);
  return addon === undefined ? undefined : { name: 'native', aead: nativeAead(addon, options.kernel ?? '') };
}

function nativeAead(addon: NativeAddon, kernel: string): AeadProvider {
  return {
    name: 'native',
    algorithms: algorithmsOf(addon, kernel),
    create(algorithm, key) {
      checkAeadKey(algorithm, key);
      return new NativeCipher(addon, algorithm, key, kernel);
    },
  };
}

function algorithmsOf(addon: NativeAddon, kernel: string): readonly AeadAlgorithm[] {
  const operations = new Set(
    addon
      .report()
      .kernels.filter((known) => known.verdict === 'usable' && (kernel === '' || known.name === kernel))
      .map((known) => known.operation),
  );
  if (operations.size === 0) {
    throw new XpsError('algorithm_unavailable', { detail: `no usable kernel has the name ${JSON.stringify(kernel)}` });
  }
  const all = Object.keys(NATIVE_ALGORITHMS) as AeadAlgorithm[];
  return all.filter((algorithm) => operations.has(algorithm === 'AES_GCM' ? 'aes-256-gcm' : 'chacha20-poly1305'));
}

/** A cipher that nobody disposed of gives its key back when it is collected. */
const abandoned = new FinalizationRegistry<() => void>((destroy) => destroy());

const NO_HANDLE = 0;

class NativeCipher implements BatchCipher {
  readonly algorithm: AeadAlgorithm;
  readonly provider: string;
  readonly #addon: NativeAddon;
  readonly #nonceLength: number;
  readonly #scratch: Uint8Array;
  readonly #scratchAad: number;
  #handle: number;

  constructor(addon: NativeAddon, algorithm: AeadAlgorithm, key: Bytes, kernel: string) {
    this.algorithm = algorithm;
    this.#addon = addon;
    this.#nonceLength = AEAD_PARAMETERS[algorithm].nonceLength;
    this.#scratch = addon.scratch;
    this.#scratchAad = addon.scratchAad;
    const handle = checked(() => addon.createCipher(NATIVE_ALGORITHMS[algorithm], key, kernel));
    this.#handle = handle;
    this.provider = `native ${addon.cipherKernel(handle, NAMING_LENGTH)}`;
    abandoned.register(this, () => addon.destroyCipher(handle), this);
  }

  seal(nonce: Bytes, aad: Bytes, plaintext: Bytes, out: Bytes): void {
    const inScratch = this.#begin(nonce, aad);
    try {
      this.#addon.seal(this.#handle, inScratch, plaintext, out);
    } catch (error) {
      throw this.#misuse(error);
    }
  }

  open(nonce: Bytes, aad: Bytes, sealed: Bytes, out: Bytes): boolean {
    const inScratch = this.#begin(nonce, aad);
    if (sealed.length < TAG_LENGTH) {
      out.fill(0);
      return false;
    }
    try {
      return this.#addon.open(this.#handle, inScratch, sealed, out);
    } catch (error) {
      throw this.#misuse(error);
    }
  }

  sealBatch(buffer: Bytes, table: Uint32Array, count: number): void {
    try {
      this.#addon.sealBatch(this.#handle, buffer, table, count);
    } catch (error) {
      throw this.#misuse(error);
    }
  }

  openBatch(buffer: Bytes, table: Uint32Array, count: number): number {
    try {
      return this.#addon.openBatch(this.#handle, buffer, table, count);
    } catch (error) {
      throw this.#misuse(error);
    }
  }

  [Symbol.dispose](): void {
    this.#addon.destroyCipher(this.#handle);
    this.#handle = NO_HANDLE;
    abandoned.unregister(this);
  }

  /** Puts nonce and AAD where the addon looks for them. Loops: for so few bytes `set` costs more. */
  #begin(nonce: Bytes, aad: Bytes): number | Bytes {
    if (nonce.length !== this.#nonceLength) checkNonce(this.algorithm, nonce);
    const scratch = this.#scratch;
    for (let i = 0; i < this.#nonceLength; i += 1) scratch[i] = nonce[i] as number;
    const length = aad.length;
    if (length > 64) return aad;
    const at = this.#scratchAad;
    for (let i = 0; i < length; i += 1) scratch[at + i] = aad[i] as number;
    return length;
  }

  #misuse(error: unknown): XpsError {
    return this.#handle === NO_HANDLE ? disposed() : misuse(error);
  }
}

function checked<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw misuse(error);
  }
}

function misuse(error: unknown): XpsError {
  return new XpsError('internal_error', { detail: error instanceof Error ? error.message : String(error), cause: error });
}
