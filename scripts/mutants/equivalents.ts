// Mutants that no test can catch, each with its reason. A survivor that is not in here is a hole in the tests.

export interface Equivalent {
  /** In the mutant's name, without its line number. */
  readonly matches: RegExp
  readonly because: string
}

export const equivalents: readonly Equivalent[] = [
  {
    matches: /wire\/codec\.ts [268] → \([268] \* 2\)/,
    because: 'room is reserved in a buffer before it is written to; more room changes no byte',
  },
  {
    matches: /registry\/registry\.ts if \(now < this\.#tickAt\) return → nothing/,
    because: 'a look at the clock that comes early costs time and decides nothing that the next one would not',
  },
  {
    matches: /replica\/replica\.ts 8 → \(8 \* 2\)/,
    because: 'a digest has eight bytes; what is written behind the end of a typed array is dropped',
  },
  {
    matches: / assert\(/,
    because: 'an assertion holds; it is there for the day on which it does not',
  },
  {
    matches: /registry\/reading\.ts 0 → 1/,
    because: 'the version of a member without a head: there is none, since a member begins with its head',
  },
  {
    matches: /replica\/replica\.ts 128 → |registry\/journal\.ts 256 → /,
    because: 'from which size on updates on disk are folded: chosen for what it costs, not for what it says',
  },
  {
    matches: /registry\/intake\.ts if \(now - \(this\.#disputedAt/,
    because: 'a pace: without it the same two documents are shown to their owner more often, with the same end',
  },
  {
    matches: /registry\/commands\.ts if \(entry\.stamp !== winner\.stamp/,
    because: 'a definition that has lost is copied, and dropped as beaten before the same input is over',
  },
  {
    matches: /registry\/links\.ts 0 → 1/,
    because: 'three links by chance instead of four: how many there are is a choice, and the rings alone hold together',
  },
  {
    matches: /registry\/exchange\.ts < → <=/,
    because: 'a question is given up at the tick of its deadline or at the next one',
  },
  {
    matches: /registry\/commands\.ts Math\.max → Math\.min/,
    because: 'what is written again replaces the adopted entry in the one document of its writer, whatever its stamp',
  },
  {
    matches: /membership\/observers\.ts if \(known !== undefined\) return known → nothing/,
    because: 'a choice is kept for its cost: made anew it is the same as long as the rings are',
  },
  {
    matches: /membership\/membership\.ts 1 → 2/,
    because: 'a version is compared with what it was; by how much it rose says nothing',
  },
  {
    matches: /core\/lookup\.ts 1 → 2/,
    because: 'a turn beyond the end is taken modulo the candidates, as every turn is',
  },
]
