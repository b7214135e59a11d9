// Does violence to real daemons on this machine, and says which rule broke: `npm run violence -- services`.
import { closeAll, Trio, bySeeds, trioNames } from './bench/daemons.js'
import { circumstances } from './bench/machine.js'
import { figuresOf, table } from './bench/report.js'
import { endServices } from './bench/services/process.js'
import { killServices, rowsOf } from './violence/services.js'

const kinds: Readonly<Record<string, () => Promise<readonly string[]>>> = { services }

async function services(): Promise<readonly string[]> {
  const trio = new Trio((running) => [...bySeeds(running), '--log-level', 'debug']) // what is told where a rule is broken
  for (const name of trioNames) await trio.start(name)
  const daemons = trioNames.map((name) => trio.daemon(name))
  const limits = { dead_ms: 1000, missing_ms: 1000, gone_ms: 30_000 }
  const count = Number(process.env['VIOLENCE_SERVICES'] ?? 200)
  const damage = await killServices(daemons, { services: count, atOnce: 20, callers: 4, ...limits })
  process.stdout.write(`${table(rowsOf(damage).map(figuresOf))}\n`)
  return damage.broken
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !(name in kinds))
  if (unknown !== undefined) throw new Error(`${unknown}: there is ${Object.keys(kinds).join(', ')}`)
  const { cores, cpu, node, load, commit } = circumstances()
  process.stdout.write(`${cores} cores, ${cpu}; Node ${node}; load before ${load}; commit ${commit}\n\n`)
  for (const name of names.length === 0 ? Object.keys(kinds) : names) {
    const broken = (await kinds[name]?.()) ?? []
    for (const line of broken) process.stdout.write(`broken: ${line}\n`)
    if (broken.length > 0) process.exitCode = 1
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    endServices()
    void closeAll().finally(() => process.exit(1))
  })
}

try {
  await main(process.argv.slice(2))
} finally {
  endServices()
  await closeAll()
}
