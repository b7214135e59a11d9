// Whether the tests would notice: breaks the core on purpose, one bug at a time, and counts the bugs that stay unseen.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { progress } from './bench/progress.js'
import { applied } from './mutants/chosen.js'
import { coreOf, placesOf } from './mutants/core.js'
import { becauseOf, stale } from './mutants/equivalents.js'
import { mechanical } from './mutants/mechanical.js'
import type { Mutant } from './mutants/mutant.js'
import { patches } from './mutants/patches.js'
import { type Trial, Workshop } from './mutants/trial.js'

const usage = `npm run mutants -- [--seed 1] [--count 40] [--jobs 2] [--only RE] [--skip RE] [--list] [--json]

  --seed   chooses the mechanical mutants
  --count  how many of them, besides the ${patches.length} chosen by hand
  --jobs   how many are tried at a time
  --only   a regular expression: those with such a name
  --skip   a regular expression: tests with such a name are not run
  --list   their names, and nothing else
`

/** Of all that are not equivalent, so many must be caught. */
const threshold = 0.95
/** The tests' own time times this, and at least so many seconds: beyond it they will not end. */
const patience = 4
const leastPatience_s = 60

interface Tried extends Trial {
  readonly mutant: Mutant
  /** Why no test can catch it. */
  readonly because: string | undefined
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '40' },
      jobs: { type: 'string', default: '2' },
      only: { type: 'string', default: '' },
      skip: { type: 'string', default: '' },
      list: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return void process.stdout.write(usage)
  const root = fileURLToPath(new URL('..', import.meta.url))
  const unplaced = stale(placesOf(coreOf(root)))
  if (unplaced.length > 0) throw new Error(`equivalents.ts: ${unplaced.join('\n')}`)
  const all = [
    ...patches.map((patch) => applied(root, patch)),
    ...mechanical({ root, seed: Number(values.seed), count: Number(values.count) }),
  ]
  const only = new RegExp(values.only)
  const mutants = all.filter(({ name }) => only.test(name))
  if (values.list === true) return void process.stdout.write(mutants.map(({ name }) => `${name}\n`).join(''))
  if (mutants.length === 0) throw new Error(`--only: no mutant has a name like ${values.only}; --list prints them`)
  const tried = await tryAll(root, mutants, { jobs: Number(values.jobs), skip: values.skip })
  process.stdout.write(values.json === true ? `${JSON.stringify(tried.map(row))}\n` : report(tried))
  if (shareCaught(tried) < threshold) process.exitCode = 1
}

async function tryAll(
  root: string,
  mutants: readonly Mutant[],
  { jobs, skip }: { readonly jobs: number; readonly skip: string },
): Promise<Tried[]> {
  const workshops = Array.from({ length: Math.min(jobs, mutants.length) }, () => new Workshop(root, skip))
  const close = (): void => workshops.forEach((workshop) => workshop.close())
  process.once('exit', close)
  const tried: Tried[] = []
  try {
    progress(`the tests as they are, then ${mutants.length} mutants`)
    const whole = await (workshops[0] as Workshop).try(undefined, 3600)
    if (whole.verdict !== 'survived') throw new Error(`the tests fail without any mutant: ${whole.by}`)
    const limit_s = Math.max(leastPatience_s, patience * whole.took_s)
    progress(`they pass in ${whole.took_s.toFixed(0)} s`)
    const left = [...mutants.entries()]
    const work = async (workshop: Workshop): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [i, mutant] = next
        const trial = await workshop.try(mutant, limit_s)
        tried[i] = { ...trial, mutant, because: becauseOf(mutant) }
        progress(
          `${trial.verdict.padEnd(8)} ${trial.took_s.toFixed(0).padStart(3)} s, ${left.length} left: ${mutant.name}`,
        )
      }
    }
    await Promise.all(workshops.map(work))
  } finally {
    close()
  }
  return tried
}

/** A mutant that is explained and survives does not count; one that is explained and caught needs no explanation. */
function shareCaught(tried: readonly Tried[]): number {
  const counted = tried.filter(({ verdict, because }) => verdict !== 'survived' || because === undefined)
  return counted.length === 0 ? 1 : counted.filter(({ verdict }) => verdict !== 'survived').length / counted.length
}

function row({ mutant, verdict, by, took_s, because }: Tried): Record<string, unknown> {
  return { name: mutant.name, in: mutant.place?.in, verdict, by, took_s: Math.round(took_s), because }
}

function report(tried: readonly Tried[]): string {
  const lines = tried.map(({ mutant, verdict, by, took_s }) => {
    const how = verdict === 'caught' ? by.split('\n')[0]?.slice(0, 90) : ''
    return `${verdict.padEnd(8)} ${took_s.toFixed(0).padStart(4)} s  ${mutant.name}${how === '' ? '' : `\n                  by: ${how}`}`
  })
  const survivors = tried.filter(({ verdict }) => verdict === 'survived')
  const told = survivors.flatMap(({ mutant, because }) => [
    `  ${mutant.name}`,
    ...(mutant.place === undefined ? [] : [`    in: ${mutant.place.in}`]),
    `    ${because ?? 'no test notices, and nobody has said why'}`,
  ])
  const share = (100 * shareCaught(tried)).toFixed(1)
  const commit = readFileSync(new URL('../package.json', import.meta.url), 'utf8').match(/"version": "(.*)"/)?.[1]
  return [
    ...lines,
    '',
    `${tried.length} mutants of version ${commit}: ${tried.length - survivors.length} caught, ${survivors.length} survived; ${share} % of those that could be`,
    ...told,
    '',
  ].join('\n')
}

await main()
