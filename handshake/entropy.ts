import type { Crypto } from '../engines/contract.ts';
import type { Entropy } from './settings.ts';

/** Randomness of a real handshake. */
export function freshEntropy(crypto: Crypto): Entropy {
  return {
    random: (length) => crypto.random(length),
    grease: () => {
      const [value = 0, place = 0] = crypto.random(2);
      return [value, place];
    },
  };
}
