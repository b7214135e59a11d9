// How soon a service that was killed is picked no more at every other node, by what its node knows it from; beside a lease of etcd.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isEtcdInstalled, leasesOf } from './etcd.js'
import { Fleet } from './fleet.js'
import { get, Line, send } from './line.js'
import { whenAllSee, whenSeen } from './poll.js'
import { progress } from './progress.js'
import { figuresOf, type Row, table } from './report.js'
import { endServices, type ServiceProcess, startService } from './services/process.js'

interface Kind {
  readonly title: string
  /** It registers itself by a session; else it is registered for good, with these words. */
  readonly bySession?: true
  readonly said?: object
  /** Somebody calls it, is refused, and says so at a node that is not its home. */
  readonly suspected?: true
  /** Before the kill, at most: longer than whatever keeps a rhythm. */
  readonly within_ms: number
  /** Kills that are waited for side by side, where each takes seconds. */
  readonly atOnce?: number
}

const kinds: readonly Kind[] = [
  { title: 'session', bySession: true, within_ms: 500 },
  { title: 'keepOpen', said: { check: { tcp: {}, keepOpen: true } }, within_ms: 500 },
  { title: "a caller's suspicion", said: { check: { tcp: {} } }, suspected: true, within_ms: 500 },
  { title: 'the plain check, every 5 s', said: { check: { tcp: {} } }, within_ms: 5000, atOnce: 5 },
]

/** From picked everywhere to a connection that is kept, at least. */
const settling_ms = 1000
/** How often a caller calls. */
const call_ms = 5

export async function benchServices(sizes: readonly number[], kills: number): Promise<Row[]> {
  const rows: Row[] = []
  const take = (row: Row): void => {
    rows.push(row)
    progress(table([figuresOf(row)]).split('\n')[1] ?? '')
  }
  try {
    for (const size of sizes) await killAmong(size, kills, take)
    if (isEtcdInstalled()) {
      progress('services: etcd')
      const { times, granted_s } = await leasesOf(kills, 10)
      take({
        what: `services: an etcd lease of ${granted_s} s, kill -9 → a watcher is told`,
        unit: 'ms',
        samples: times,
      })
    } else progress('services: etcd is not installed, left out')
    return rows
  } finally {
    endServices()
  }
}

async function killAmong(size: number, kills: number, take: (row: Row) => void): Promise<void> {
  const fleet = new Fleet()
  try {
    progress(`services: ${size} daemons start`)
    await fleet.growTo(size)
    await fleet.settle(2000)
    for (const kind of kinds) {
      progress(`services: ${kind.title}, ${kills} kills among ${size}`)
      const times: number[] = []
      const left = Array.from({ length: kills }, (_, i) => i)
      await Promise.all(
        Array.from({ length: kind.atOnce ?? 1 }, () => killInTurn(fleet, kind, left, (more) => times.push(...more))),
      )
      const what = `services: ${kind.title}, kill -9 → not picked, each of the other ${size - 1}`
      take({ what, unit: 'ms', samples: times })
    }
  } finally {
    await fleet.close()
  }
}

/** Over connections of its own: one carries one question at a time. */
async function killInTurn(fleet: Fleet, kind: Kind, left: number[], take: (times: number[]) => void): Promise<void> {
  const lines = new Map<string, Line>()
  try {
    for (let i = left.shift(); i !== undefined; i = left.shift()) {
      for (const name of fleet.names) {
        if (lines.get(name)?.isOpen !== true) lines.set(name, await Line.to(fleet.daemon(name).url))
      }
      take(await killOne(fleet, lines, kind, i))
    }
  } finally {
    for (const line of lines.values()) line.close()
  }
}

/** @returns how long each of the other nodes went on picking it */
async function killOne(fleet: Fleet, lines: ReadonlyMap<string, Line>, kind: Kind, i: number): Promise<number[]> {
  const home = fleet.names[i % fleet.names.length] as string
  const slug = `${kind.title.replaceAll(/[^a-z]+/gi, '-').toLowerCase()}-${fleet.names.length}-${i}`
  const service = await begin(fleet, lines, kind, { home, slug })
  const others = fleet.names.filter((name) => name !== home)
  const request = get(`/v1/pick/${slug}`)
  const isPicked = ({ body }: { body: Buffer }): boolean => body.includes('"picked"')
  const asked = others.map((name) => lines.get(name) as Line)
  await whenAllSee(asked, { what: `${slug} is picked`, request, holds: isPicked, pause_ms: 200 })
  await sleep(settling_ms + Math.random() * kind.within_ms)
  const at = service.kill()
  if (kind.suspected === true) void suspect(fleet, home, slug, service)
  const poll = {
    what: `${slug} is not picked`,
    request,
    holds: (reply: { body: Buffer }) => !isPicked(reply),
  }
  const seen = await Promise.all(
    others.map(async (name) => {
      await fleet.whenIsIll(name, slug, at)
      return whenSeen(lines.get(name) as Line, poll)
    }),
  )
  fleet.forget()
  if (kind.bySession !== true) await fleet.deregister(home, slug)
  return seen.map((time) => time - at)
}

async function begin(
  fleet: Fleet,
  lines: ReadonlyMap<string, Line>,
  kind: Kind,
  { home, slug }: { readonly home: string; readonly slug: string },
): Promise<ServiceProcess> {
  if (kind.bySession === true) return startService({ daemon: fleet.daemon(home).url, as: { id: slug, slug } })
  const service = await startService()
  const body = { id: slug, slug, url: service.url, lifetime: 'persistent', ...kind.said }
  const { status, body: said } = await (lines.get(home) as Line).ask(send('PUT', '/v1/instances', body))
  if (status >= 300) throw new Error(`registering ${slug}: ${status} ${said.toString()}`)
  return service
}

/** The first caller that is refused tells the node next to it. */
async function suspect(fleet: Fleet, home: string, id: string, { port }: ServiceProcess): Promise<void> {
  while (await accepts(port)) await sleep(call_ms)
  const other = fleet.names.find((name) => name !== home) as string
  await fetch(`${fleet.daemon(other).url}/v1/instances/${id}/suspect`, { method: 'POST' })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.on('connect', () => end(true)).on('error', () => end(false))
  })
}
