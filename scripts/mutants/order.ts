// Which tests are likely to notice what was changed, and which are dear: the order in which a mutant meets them.

/** Parts of the names of test files that are about a part of the core. */
const about: readonly (readonly [mutated: RegExp, tests: RegExp])[] = [
  [/membership|pulse|roster|doubt|links|vitals/, /formulas|judge|relay|observers|member|hearing|d6/],
  [/document/, /entries|replica|hostile-yjs|d3/],
  [/wire/, /codec|replica|d3/],
  [/replica|union|records/, /replica|d3|d8-removing|d4/],
  [/commands|checkup|counter|lookup|reading|model/, /lookup|model|d8-removing|journeys|d9/],
  [/horizon/, /d8-horizon|d7/],
  [/journal|opening|joining|publication|intake/, /d4|d3|d9/],
  [/exchange/, /d3|d6|journeys/],
]

/** From cheap to dear; what is not named stands in the middle. */
const dear: readonly RegExp[] = [/^mutated-bytes/, /^properties/, /^removed-stays/, /^scenarios/]

/** Smaller comes first. */
export function orderOf(test: string, mutated: string): number {
  const cost = 1 + dear.findIndex((name) => name.test(test))
  const isAbout = about.some(([file, tests]) => file.test(mutated) && tests.test(test))
  return cost > 0 ? 10 + cost : isAbout ? 0 : 5
}
