/** Fixed randomness for a twin, so that it makes the choices of a published vector. */
import { ALL_SCHEMES, ALL_SUITES } from '../reference/algorithms.ts';
import { fromHex } from '../reference/bytes.ts';

/** Lists as they were sent: "0x…", with one value of GREASE in each. */
export interface SentLists {
  readonly suites: readonly string[];
  readonly schemes: readonly string[];
}

export interface SentExtension {
  readonly type: string;
}

/** The randomness that leads to the inputs of a vector, each value under the label for which the twin draws it. */
export class FixedRandomness {
  readonly lists: { readonly suites: number[]; readonly schemes: number[] };
  readonly #values = new Map<string, Uint8Array[]>();

  constructor(side: SentLists) {
    this.lists = {
      suites: this.#takeGrease('grease suites', side.suites, ALL_SUITES),
      schemes: this.#takeGrease('grease schemes', side.schemes, ALL_SCHEMES),
    };
  }

  put(label: string, hex: string): void {
    this.#values.set(label, [...(this.#values.get(label) ?? []), fromHex(hex)]);
  }

  putExtensionGrease(label: string, extensions: readonly SentExtension[]): void {
    const grease = extensions.find(({ type }) => type.endsWith('a'));
    this.put(label, grease?.type.slice(4) ?? '');
  }

  readonly draw = (label: string, length: number): Uint8Array => {
    const value = this.#values.get(label)?.shift();
    if (value === undefined || value.length < length) throw new Error(`the vector has no ${length} bytes for ${label}`);
    return value;
  };

  /** The list without its GREASE; value and place of that become the randomness that leads to them. */
  #takeGrease(label: string, list: readonly string[], known: readonly number[]): number[] {
    const values = list.map(Number);
    const place = values.findIndex((value) => !known.includes(value));
    this.#values.set(label, [Uint8Array.of((values[place] as number) & 0xff, place)]);
    return values.toSpliced(place, 1);
  }
}
