import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes, type Bytes } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type {
  AeadAlgorithm,
  AeadProvider,
  CertificateSignatureAlgorithm,
  Engine,
  Group,
  HashAlgorithm,
  HashProvider,
  KeyExchangeProvider,
  SignatureProvider,
  SignatureScheme,
} from './contract.ts';
import {
  AEAD_VECTORS,
  HASH_VECTORS,
  HKDF_VECTOR,
  HMAC_KEY,
  HMAC_MESSAGE,
  HMAC_VECTORS,
  LONG_MESSAGE,
  PRIVATE_KEYS,
  SIGNATURE_VECTORS,
  X25519_VECTOR,
  XWING_VECTOR,
} from './self-test-vectors.ts';

export interface SelfTestResult {
  readonly engine: Engine['name'];
  /** An algorithm, or `hash` for hashes, HMAC and HKDF together. */
  readonly primitive: string;
  readonly hasPassed: boolean;
  readonly durationMs: number;
  /** Why it failed; empty otherwise. */
  readonly detail: string;
}

/**
 * Known-answer tests of what is put to use, each once for each engine. An engine that was exchanged is another
 * object and is tested anew. A `demand…` throws `selftest_failed`.
 */
export class SelfTests {
  readonly #done = new WeakMap<Engine, Map<string, SelfTestResult>>();
  readonly #results: SelfTestResult[] = [];

  get results(): readonly SelfTestResult[] {
    return this.#results;
  }

  demandAead(engine: Engine, algorithm: AeadAlgorithm): void {
    this.#demand(engine, algorithm, () => testAead(offered(engine.aead), algorithm));
  }

  demandGroup(engine: Engine, group: Group): void {
    this.#demand(engine, group, () => testGroup(offered(engine.keyExchange), group));
  }

  demandHash(engine: Engine): void {
    this.#demand(engine, 'hash', () => testHash(offered(engine.hash)));
  }

  demandSignature(engine: Engine, algorithm: CertificateSignatureAlgorithm): void {
    this.#demand(engine, algorithm, () => testSignature(offered(engine.signature), algorithm));
  }

