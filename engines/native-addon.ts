import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { XpsError } from '../base/errors.ts';

/** The only file that loads the addon (record/native/). Every environment variable it obeys is applied here, before use. */

/** Numbers that the binding takes for algorithms. */
export const NATIVE_ALGORITHMS = { AES_GCM: 0, CHACHA20_POLY1305: 1, XCHACHA20_POLY1305: 2 } as const;

/** Columns of a batch table: offsets into its buffer, in bytes. The tag stands right behind the text. */
export const ROW = { nonceAt: 0, aadAt: 1, aadLength: 2, textAt: 3, textLength: 4, words: 5 } as const;

/** What record/native/binding/ exports. Wrong arguments throw a TypeError or RangeError with `code` ERR_XPS_ARGUMENT. */
export interface NativeAddon {
  /** The nonce of the next `seal` or `open` begins here, its AAD at `scratchAad`. */
  readonly scratch: Uint8Array;
  readonly scratchAad: number;
  /** A handle. `kernel`: its full name, or '' to let dispatch choose for every record. */
  createCipher(algorithm: number, key: Uint8Array, kernel: string): number;
  /** Wipes the key; idempotent. */
  destroyCipher(handle: number): void;
  /** The kernel that would work on a record of `length` bytes. */
  cipherKernel(handle: number, length: number): string;
  /** `aad`: bytes in scratch, or the AAD itself. */
  seal(handle: number, aad: number | Uint8Array, plaintext: Uint8Array, out: Uint8Array): void;
  open(handle: number, aad: number | Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean;
  sealBatch(handle: number, buffer: Uint8Array, table: Uint32Array, count: number): void;
  /** How many were authentic before the first that was not. */
  openBatch(handle: number, buffer: Uint8Array, table: Uint32Array, count: number): number;
  /** Throws for an unknown name, and when kernels were chosen already under another mask. */
  restrictIsa(mask: string): void;
  report(): NativeReport;
}

export type KernelVerdict = 'unused' | 'lacks_isa' | 'masked' | 'failed_answers' | 'usable';
export type NativeOperation = 'aes-256-gcm' | 'chacha20-poly1305';

export interface KernelReport {
  readonly name: string;
  readonly operation: NativeOperation;
  readonly requires: readonly string[];
  /** 0: no vectors. */
  readonly vectorBits: number;
  readonly isConstantTime: boolean;
  readonly verdict: KernelVerdict;
  /** Measured time to seal one message of each bucket's greatest length; 0 when the kernel is not usable. */
  readonly nanoseconds: readonly number[];
}

export interface NativeReport {
  /** Instruction sets of this processor that kernels know, by the names that XPS_SIMD_ISA_MASK takes. */
  readonly cpu: readonly string[];
  /** What the mask left of them. */
  readonly allowed: readonly string[];
  readonly wideVectorsCostClock: boolean;
  /** Upper bounds of the size buckets, in bytes. */
  readonly buckets: readonly number[];
  readonly kernels: readonly KernelReport[];
  /** For each bucket the kernel that won it. */
  readonly winners: Readonly<Record<NativeOperation, readonly string[]>>;
  readonly keysInUse: number;
  readonly lockedBytes: number;
  /** Key memory that the system refused to lock (RLIMIT_MEMLOCK). */
  readonly unlockedBytes: number;
}

/** What became of the attempt to load it. */
export type LoadedAddon =
  | { readonly addon: NativeAddon; readonly path: string }
  | { readonly addon: undefined; readonly reason: string };

let loaded: LoadedAddon | undefined;

/**
 * Loads at the first call and keeps the answer. `isaMask` (default: XPS_SIMD_ISA_MASK) restricts the instruction sets for the
 * whole process; throws `environment_invalid` for a name that no kernel knows.
 */
export function loadAddon(isaMask: string | undefined = process.env['XPS_SIMD_ISA_MASK']): LoadedAddon {
  loaded ??= load();
  if (loaded.addon !== undefined && isaMask !== undefined && isaMask !== '') restrict(loaded.addon, isaMask);
  return loaded;
}

function load(): LoadedAddon {
  const path = candidates().find((candidate) => existsSync(candidate));
  if (path === undefined) return { addon: undefined, reason: 'it was not built (`npm run install` builds it)' };
  try {
    return { addon: createRequire(import.meta.url)(path) as NativeAddon, path };
  } catch (error) {
    return { addon: undefined, reason: `${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** What was built here comes first, then a prebuilt binary (record/native/prebuild.mjs). Sources run from engines/, compiled files from dist/engines/. */
function candidates(): readonly string[] {
  const platform = `${process.platform}-${process.arch}`;
  const places = [['build', 'Release'], ['prebuilds', platform], ['node_modules', `xpscerpto-sidecar-${platform}`]];
  return places.flatMap((place) => ['..', '../..'].map((up) => join(import.meta.dirname, up, ...place, 'xpscerpto.node')));
}

function restrict(addon: NativeAddon, isaMask: string): void {
  try {
    addon.restrictIsa(isaMask);
  } catch (error) {
    const detail = `XPS_SIMD_ISA_MASK: ${error instanceof Error ? error.message : String(error)}`;
    throw new XpsError('environment_invalid', { detail, cause: error });
  }
}
