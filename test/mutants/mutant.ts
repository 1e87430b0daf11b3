/** A change of the sources that must not survive the tests. Each folder of ours has a file of them beside this one. */
export interface Mutant {
  /** What the change takes away, in the words of somebody who would do it. */
  readonly name: string;
  readonly changes: readonly Change[];
  /** The smallest test files of which at least one must turn red. */
  readonly tests: readonly string[];
}

export interface Change {
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}
