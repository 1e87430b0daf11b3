import type { AeadAlgorithm, CertificateSignatureAlgorithm, Engine, Group } from './contract.ts';
import { toXpsError } from '../base/errors.ts';
import { loadNativeEngine } from './native.ts';
import { openOpensslEngine } from './openssl.ts';
import { openPortableEngine } from './portable.ts';
import { SelfTests, type SelfTestResult } from './self-test.ts';

/** What one engine can do on this machine, chosen or not. */
export interface EngineReport {
  readonly name: Engine['name'];
  /** Why it cannot be used here; empty when it can. */
  readonly absence: string;
  readonly aead: readonly AeadAlgorithm[];
  readonly groups: readonly Group[];
  readonly signatures: readonly CertificateSignatureAlgorithm[];
  readonly hasHashes: boolean;
  readonly selfTests: readonly SelfTestResult[];
}

/** Every engine with all of its known-answer tests, failures included; takes some 300 ms, for noble starts cold. */
export function reportEngines(isaMask?: string): readonly EngineReport[] {
  const selfTests = new SelfTests();
  return [
    reportNative(selfTests, isaMask),
    reportEngine(openOpensslEngine(), selfTests),
    reportEngine(openPortableEngine(), selfTests),
  ];
}

export function reportEngine(engine: Engine, selfTests: SelfTests): EngineReport {
  return {
    name: engine.name,
    absence: '',
    aead: engine.aead?.algorithms ?? [],
    groups: engine.keyExchange?.groups ?? [],
    signatures: engine.signature?.algorithms ?? [],
    hasHashes: engine.hash !== undefined,
    selfTests: selfTests.survey(engine),
  };
}

function reportNative(selfTests: SelfTests, isaMask: string | undefined): EngineReport {
  try {
    const native = loadNativeEngine({ isaMask });
    return native === undefined ? absent('the addon is not built') : reportEngine(native, selfTests);
  } catch (error) {
    return absent(toXpsError(error).message);
  }
}

function absent(absence: string): EngineReport {
  return { name: 'native', absence, aead: [], groups: [], signatures: [], hasHashes: false, selfTests: [] };
}
