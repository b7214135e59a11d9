// Breaks simulated clusters on purpose and says what came of it: `npm run simulate -- --nodes 20 --scenario crash --seed 1`.
import { parseArgs } from 'node:util'
import { scenarios } from '../test/sim/scenarios/all.js'
import { type Outcome, merged } from '../test/sim/scenarios/outcome.js'
import type { Scenario, StageOptions } from '../test/sim/scenarios/stage.js'
import { type Row, table } from '../test/sim/scenarios/table.js'
import { progress } from './bench/progress.js'
import { record } from './simulate/record.js'

interface Options {
  readonly nodes: number
  readonly seed: number
  readonly seeds: number
  readonly quick: boolean
  readonly plane: boolean
}

/** Beyond this the content of all documents on all machines does not fit. */
const wholeNodes = 300

const usage = `npm run simulate -- [--nodes 20] [--scenario NAME|all|list] [--seed 1] [--seeds 1] [--quick] [--plane] [--json]
npm run simulate -- --record FILE | --compare FILE [--lives 100] [--only RE] [--full RE]

  --nodes     how many machines the cluster has
  --scenario  one of those below, or all of them; list prints them
  --seed      the first seed: the same seed is the same story
  --seeds     how many seeds, from the first one on
  --quick     shorter troubles, as the tests have them
  --plane     the membership plane alone (heads without content); always so beyond ${wholeNodes} nodes
  --json      the rows as JSON instead of a table

  --record    notes what every daemon asked for in all stories, scenarios and random lives, as hashes
  --compare   tells them again, and says where what they ask for is no longer what such a record says
  --lives     how many random lives of each kind
  --only      a regular expression: tests with such a name alone
  --full      a regular expression: of tests with such a name every effect is written to FILE.txt

`

function list(): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length))
  return scenarios.map(({ name, what }) => `  ${name.padEnd(width)}  ${what}\n`).join('')
}

function count(text: string | undefined, option: string, fallback: number): number {
  const value = text === undefined ? fallback : Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option}: a whole number from 1 on, not ${text}`)
  return value
}

/** One scenario with all its seeds. @returns its row, and the story of the first failure */
function runAll(scenario: Scenario, options: Options): { readonly row: Row; readonly story: string | undefined } {
  const { nodes, seed: first, seeds, quick, plane } = options
  const outcomes: Outcome[] = []
  const failed: number[] = []
  let story: string | undefined
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = run(scenario, { nodes, seed, quick, plane })
    outcomes.push(outcome)
    if (outcome.broken.length === 0) continue
    failed.push(seed)
    story ??= [`${scenario.name}, ${nodes} nodes, seed ${seed}:`, ...outcome.broken.slice(0, 20), outcome.story].join(
      '\n',
    )
  }
  const figures = merged(outcomes.map((outcome) => outcome.figures))
  return { row: { scenario: scenario.name, nodes, seeds, figures, failed, plane }, story }
}

/** Time between two words of how far a scenario is. */
const wordEvery_ms = 10_000

/** A scenario that throws has failed like any other. */
function run(scenario: Scenario, options: StageOptions): Outcome {
  const begun = performance.now()
  const title = `${scenario.name}, ${options.nodes} nodes, seed ${options.seed}`
  let saidAt = begun
  const onSecond = (now_ms: number): void => {
    if (performance.now() - saidAt < wordEvery_ms) return
    saidAt = performance.now()
    progress(`${title}: ${now_ms / 1000} s of its time are over`)
  }
  let outcome: Outcome
  try {
    outcome = scenario.run({ ...options, onSecond })
  } catch (error) {
    outcome = {
      figures: {},
      broken: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
      story: '',
    }
  }
  const took = ((performance.now() - begun) / 1000).toFixed(1)
  progress(`${title}: ${took} s ${outcome.broken[0] ?? ''}`)
  return outcome
}

function main(): void {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string' },
      scenario: { type: 'string' },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      quick: { type: 'boolean' },
      plane: { type: 'boolean' },
      json: { type: 'boolean' },
      record: { type: 'string' },
      compare: { type: 'string' },
      lives: { type: 'string' },
      only: { type: 'string' },
      full: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.record !== undefined || values.compare !== undefined) {
    const lives = count(values.lives, 'lives', 100)
    if (!record({ ...values, lives })) process.exitCode = 1
    return
  }
  const { scenario: wanted = 'list' } = values
  if (values.help === true || wanted === 'list') {
    process.stdout.write(usage + list())
    return
  }
  const chosen = scenarios.filter(({ name }) => wanted === 'all' || name === wanted)
  if (chosen.length === 0) throw new Error(`--scenario: there is no ${wanted}; there are\n${list()}`)
  const nodes = count(values.nodes, 'nodes', 20)
  const options = {
    nodes,
    seed: count(values.seed, 'seed', 1),
    seeds: count(values.seeds, 'seeds', 1),
    quick: values.quick === true,
    plane: values.plane === true || nodes > wholeNodes,
  }
  const left = chosen.filter(({ needsContent }) => needsContent === undefined || !options.plane)
  const results = left.map((scenario) => runAll(scenario, options))
  const rows = results.map(({ row }) => row)
  process.stdout.write(values.json === true ? `${JSON.stringify(rows)}\n` : `${table(rows)}\n`)
  const stories = results.flatMap(({ story = [] }) => story)
  for (const story of stories) process.stderr.write(`\n${story}\n`)
  if (stories.length > 0) process.exitCode = 1
}

main()
