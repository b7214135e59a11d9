// Tells all tests of the simulator to note what their daemons ask for, and says where two such records differ.
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Difference } from '../../test/sim/recording/recording.js'

export interface RecordOptions {
  /** Where to write the record. */
  readonly record?: string
  /** The record to compare with. */
  readonly compare?: string
  /** Tests with such a name are written out in full beside the record, an effect a line. */
  readonly full?: string
  /** Random lives of each kind. */
  readonly lives: number
  /** Tests with such a name alone. */
  readonly only?: string
}

/** The sizes of clusters that every scenario is told with. */
const sizes = [9, 20] as const

/** @returns whether nothing differs */
export function record(options: RecordOptions): boolean {
  const work = mkdtempSync(join(tmpdir(), 'rollcall-record-'))
  try {
    const before = options.compare === undefined ? undefined : resolve(options.compare)
    if (before !== undefined && !existsSync(before)) throw new Error(`--compare: there is no ${options.compare}`)
    const now = join(work, 'now')
    mkdirSync(now)
    for (const nodes of sizes) run(now, before, nodes, options)
    if (options.record !== undefined) pack(now, options.record)
    return options.compare === undefined || report(now)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function run(now: string, before: string | undefined, nodes: number, { lives, full, only }: RecordOptions): void {
  const files = nodes === sizes[0] ? ['test/sim/scenarios.test.ts'] : ['test/sim']
  const named = only === undefined ? [] : ['--testNamePattern', only]
  const { status, stdout, stderr } = spawnSync(
    'npx',
    [
      'vitest',
      'run',
      '--config',
      'test/vitest.config.ts',
      '--reporter',
      'dot',
      '--passWithNoTests',
      ...named,
      ...files,
    ],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        SIM_RECORD: now,
        SIM_RECORD_AS: `${nodes}: `,
        ...(before !== undefined && { SIM_COMPARE: before }),
        ...(full !== undefined && { SIM_RECORD_FULL: full }),
        SIM_SCENARIO_NODES: String(nodes),
        SIM_SCENARIO_SEEDS: '1',
        SIM_SEEDS: String(lives),
      },
    },
  )
  if (status !== 0)
    process.stderr.write(
      `the tests themselves fail at ${nodes} nodes:\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}\n`,
    )
}

/** One file of all parts, with the effects that were written out beside it. */
function pack(folder: string, file: string): void {
  const target = resolve(file)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, '')
  const parts = readdirSync(folder).sort()
  for (const name of parts.filter((one) => one.endsWith('.jsonl')))
    appendFileSync(target, readFileSync(join(folder, name)))
  const texts = parts.filter((one) => one.endsWith('.txt'))
  if (texts.length > 0)
    writeFileSync(`${target}.txt`, texts.map((name) => readFileSync(join(folder, name), 'utf8')).join(''))
}

function report(folder: string): boolean {
  const all = readdirSync(folder)
    .filter((name) => name.endsWith('.differences'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as Difference)
  const effects = all.filter(({ isText }) => !isText)
  const texts = all.filter(({ isText }) => isText)
  const told = (differences: readonly Difference[]): string =>
    differences
      .slice(0, 3)
      .map(({ world, stream, index, what }) => `  ${world}\n  ${stream}, number ${index}: ${what}\n`)
      .join('\n')
  const counted = (kind: string, differences: readonly Difference[]): string =>
    `${kind}: ${differences.length === 0 ? 'identical' : `${differences.length} worlds differ, each from here on:\n${told(differences)}`}\n`
  process.stdout.write(worldsOf(folder) + counted('effects', effects) + counted('texts for people', texts))
  return effects.length === 0
}

/** How many worlds there were, of which some may be new. */
function worldsOf(folder: string): string {
  const rows = readdirSync(folder)
    .filter((name) => name.endsWith('.worlds'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
    .map((row) => row.split(' ').map(Number))
  const [all, unknown] = [0, 1].map((i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0))
  return `${all} worlds, ${unknown} of them not in the record\n`
}
