// Reads: what an in-process pick costs, and how near a lookup over HTTP comes to a bare server that sends the same bytes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Effect, Input } from '../../src/core/effects.js'
import type { PickQuery } from '../../src/core/lookup/chooser.js'
import { parseRegistration } from '../../src/core/model/model.js'
import type * as registryRoom from '../../src/core/registry.js'
import { cheapCrypto } from '../../test/sim/crypto.js'
import { bySeeds, closeCluster, openCluster, start, withLine } from './daemons.js'
import { get, Line, send } from './line.js'
import { cpuTime_ms } from './machine.js'
import { progress } from './progress.js'
import { quantile, round, type Row, spread } from './report.js'

const connections = 16
const slice_ms = 1000
const rounds = 6
const lookup = get('/v1/lookup/web')

export async function benchLookups(): Promise<Row[]> {
  return [...(await benchPick()), ...(await benchHttp(3)), ...(await benchHttp(100))]
}

// ---- in this process

/** As built, not as `tsx` compiles it: that adds to every inner function what a daemon does not pay. */
async function builtRegistry(): Promise<typeof registryRoom.Registry> {
  const built = (await import(new URL('../../dist/core/registry.js', import.meta.url).href)) as typeof registryRoom
  return built.Registry
}

async function benchPick(): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of [100, 1000]) {
    progress(`lookups: pick of ${count} in this process`)
    const registry = await aloneWith(count)
    for (const [how, query] of queries) rows.push(pickRow(registry, `pick(slug${how}) of ${count}`, query))
  }
  return rows
}

const queries: readonly (readonly [how: string, PickQuery | undefined])[] = [
  ['', undefined],
  [', random', { strategy: 'random' }],
  [', least-loaded', { strategy: 'least-loaded' }],
  [', hash', { strategy: 'hash', key: 'user-17' }],
  [', prefer zone', { prefer: 'zone' }],
]

function pickRow(registry: registryRoom.Registry, title: string, query: PickQuery | undefined): Row {
  const perSecond: number[] = []
  for (let i = 0; i <= rounds; i++) {
    const begun = performance.now()
    let picks = 0
    for (; performance.now() - begun < slice_ms / 4; picks += 100) {
      for (let j = 0; j < 100; j++)
        if (registry.read.picked('web', query) === undefined) throw new Error('nothing was picked')
    }
    if (i > 0) perSecond.push(picks / ((performance.now() - begun) / 1000) / 1e6) // the first one warms up
  }
  return { what: `lookups: ${title} instances, in process`, unit: 'M/s', value: spread(perSecond) }
}

/** A registry with so many healthy instances, with a disk and services that answer at once. */
async function aloneWith(count: number): Promise<registryRoom.Registry> {
  const Registry = await builtRegistry()
  const at = { now: 0, wall: Date.now() }
  const node = { id: 'a', url: 'http://a.test' }
  const begin = { self: 'a', boot: '00'.repeat(8), crypto: cheapCrypto('a'), node, freshKey: true, generation: 0 }
  const registry = new Registry({ ...begin, documents: [], notes: {} }, at)
  const answers: Input[] = []
  const perform = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'store') answers.push({ type: 'stored', id: effect.id })
      if (effect.type === 'check')
        answers.push({ type: 'checked', id: effect.id, n: effect.n, result: { status: 'Healthy' } })
    }
  }
  const feed = (input: Input): void => {
    answers.push(input)
    for (let next = answers.shift(); next !== undefined; next = answers.shift()) {
      at.now += 1
      perform(registry.handle(next, { ...at }))
    }
  }
  perform(registry.begin())
  feed({ type: 'listening', addresses: [] })
  while (!registry.readiness().ready && at.now < 60_000) feed({ type: 'wake' })
  for (let i = 0; i < count; i++) {
    const registration = parseRegistration({ slug: 'web', url: `http://web-${i}.test:80` })
    feed({ type: 'command', ticket: i, command: { type: 'register', registration } })
  }
  const shown = registry.read.instances({ ...at }, 'web').filter(({ status }) => status === 'Healthy').length
  if (shown !== count) throw new Error(`${shown} of ${count} instances are healthy`)
  return registry
}

