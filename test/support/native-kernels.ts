// The kernels that this machine can run, each as an engine of its own.
import type { AeadAlgorithm, AeadCipher, AeadProvider } from '../../engines/contract.ts';
import { loadNativeEngine } from '../../engines/native.ts';
import { loadAddon, type KernelReport } from '../../engines/native-addon.ts';

const { addon } = loadAddon();

/** For tap's `skip`. */
export const withoutAddon: string | false = addon === undefined ? 'the native addon is not built' : false;

export const usableKernels: readonly KernelReport[] = addon?.report().kernels.filter(({ verdict }) => verdict === 'usable') ?? [];

/** A kernel does one operation; two algorithms use that of ChaCha20-Poly1305. */
export function providerOf(kernel: string): AeadProvider {
  const aead = loadNativeEngine({ kernel })?.aead;
  if (aead === undefined) throw new Error(`${kernel} cannot be forced`);
  return aead;
}

/** Whether the cipher is what it should be: this kernel and no other. */
export function isDoneBy(cipher: AeadCipher, kernel: string): boolean {
  return cipher.provider === `native ${kernel}`;
}

export const NODE_CIPHERS = { AES_GCM: 'aes-256-gcm', CHACHA20_POLY1305: 'chacha20-poly1305' } as const;

export function isKnownToNode(algorithm: AeadAlgorithm): algorithm is keyof typeof NODE_CIPHERS {
  return algorithm in NODE_CIPHERS;
}
