import type { Engine } from './contract.ts';
import { portableAead } from './portable/aead.ts';
import { portableHash } from './portable/hash.ts';
import { portableKeyExchange } from './portable/key-exchange.ts';
import { portableSignature } from './portable/signature.ts';

/** noble throughout: runs everywhere, can be read and audited, and is slow. No RSA. */
export function openPortableEngine(): Engine {
  return {
    name: 'portable',
    aead: portableAead,
    keyExchange: portableKeyExchange,
    hash: portableHash,
    signature: portableSignature,
  };
}
