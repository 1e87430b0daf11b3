import type { Engine } from './contract.ts';
import { opensslAead } from './openssl/aead.ts';
import { opensslHash } from './openssl/hash.ts';
import { opensslKeyExchange } from './openssl/key-exchange.ts';
import { opensslSignature } from './openssl/signature.ts';

/** OpenSSL as it comes with Node.js. Offers what this build of it has. */
export function openOpensslEngine(): Engine {
  return {
    name: 'openssl',
    aead: opensslAead(),
    keyExchange: opensslKeyExchange(),
    hash: opensslHash,
    signature: opensslSignature,
  };
}
