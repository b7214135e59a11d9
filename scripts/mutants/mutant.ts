// A mutant: one small change of one file of the core that the tests should notice.

/** Where a machine made a mistake, and which, in words that outlast the lines above it. */
export interface Place {
  /** From the root of the repository. */
  readonly file: string
  /** As `1 → 2`. */
  readonly change: string
  /** The line of source that the change begins in, trimmed. */
  readonly in: string
}

export interface Mutant {
  /** Unique; of a chosen one what is wrong with it, of a mechanical one where and what was changed. */
  readonly name: string
  /** From the root of the repository. */
  readonly file: string
  /** The whole file with the change made. */
  readonly text: string
  /** Of a mechanical one; a chosen one is known by its name. */
  readonly place?: Place
}
