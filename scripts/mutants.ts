// Whether the tests would notice: breaks the core on purpose, one bug at a time, and counts the bugs that stay unseen.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { progress } from './bench/progress.js'
import { type Mutant, applied, readCore } from './mutants/patch.js'
import { patches } from './mutants/patches.js'
import { type Trial, Workshop } from './mutants/trial.js'

const usage = `npm run mutants -- [--jobs 2] [--only RE] [--list] [--json]

  --jobs   how many are tried at a time
  --only   a regular expression: those with such a name
  --list   their names, and nothing else

Bugs that somebody could write. Those that a machine can: npm run mutants:mechanical -- --mutate src/core/FILE.ts
`

/** So many must be caught. */
const threshold = 0.95
/** The tests' own time times this, and at least so many seconds: beyond it they will not end. */
const patience = 4
const leastPatience_s = 60

interface Tried extends Trial {
  readonly name: string
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      jobs: { type: 'string', default: '2' },
      only: { type: 'string', default: '' },
      list: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return void process.stdout.write(usage)
  const root = fileURLToPath(new URL('..', import.meta.url))
  const core = readCore(root)
  const only = new RegExp(values.only)
  const all = Object.entries(patches).map(([name, patch]) => applied(core, name, patch))
  const mutants = all.filter(({ name }) => only.test(name))
  if (values.list === true) return void process.stdout.write(mutants.map(({ name }) => `${name}\n`).join(''))
  if (mutants.length === 0) throw new Error(`--only: no mutant has a name like ${values.only}; --list prints them`)
  const tried = await tryAll(root, mutants, Number(values.jobs))
  process.stdout.write(values.json === true ? `${JSON.stringify(tried)}\n` : report(tried))
  if (shareCaught(tried) < threshold) process.exitCode = 1
}

async function tryAll(root: string, mutants: readonly Mutant[], jobs: number): Promise<Tried[]> {
  const workshops = Array.from({ length: Math.min(jobs, mutants.length) }, () => new Workshop(root))
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
        tried[i] = { name: mutant.name, ...trial, took_s: Math.round(trial.took_s) }
        progress(`${trial.verdict.padEnd(8)} ${left.length} left: ${mutant.name}`)
      }
    }
    await Promise.all(workshops.map(work))
  } finally {
    close()
  }
  return tried
}

function shareCaught(tried: readonly Tried[]): number {
  return tried.filter(({ verdict }) => verdict !== 'survived').length / tried.length
}

function report(tried: readonly Tried[]): string {
  const lines = tried.map(({ name, verdict, by, took_s }) => {
    const how = by === '' ? '' : `\n                  by: ${by.split('\n')[0]?.slice(0, 90)}`
    return `${verdict.padEnd(8)} ${String(took_s).padStart(4)} s  ${name}${how}`
  })
  const survivors = tried.filter(({ verdict }) => verdict === 'survived')
  const share = (100 * shareCaught(tried)).toFixed(1)
  return [
    ...lines,
    '',
    `${tried.length} mutants: ${tried.length - survivors.length} caught, ${survivors.length} survived; ${share} %`,
    ...survivors.map(({ name }) => `  ${name}\n    no test notices`),
    '',
  ].join('\n')
}

await main()
