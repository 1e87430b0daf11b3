import type { Crypto } from '../../engines/contract.ts';
import { createCrypto } from '../../engines/registry.ts';

/** One for a test process: its self-tests cost a moment. */
export const crypto: Crypto = createCrypto({ engine: 'auto', forbid: [] });
