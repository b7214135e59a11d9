// Measures Rollcall on this machine and prints what came out: `npm run bench`, or `npm run bench -- nodes writes cost --json` for some of it.
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { canMakeNamespaces } from '../test/daemon/place.js'
import { byMdns, bySeeds, closeAll } from './bench/daemons.js'
import { benchCalls } from './bench/calls.js'
import { benchCost } from './bench/cost.js'
import { benchDns } from './bench/dns.js'
import { benchLookups } from './bench/lookups.js'
import { circumstances } from './bench/machine.js'
import { benchMembership } from './bench/membership.js'
import { benchMoleculer, installMoleculer } from './bench/moleculer.js'
import { benchNodes } from './bench/nodes.js'
import { progress } from './bench/progress.js'
import { type Figures, figuresOf, table } from './bench/report.js'
import { benchServices } from './bench/services.js'
import { benchSim } from './bench/sim.js'
import { benchWatchers } from './bench/watchers.js'
import { benchWrites } from './bench/writes.js'

/** How the benchmark calls itself inside a network namespace; not for people. */
const inside = { nodes: 'nodes-by-mdns', membership: 'membership-inside', moleculer: 'moleculer-inside' } as const
/** Where it was installed, outside. */
const moleculerAt = 'BENCH_MOLECULER'

const benches: Readonly<Record<string, () => Promise<Figures[]>>> = {
  nodes: async () => [...(await nodesBySeeds()), ...(await nodesByMdns())],
  writes: async () => (await benchWrites()).map(figuresOf),
  lookups: async () => (await benchLookups()).map(figuresOf),
  dns: async () => (await benchDns()).map(figuresOf),
  watch: async () => (await benchWatchers([1, 1000])).map(figuresOf),
  cost: async () => (await benchCost(sizesOf('3,20'))).map(figuresOf),
  services: async () => [...(await services()), ...(await moleculer())],
  calls: async () => (await benchCalls(Number(process.env['BENCH_SECONDS'] ?? 120))).map(figuresOf),
  sim: async () => benchSim().map(figuresOf),
  membership: async () => (await inNamespace(inside.membership)) ?? membership(false),
}

async function nodesBySeeds(): Promise<Figures[]> {
  const counts = { starts: 5, registrations: 100, kills: 21, stops: 6 }
  return (await benchNodes({ title: 'seeds', find: bySeeds, ownNetwork: false, ...counts })).map(figuresOf)
}

async function nodesByMdns(): Promise<Figures[]> {
  const figures = await inNamespace(inside.nodes)
  if (figures === undefined) {
    progress('mdns: left out, for want of the right to make network namespaces (unshare -n)')
  }
  return figures ?? []
}

/**
 * The whole benchmark goes into the namespace, so that it asks its daemons as directly as outside.
 * @returns undefined where namespaces are not permitted
 */
async function inNamespace(name: string): Promise<Figures[] | undefined> {
  if (!canMakeNamespaces()) return undefined
  const setUp = 'ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && exec "$@"'
  const self = [process.execPath, ...process.execArgv, process.argv[1] as string, name, '--json']
  const child = spawn('unshare', ['-n', 'sh', '-c', setUp, 'sh', ...self], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = (): void => void child.kill('SIGTERM')
  process.once('exit', stop)
  let output = ''
  for await (const text of child.stdout.setEncoding('utf8')) output += text as string
  process.off('exit', stop)
  return (JSON.parse(output) as { figures: Figures[] }).figures
}

async function services(): Promise<Figures[]> {
  return (await benchServices(sizesOf('3,20'), Number(process.env['BENCH_KILLS'] ?? 20))).map(figuresOf)
}

/** It listens at every address that there is: in a namespace of its own nobody else is near. */
async function moleculer(): Promise<Figures[]> {
  const installed = canMakeNamespaces() ? await installMoleculer() : { why: 'no right to make network namespaces' }
  if ('why' in installed) {
    progress(`services: Moleculer is left out: ${installed.why}`)
    return []
  }
  process.env[moleculerAt] = installed.directory
  try {
    return (await inNamespace(inside.moleculer)) ?? []
  } finally {
    await rm(installed.directory, { recursive: true, force: true })
  }
}

async function moleculerInside(): Promise<Figures[]> {
  return (await benchMoleculer(process.env[moleculerAt] as string, Math.max(...sizesOf('3,20')))).map(figuresOf)
}

async function nodesInside(): Promise<Figures[]> {
  const counts = { starts: 5, registrations: 30, kills: 6, stops: 3 }
  return (await benchNodes({ title: 'mdns', find: byMdns, ownNetwork: true, ...counts })).map(figuresOf)
}

function sizesOf(usual: string): number[] {
  return (process.env['BENCH_SIZES'] ?? usual).split(',').map(Number)
}

/** `BENCH_SIZES=20,40,60`, `BENCH_KILLS=60`: other counts than the usual ones. */
async function membership(ownNetwork: boolean): Promise<Figures[]> {
  const { BENCH_KILLS: kills = '30' } = process.env
  const counts = { kills: Number(kills), stops: 6, registrations: 100, sizes: sizesOf('20,40') }
  return (await benchMembership({ ...counts, ownNetwork })).map(figuresOf)
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true })
  const known: typeof benches = {
    ...benches,
    [inside.nodes]: nodesInside,
    [inside.membership]: () => membership(true),
    [inside.moleculer]: moleculerInside,
  }
  const names = positionals.length === 0 ? Object.keys(benches) : positionals
  const unknown = names.find((name) => !(name in known))
  if (unknown !== undefined) throw new Error(`${unknown}: there is ${Object.keys(benches).join(', ')}`)
  const machine = circumstances()
  const figures: Figures[] = []
  try {
    for (const name of names) figures.push(...((await known[name]?.()) ?? []))
  } finally {
    process.stdout.write(values.json === true ? JSON.stringify({ ...machine, figures }) : report(machine, figures))
    process.stdout.write('\n')
  }
}

function report(machine: ReturnType<typeof circumstances>, figures: readonly Figures[]): string {
  const { cores, cpu, node, kernel, load, commit } = machine
  const where = `${cores} cores, ${cpu}; Node ${node}; ${kernel}; load before ${load}; commit ${commit}`
  return `${where}\n\n${table(figures)}`
}

let interrupted = false

/** Ctrl-C leaves no process and no directory behind. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true
    void closeAll().finally(() => process.exit(1))
  })
}

try {
  await main()
} catch (error) {
  if (!interrupted) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
} finally {
  await closeAll()
}
