// Changes DER files as a fuzzer does: bytes, lengths, pieces of one file in another. Repeatable from its seed.
import { concat, type Bytes } from '../../../base/bytes.ts';
import { XpsError } from '../../../base/errors.ts';

/** mulberry32: small, fast, the same everywhere. */
export function randomness(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) % below;
  };
}

const INTERESTING = [0, 1, 2, 3, 4, 5, 6, 0x0c, 0x13, 0x17, 0x18, 0x1e, 0x24, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0x88, 0xa0, 0xa3, 0xff];

export function mutated(corpus: readonly Bytes[], below: (limit: number) => number): Bytes {
  const pick = (): Bytes => corpus[below(corpus.length)] as Bytes;
  let bytes: Bytes = Uint8Array.from(pick());
  for (let changes = 1 + below(4); changes > 0; changes -= 1) bytes = changed(bytes, pick, below);
  return bytes;
}

function changed(bytes: Bytes, pick: () => Bytes, below: (limit: number) => number): Bytes {
  if (bytes.length === 0) return bytes;
  const at = below(bytes.length);
  const length = 1 + below(Math.min(32, bytes.length - at));
  switch (below(7)) {
    case 0:
      return bytes.with(at, (bytes[at] as number) ^ (1 << below(8)));
    case 1:
      return bytes.with(at, INTERESTING[below(INTERESTING.length)] as number);
    case 2:
      return bytes.with(at, ((bytes[at] as number) + (below(2) === 0 ? 1 : 255)) & 0xff);
    case 3:
      return concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 4:
      return concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
    case 5: {
      const other = pick();
      const from = below(other.length);
      return concat([bytes.subarray(0, at), other.subarray(from, from + 1 + below(64)), bytes.subarray(at)]);
    }
    default:
      return spliced(bytes, pick(), below);
  }
}

/** Puts one whole element in the place of another and mends the lengths around it, so that the depth of a parser is reached. */
function spliced(bytes: Bytes, other: Bytes, below: (limit: number) => number): Bytes {
  const targets = elements(bytes);
  const sources = elements(other);
  const target = targets[below(Math.max(1, targets.length))];
  const source = sources[below(Math.max(1, sources.length))];
  if (target === undefined || source === undefined) return bytes;
  return replaced(bytes, target, other.subarray(source.start, source.end));
}

interface Element {
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  readonly around: readonly Element[];
}

function elements(bytes: Bytes): readonly Element[] {
  const found: Element[] = [];
  const walk = (from: number, end: number, around: readonly Element[]): void => {
    for (let at = from; at < end && found.length < 2000; ) {
      const element = header(bytes, at, end, around);
      if (element === undefined) return;
      found.push(element);
      if (((bytes[at] as number) & 0x20) !== 0) walk(element.contentStart, element.end, [...around, element]);
      at = element.end;
    }
  };
  walk(0, bytes.length, []);
  return found;
}

function header(bytes: Bytes, at: number, limit: number, around: readonly Element[]): Element | undefined {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  const count = first < 0x80 ? 0 : first & 0x7f;
  if (count > 3) return undefined;
  let length = count === 0 ? first : 0;
  for (let i = 0; i < count; i += 1) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  const contentStart = at + 2 + count;
  return contentStart + length > limit ? undefined : { start: at, contentStart, end: contentStart + length, around };
}

function replaced(bytes: Bytes, target: Element, replacement: Bytes): Bytes {
  let result = replacement;
  let { start, end } = target;
  for (const outer of target.around.toReversed()) {
    const content = concat([bytes.subarray(outer.contentStart, start), result, bytes.subarray(end, outer.end)]);
    result = concat([bytes.subarray(outer.start, outer.start + 1), lengthBytes(content.length), content]);
    ({ start, end } = outer);
  }
  return concat([bytes.subarray(0, start), result, bytes.subarray(end)]);
}

function lengthBytes(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length);
  if (length < 0x100) return Uint8Array.of(0x81, length);
  if (length < 0x1_0000) return Uint8Array.of(0x82, length >> 8, length & 0xff);
  return Uint8Array.of(0x83, length >> 16, (length >> 8) & 0xff, length & 0xff);
}

/** What a parser may throw: its typed refusals, never `internal_error`. */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof XpsError && ['certificate_malformed', 'certificate_limit', 'certificate_status_unknown'].includes(thrown.reason);
}
