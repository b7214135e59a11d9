// A mutant: one small change of one file of the core that the tests should notice.

export interface Mutant {
  /** Unique; of a chosen one what is wrong with it, of a mechanical one where and what was changed. */
  readonly name: string
  /** From the root of the repository. */
  readonly file: string
  /** The whole file with the change made. */
  readonly text: string
}