// ---- over HTTP

/** The body comes on stdin; the address goes to stdout. */
const bareServer = `
import { createServer } from 'node:http'
const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const body = Buffer.concat(chunks)
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length }
const server = createServer((_request, response) => response.writeHead(200, headers).end(body))
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))
`

async function benchHttp(count: number): Promise<Row[]> {
  progress(`lookups: ${count} instances over HTTP, ${rounds} times ${slice_ms / 1000} s each next to a bare server`)
  const cluster = openCluster()
  let bare: ChildProcess | undefined
  try {
    const { daemon } = await start(cluster, 'a', bySeeds([]))
    const body = await fill(daemon.url, count)
    bare = spawn(process.execPath, ['--input-type=module', '--eval', bareServer], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    bare.stdin?.end(body)
    const [address] = (await once(bare.stdout!, 'data')) as [Buffer]
    const ours = { url: daemon.url, pid: daemon.process.pid as number }
    const theirs = { url: address.toString().trim(), pid: bare.pid as number }
    return await compare(`lookups: GET of ${count} instances (${body.length} bytes)`, ours, theirs)
  } finally {
    bare?.kill('SIGKILL')
    await closeCluster(cluster)
  }
}

/** Registers services at one daemon, all of them healthy. @returns what it then answers */
async function fill(server: string, count: number): Promise<Buffer> {
  return withLine(server, async (line) => {
    for (let i = 0; i < count; i++) {
      const { status } = await line.ask(
        send('PUT', '/registry-svc/instance', { slug: 'web', url: `${server}/web-${100 + i}` }),
      )
      if (status !== 201) throw new Error(`registering: ${status}`)
    }
    for (;;) {
      const { body } = await line.ask(lookup)
      const { instances } = JSON.parse(body.toString()) as { instances: { status: string }[] }
      if (instances.filter(({ status }) => status === 'Healthy').length === count) return body
    }
  })
}

interface Server {
  readonly url: string
  readonly pid: number
}

interface Slice {
  readonly perSecond: number
  readonly cpu_us: number
}

/** Turn about, so that whatever else the machine does happens to both. */
async function compare(title: string, ours: Server, bare: Server): Promise<Row[]> {
  const pairs: { readonly ours: Slice; readonly bare: Slice }[] = []
  for (let i = 0; i <= rounds; i++) {
    const pair = { ours: await press(ours), bare: await press(bare) }
    if (i > 0) pairs.push(pair) // the first one warms up
  }
  const median = (of: (pair: (typeof pairs)[number]) => number): number => quantile(pairs.map(of), 0.5)
  const rates = median((pair) => pair.ours.perSecond / pair.bare.perSecond)
  const work = median((pair) => pair.bare.cpu_us / pair.ours.cpu_us)
  const cpu_us = `${round(median((pair) => pair.ours.cpu_us))} against ${round(median((pair) => pair.bare.cpu_us))} µs`
  return [
    { what: title, unit: 'requests/s', value: spread(pairs.map((pair) => pair.ours.perSecond)) },
    { what: `${title}, bare server`, unit: 'requests/s', value: spread(pairs.map((pair) => pair.bare.perSecond)) },
    { what: `${title}: ratio of rates`, unit: '%', value: round(rates * 100) },
    { what: `${title}: ratio by CPU time each (${cpu_us})`, unit: '%', value: round(work * 100) },
  ]
}

async function press({ url, pid }: Server): Promise<Slice> {
  const lines = await Promise.all(Array.from({ length: connections }, () => Line.to(url)))
  const [begun, cpu_ms] = [performance.now(), cpuTime_ms(pid)]
  let count = 0
  const ask = async (line: Line): Promise<void> => {
    for (; performance.now() - begun < slice_ms; count += 1) {
      const { status } = await line.ask(lookup)
      if (status !== 200) throw new Error(`lookup: ${status}`)
    }
  }
  await Promise.all(lines.map(ask))
  const took_ms = performance.now() - begun
  for (const line of lines) line.close()
  return { perSecond: count / (took_ms / 1000), cpu_us: ((cpuTime_ms(pid) - cpu_ms) * 1000) / count }
}
