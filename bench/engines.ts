// What each primitive costs on each engine: `node bench/engines.ts`. CPU time of one thread, the best of three rounds,
// so that a busy machine disturbs little; compare within one run only.
import { AEAD_PARAMETERS, type Engine, type SignatureProvider } from '../engines/contract.ts';
import { generateIssuingKey, KEY_TYPES } from '../engines/key-generation.ts';
import { loadNativeEngine } from '../engines/native.ts';
import { openOpensslEngine } from '../engines/openssl.ts';
import { openPortableEngine } from '../engines/portable.ts';

const ROUND_MS = 60;
const ROUNDS = 3;
const RECORD_LENGTHS = [64, 1024, 16_384] as const;

const native = loadNativeEngine();
const engines: readonly Engine[] = [...(native === undefined ? [] : [native]), openOpensslEngine(), openPortableEngine()];
const pems = new Map<string, string>();
for (const type of KEY_TYPES) pems.set(type, (await generateIssuingKey(type)).toPem());

for (const engine of engines) {
  console.log(`\n${engine.name}`);
  benchAead(engine);
  benchKeyExchange(engine);
  benchHash(engine);
  benchSignature(engine);
}

function benchAead({ aead }: Engine): void {
  for (const algorithm of aead?.algorithms ?? []) {
    using cipher = (aead as NonNullable<typeof aead>).create(algorithm, new Uint8Array(32));
    const nonce = new Uint8Array(AEAD_PARAMETERS[algorithm].nonceLength);
    const aad = new Uint8Array(16);
    for (const length of RECORD_LENGTHS) {
      const buffer = new Uint8Array(length + 16);
      const plaintext = buffer.subarray(0, length);
      const sealUs = print(`${algorithm} seal ${length} B`, () => cipher.seal(nonce, aad, plaintext, buffer));
      console.log(`    ${(length / sealUs / 1000).toFixed(2)} GB/s, ${cipher.provider}`);
      const sealed = new Uint8Array(length + 16);
      cipher.seal(nonce, aad, plaintext, sealed);
      print(`${algorithm} open ${length} B`, () => cipher.open(nonce, aad, sealed, plaintext));
    }
  }
}

function benchKeyExchange({ keyExchange }: Engine): void {
  for (const group of keyExchange?.groups ?? []) {
    const provider = keyExchange as NonNullable<typeof keyExchange>;
    print(`${group} initiate`, () => provider.initiate(group)[Symbol.dispose]());
    const { share } = provider.initiate(group);
    print(`${group} respond`, () => provider.respond(group, share));
    print(`${group} both sides, whole`, () => {
      using own = provider.initiate(group);
      const { answer } = provider.respond(group, own.share);
      own.complete(group, answer);
    });
  }
}

function benchHash({ hash }: Engine): void {
  if (hash === undefined) return;
  const [key, message] = [new Uint8Array(48), new Uint8Array(200)];
  print('sha384 200 B', () => hash.hash('sha384', message));
  print('hmac sha384 200 B', () => hash.hmac('sha384', key, message));
  print('hkdf-expand sha384 48 B', () => hash.hkdfExpand('sha384', key, message, 48));
  const running = hash.running('sha384');
  running.update(message);
  print('running sha384, digest', () => running.digest());
}

function benchSignature({ signature }: Engine): void {
  if (signature === undefined) return;
  for (const [type, pem] of pems) {
    if (type === 'rsa' && !signature.algorithms.includes('rsa_pss_sha256')) continue;
    benchKey(signature, type, pem);
  }
}

function benchKey(signature: SignatureProvider, type: string, pem: string): void {
  const key = signature.loadSigningKey(pem);
  const [scheme] = key.schemes;
  if (scheme === undefined) return;
  const message = new Uint8Array(150);
  const made = key.sign(scheme, message);
  const verifying = signature.loadVerifyingKey(key.spki);
  print(`${type} load public key`, () => signature.loadVerifyingKey(key.spki));
  print(`${scheme} sign`, () => key.sign(scheme, message));
  print(`${scheme} verify`, () => signature.verify(scheme, verifying, message, made));
}

/** Prints and returns microseconds of CPU time a call. */
function print(what: string, call: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const us = measure(call);
    if (round > 0) best = Math.min(best, us);
  }
  console.log(`  ${what.padEnd(34)} ${best.toFixed(2).padStart(10)} µs`);
  return best;
}

function measure(call: () => unknown): number {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() - startedMs < ROUND_MS) {
    for (let i = 0; i < 8; i += 1) call();
    calls += 8;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}