  /** Everything that an engine offers, without throwing. */
  survey(engine: Engine): readonly SelfTestResult[] {
    const results = (engine.aead?.algorithms ?? []).map((algorithm) =>
      this.#run(engine, algorithm, () => testAead(offered(engine.aead), algorithm)),
    );
    for (const group of engine.keyExchange?.groups ?? []) {
      results.push(this.#run(engine, group, () => testGroup(offered(engine.keyExchange), group)));
    }
    if (engine.hash !== undefined) results.push(this.#run(engine, 'hash', () => testHash(offered(engine.hash))));
    for (const algorithm of engine.signature?.algorithms ?? []) {
      results.push(this.#run(engine, algorithm, () => testSignature(offered(engine.signature), algorithm)));
    }
    return results;
  }

  #demand(engine: Engine, primitive: string, test: () => void): void {
    const result = this.#run(engine, primitive, test);
    if (!result.hasPassed) {
      throw new XpsError('selftest_failed', { detail: `${engine.name}, ${primitive}: ${result.detail}` });
    }
  }

  #run(engine: Engine, primitive: string, test: () => void): SelfTestResult {
    const ofEngine = this.#done.get(engine) ?? new Map<string, SelfTestResult>();
    this.#done.set(engine, ofEngine);
    const known = ofEngine.get(primitive);
    if (known !== undefined) return known;
    const startedMs = performance.now();
    const detail = failureOf(test);
    const result = {
      engine: engine.name,
      primitive,
      hasPassed: detail === '',
      durationMs: performance.now() - startedMs,
      detail,
    };
    ofEngine.set(primitive, result);
    this.#results.push(result);
    return result;
  }
}

/** Empty when it passed. A provider that throws has failed like one that answers wrongly. */
function failureOf(test: () => void): string {
  try {
    test();
    return '';
  } catch (error) {
    return error instanceof Mismatch ? error.message : toXpsError(error).message;
  }
}

class Mismatch extends Error {}

function offered<T>(provider: T | undefined): T {
  if (provider === undefined) throw new Mismatch('it is not offered');
  return provider;
}

function demand(isRight: boolean, what: string): void {
  if (!isRight) throw new Mismatch(`${what} is wrong`);
}

function demandEqual(actual: Bytes, expected: Bytes, what: string): void {
  demand(equalBytes(actual, expected), what);
}

function testAead(provider: AeadProvider, algorithm: AeadAlgorithm): void {
  const { key, nonce, aad, plaintext, sealed, longTag } = AEAD_VECTORS[algorithm];
  using cipher = provider.create(algorithm, key);

  const out = new Uint8Array(sealed.length);
  cipher.seal(nonce, aad, plaintext, out);
  demandEqual(out, sealed, 'the ciphertext');
  const opened = out.subarray(0, plaintext.length);
  demand(cipher.open(nonce, aad, out, opened), 'the answer to a right tag');
  demandEqual(opened, plaintext, 'the plaintext');

  const forged = Uint8Array.from(sealed);
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  opened.fill(0xff);
  demand(!cipher.open(nonce, aad, forged, opened), 'the answer to a wrong tag');
  demandEqual(opened, new Uint8Array(opened.length), 'the output after a wrong tag');

  const long = new Uint8Array(LONG_MESSAGE.length + longTag.length);
  cipher.seal(nonce, new Uint8Array(0), LONG_MESSAGE, long);
  demandEqual(long.subarray(LONG_MESSAGE.length), longTag, 'the tag of a long message');
  const longOpened = new Uint8Array(LONG_MESSAGE.length);
  demand(cipher.open(nonce, new Uint8Array(0), long, longOpened), 'the answer to a long message');
  demandEqual(longOpened, LONG_MESSAGE, 'a long plaintext');
}

function testGroup(provider: KeyExchangeProvider, group: Group): void {
  if (group === 'X25519') testX25519(provider);
  else testXWing(provider);
}

function testX25519(provider: KeyExchangeProvider): void {
  const { seed, share, peerSeed, peerShare, secret } = X25519_VECTOR;
  using own = provider.initiate('X25519', seed);
  demandEqual(own.share, share, 'the share');
  const { answer, secret: answered } = provider.respond('X25519', own.share, peerSeed);
  using theirs = answered;
  demandEqual(answer, peerShare, 'the answer');
  demandEqual(theirs.reveal(), secret, "the responder's secret");
  using mine = own.complete('X25519', peerShare);
  demandEqual(mine.reveal(), secret, "the initiator's secret");
}

function testXWing(provider: KeyExchangeProvider): void {
  const { seed, shareSha256, answer, secret } = XWING_VECTOR;
  using known = provider.initiate('XWING', seed);
  demandEqual(sha256(known.share), shareSha256, 'the share');
  using knownSecret = known.complete('XWING', answer);
  demandEqual(knownSecret.reveal(), secret, 'the secret');

  using fresh = provider.initiate('XWING');
  const response = provider.respond('XWING', fresh.share);
  using theirs = response.secret;
  using mine = fresh.complete('XWING', response.answer);
  demandEqual(mine.reveal(), theirs.reveal(), 'the secret of one side');
}

function testHash(provider: HashProvider): void {
  for (const [algorithm, digest] of Object.entries(HASH_VECTORS) as [HashAlgorithm, Bytes][]) {
    const message = Uint8Array.of(0x61, 0x62, 0x63);
    demandEqual(provider.hash(algorithm, message), digest, algorithm);
    const running = provider.running(algorithm);
    running.update(message.subarray(0, 1));
    const copy = running.copy();
    running.digest();
    for (const branch of [copy, running]) {
      branch.update(message.subarray(1));
      demandEqual(branch.digest(), digest, `running ${algorithm}`);
    }
    demandEqual(provider.hmac(algorithm, HMAC_KEY, HMAC_MESSAGE), HMAC_VECTORS[algorithm], `HMAC ${algorithm}`);
  }
  const { ikm, salt, info, prk, okm } = HKDF_VECTOR;
  demandEqual(provider.hkdfExtract('sha256', salt, ikm), prk, 'HKDF-Extract');
  demandEqual(provider.hkdfExpand('sha256', prk, info, okm.length), okm, 'HKDF-Expand');
}

function testSignature(provider: SignatureProvider, algorithm: CertificateSignatureAlgorithm): void {
  const { spki, message, signature } = SIGNATURE_VECTORS[algorithm];
  const key = provider.loadVerifyingKey(spki);
  demand(provider.verify(algorithm, key, message, signature), 'the answer to a right signature');
  const changed = Uint8Array.from(message);
  changed[0] = (changed[0] as number) ^ 1;
  demand(!provider.verify(algorithm, key, changed, signature), 'the answer to a wrong signature');

  const pkcs8 = PRIVATE_KEYS.get(algorithm as SignatureScheme);
  if (pkcs8 === undefined) return;
  const signingKey = provider.loadSigningKey(pem(pkcs8));
  demandEqual(signingKey.spki, spki, 'the public half of a private key');
  const own = signingKey.sign(algorithm as SignatureScheme, message);
  demand(provider.verify(algorithm, key, message, own), 'a signature of its own');
  if (algorithm === 'ed25519') demandEqual(own, signature, 'the signature');
}

function pem(pkcs8: Bytes): string {
  return `-----BEGIN PRIVATE KEY-----\n${Buffer.from(pkcs8).toString('base64')}\n-----END PRIVATE KEY-----\n`;
}
