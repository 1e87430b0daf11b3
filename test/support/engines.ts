// Every engine that this machine has.
import type { Engine } from '../../engines/contract.ts';
import { loadNativeEngine } from '../../engines/native.ts';
import { openOpensslEngine } from '../../engines/openssl.ts';
import { openPortableEngine } from '../../engines/portable.ts';

export const openssl: Engine = openOpensslEngine();
export const portable: Engine = openPortableEngine();
export const native: Engine | undefined = loadNativeEngine();

export const engines: readonly Engine[] = [openssl, portable, ...(native === undefined ? [] : [native])];

/** For tap's `skip`. */
export const withoutNative: string | false = native === undefined ? 'the native addon is not built' : false;

/** The provider of every engine that has one. */
export function offering<K extends 'aead' | 'keyExchange' | 'hash' | 'signature'>(
  kind: K,
): readonly { readonly name: string; readonly provider: NonNullable<Engine[K]> }[] {
  return engines.flatMap((engine) => {
    const provider = engine[kind];
    return provider === undefined ? [] : [{ name: engine.name, provider }];
  });
}
