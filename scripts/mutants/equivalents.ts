// Mutants that no test can catch, each with its reason. A survivor that is not in here is a hole in the tests.

export interface Equivalent {
  /** In the mutant's name, without its line number. */
  readonly matches: RegExp
  readonly because: string
}

export const equivalents: readonly Equivalent[] = []
