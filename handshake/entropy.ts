import type { Crypto } from '../engines/contract.ts';
import type { Entropy } from './settings.ts';

/** Drawn at once for several values of GREASE, which is no secret. */
const GREASE_POOL_LENGTH = 128;

/** Randomness of a real handshake. */
export function freshEntropy(crypto: Crypto): Entropy {
  let pool: readonly number[] = [];
  return {
    random: (length) => crypto.random(length),
    grease: () => {
      if (pool.length < 2) pool = [...crypto.random(GREASE_POOL_LENGTH)];
      const [value = 0, place = 0] = pool;
      pool = pool.slice(2);
      return [value, place];
    },
  };
}
