// Ways in which a transport may cut a stream of bytes. None of them may make a difference.
import { concat, type Bytes } from '../../base/bytes.ts';

export type Cut = (bytes: readonly Bytes[]) => readonly Bytes[];

/** As it was written. */
export const asWritten: Cut = (pieces) => pieces.map((piece) => Uint8Array.from(piece));

export const allAtOnce: Cut = (pieces) => [concat(pieces)];

export const oneByte: Cut = (pieces) => Array.from(concat(pieces), (byte) => Uint8Array.of(byte));

/** Pieces of 1 … `max` bytes; the same for the same seed. */
export function randomCut(seed: number, max = 1500): Cut {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  return (pieces) => {
    const whole = concat(pieces);
    const cut: Bytes[] = [];
    for (let at = 0; at < whole.length;) {
      const length = 1 + ((next() >>> 8) % max);
      cut.push(whole.slice(at, at + length));
      at += length;
    }
    return cut;
  };
}
