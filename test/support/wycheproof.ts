// Runs a Wycheproof file and accounts for every case of it: judged rightly, or excluded for a reason that the test states
// with the number of cases. A case that is neither fails the test.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { AeadAlgorithm, AeadProvider } from '../../engines/contract.ts';
import { AEAD_PARAMETERS } from '../../engines/contract.ts';
import { hex, VECTORS } from './vectors.ts';

export type CaseResult = 'valid' | 'invalid' | 'acceptable';

export interface WycheproofCase {
  readonly tcId: number;
  readonly comment?: string;
  readonly flags: readonly string[];
  readonly result: CaseResult;
  readonly [field: string]: unknown;
}

export interface WycheproofGroup {
  readonly tests: readonly WycheproofCase[];
  readonly [field: string]: unknown;
}

export interface WycheproofFile {
  readonly numberOfTests: number;
  readonly testGroups: readonly WycheproofGroup[];
}

/** What a test says of one case. */
export type Verdict = 'right' | { readonly wrong: string } | { readonly excluded: string };

export type Exclusions = Readonly<Record<string, number>>;

export function readWycheproof(name: string): WycheproofFile {
  return JSON.parse(readFileSync(join(VECTORS, 'wycheproof', name), 'utf8')) as WycheproofFile;
}

export function accountForAll(
  t: Test,
  name: string,
  judge: (test: WycheproofCase, group: WycheproofGroup) => Verdict,
  exclusions: Exclusions = {},
): void {
  const file = readWycheproof(name);
  const wrong: string[] = [];
  const excluded: Record<string, number> = {};
  let right = 0;
  for (const group of file.testGroups) {
    for (const test of group.tests) {
      const verdict = judge(test, group);
      if (verdict === 'right') right += 1;
      else if ('wrong' in verdict) wrong.push(`case ${test.tcId} (${test.comment ?? ''}; ${test.flags.join(', ')}): ${verdict.wrong}`);
      else excluded[verdict.excluded] = (excluded[verdict.excluded] ?? 0) + 1;
    }
  }
  t.same(wrong, [], `${name}: no case is judged wrongly`);
  t.same(excluded, exclusions, `${name}: exactly the cases that are named are excluded`);
  const excludedCount = Object.values(excluded).reduce((sum, count) => sum + count, 0);
  t.equal(right + excludedCount, file.numberOfTests, `${name}: ${right} right + ${excludedCount} excluded = all`);
}

/** Hexadecimal field of a case or group. */
export function bytesOf(of: WycheproofCase | WycheproofGroup, field: string): Uint8Array<ArrayBuffer> {
  return hex(of[field] as string);
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** `accepted`: what the engine said of the case. Acceptable cases are ours to decide, so callers decide before. */
export function judged(test: WycheproofCase, accepted: boolean): Verdict {
  if (accepted === (test.result === 'valid')) return 'right';
  return { wrong: accepted ? 'accepted' : 'refused' };
}

export const OTHER_KEY_SIZE = 'a key size that is not offered; refused';

/** Judges a case of an AEAD file: seals and opens, in place and apart, and looks at what is left on failure. */
export function judgeAead(provider: AeadProvider, algorithm: AeadAlgorithm): (test: WycheproofCase) => Verdict {
  const { keyLength, nonceLength } = AEAD_PARAMETERS[algorithm];
  return (test) => {
    const [key, nonce, aad, message] = ['key', 'iv', 'aad', 'msg'].map((field) => bytesOf(test, field)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const sealed = Uint8Array.from([...bytesOf(test, 'ct'), ...bytesOf(test, 'tag')]);
    if (key.length !== keyLength) {
      return reasonOf(() => provider.create(algorithm, key)) === 'key_invalid' ? { excluded: OTHER_KEY_SIZE } : { wrong: 'a wrong key size was taken' };
    }
    using cipher = provider.create(algorithm, key);
    if (nonce.length !== nonceLength) return judgeWrongNonce(() => cipher.seal(nonce, aad, message, new Uint8Array(message.length + 16)));

    const out = new Uint8Array(message.length).fill(0xa5);
    const isOpened = cipher.open(nonce, aad, sealed, out);
    const inPlace = Uint8Array.from(sealed);
    const view = inPlace.subarray(0, out.length);
    if (cipher.open(nonce, aad, inPlace, view) !== isOpened) return { wrong: 'in place and apart differ' };
    if (test.result === 'invalid') {
      if (isOpened) return { wrong: 'a forgery was opened' };
      return [...out, ...view].every((byte) => byte === 0) ? 'right' : { wrong: 'the output was not wiped' };
    }
    if (!isOpened || !equal(out, message) || !equal(view, message)) return { wrong: 'not opened' };
    const resealed = new Uint8Array(sealed.length);
    cipher.seal(nonce, aad, message, resealed);
    return equal(resealed, sealed) ? 'right' : { wrong: 'sealed to something else' };
  };
}

export const OTHER_NONCE_SIZE = 'a nonce size that is not offered; refused';

function judgeWrongNonce(call: () => void): Verdict {
  return reasonOf(call) === 'nonce_invalid' ? { excluded: OTHER_NONCE_SIZE } : { wrong: 'a wrong nonce size was taken' };
}

/** The reason of the XpsError that a call throws; `''` when it returns. */
export function reasonOf(call: () => unknown): string {
  try {
    call();
    return '';
  } catch (error) {
    return (error as { reason?: string }).reason ?? `not an XpsError: ${String(error)}`;
  }
}
