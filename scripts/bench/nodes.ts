// Three daemons as their users meet them: how fast they start, find each other, share what is registered, notice a death, and what they cost at rest.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Find, Trio, type TrioName, trioNames } from './daemons.js'
import { get, type Reply, send } from './line.js'
import { cpuTime_ms, loopbackBytes, residentMiB } from './machine.js'
import { type Poll, Resolution, whenAllSee } from './poll.js'
import { progress } from './progress.js'
import { round, type Row } from './report.js'
import { acceptAll } from './services/listener.js'

export interface NodesOptions {
  /** How the rows begin. */
  readonly title: string
  readonly find: Find
  readonly starts: number
  readonly registrations: number
  readonly kills: number
  readonly stops: number
  /** Nothing but our daemons speaks on this loopback interface: its counters are theirs. */
  readonly ownNetwork: boolean
}

const rest_ms = 10_000
const watched_ms = 20_000

export async function benchNodes(options: NodesOptions): Promise<Row[]> {
  const { url, close } = await acceptAll()
  const bench = new NodesBench(options, url)
  try {
    return await bench.run()
  } finally {
    close()
  }
}

class NodesBench {
  readonly #options: NodesOptions
  /** Something that accepts connections, so that health checks are content. */
  readonly #url: string
  readonly #resolution = new Resolution()
  #trio: Trio

  constructor(options: NodesOptions, url: string) {
    this.#options = options
    this.#url = url
    this.#trio = new Trio(options.find)
  }

  async run(): Promise<Row[]> {
    const rows = [...(await this.#starts()), ...(await this.#idle()), ...(await this.#registrations())]
    rows.push(...(await this.#ends('SIGKILL', this.#options.kills)))
    rows.push(...(await this.#ends('SIGTERM', this.#options.stops)))
    rows.push(this.#row('polling: interval between two questions to one node', this.#resolution.intervals_ms))
    await this.#trio.close()
    return rows
  }

  #row(what: string, samples: readonly number[]): Row {
    return { what: `${this.#options.title}: ${what}`, unit: 'ms', samples }
  }

  // ---- beginning

  /** The last three stay, for what follows. */
  async #starts(): Promise<Row[]> {
    progress(`${this.#options.title}: ${this.#options.starts} times three daemons start`)
    const ready: number[] = []
    const together: number[] = []
    for (let i = 0; i < this.#options.starts; i++) {
      await this.#trio.close()
      this.#trio = new Trio(this.#options.find)
      const a = await this.#trio.start('a')
      const b = await this.#trio.start('b')
      const c = await this.#trio.start('c')
      ready.push(a.ready_ms, b.ready_ms, c.ready_ms)
      together.push((await whenAllSee(this.#trio.lines(), listsThree)) - c.at)
    }
    return [
      this.#row('process start → ready line, empty data dir', ready),
      this.#row('start of the last of three → all list three', together),
    ]
  }

  // ---- at rest

  async #idle(): Promise<Row[]> {
    if (!existsSync('/proc/self/stat')) return []
    progress(`${this.#options.title}: at rest for ${(rest_ms + watched_ms) / 1000} s`)
    await sleep(rest_ms)
    const pids = trioNames.map((name) => this.#trio.pid(name))
    const [begun, bytes, before] = [performance.now(), loopbackBytes(), pids.map(cpuTime_ms)]
    await sleep(watched_ms)
    const [took_ms, sent] = [performance.now() - begun, loopbackBytes() - bytes]
    const shares = pids.map((pid, i) => ((cpuTime_ms(pid) - (before[i] as number)) / took_ms) * 100)
    const { title } = this.#options
    const rows = [
      { what: `${title}: idle CPU of each node`, unit: '% of a core', samples: shares },
      { what: `${title}: resident memory of each node`, unit: 'MiB', samples: pids.map(residentMiB) },
    ]
    if (!this.#options.ownNetwork) return rows
    const perSecond = round(sent / pids.length / (took_ms / 1000))
    return [...rows, { what: `${title}: sent by each node, headers included`, unit: 'bytes/s', value: perSecond }]
  }

  // ---- writing

  async #registrations(): Promise<Row[]> {
    const count = this.#options.registrations
    progress(`${this.#options.title}: ${count} registrations are looked for at the other two`)
    const acknowledged: number[] = []
    const visible: number[] = []
    for (let i = 0; i < count; i++) {
      const slug = `seen-${i}`
      const seen = whenAllSee(this.#trio.lines('a'), shows(slug), this.#resolution)
      seen.catch(() => undefined) // it is waited for below, unless something else fails first
      await sleep(anyInstant_ms(50))
      const at = performance.now()
      await this.#register('a', slug)
      acknowledged.push(performance.now() - at)
      visible.push((await seen) - at)
    }
    return [
      this.#row('register at one → acknowledged', acknowledged),
      this.#row('register at one → shown by both others', visible),
    ]
  }

  async #register(name: TrioName, slug: string): Promise<void> {
    const { status, body } = await this.#trio
      .line(name)
      .ask(send('PUT', '/registry-svc/instance', { slug, id: slug, url: `${this.#url}/${slug}` }))
    if (status !== 201) throw new Error(`registering ${slug} at ${name}: ${status} ${body.toString()}`)
  }

  // ---- ending

  /** Each in turn, so that none has a past that keeps it hidden for longer after its return. */
  async #ends(signal: 'SIGKILL' | 'SIGTERM', count: number): Promise<Row[]> {
    progress(`${this.#options.title}: ${count} times ${signal} and a new start`)
    for (const name of trioNames) await this.#register(name, `home-${name}`)
    const gone: number[] = []
    const exited: number[] = []
    const ready: number[] = []
    const back: number[] = []
    for (let i = 0; i < count; i++) {
      const name = trioNames[i % trioNames.length] as TrioName
      await whenAllSee(this.#trio.lines(), shows(`home-${name}`))
      const end = await this.#end(name, signal)
      gone.push(end.gone_ms)
      exited.push(end.exited_ms)
      const { at, ready_ms } = await this.#trio.start(name)
      ready.push(ready_ms)
      back.push((await whenAllSee(this.#trio.lines(name), shows(`home-${name}`), this.#resolution)) - at)
    }
    const rows = [this.#row(`${signal} → its instance gone on both others`, gone)]
    if (signal === 'SIGTERM') rows.push(this.#row('SIGTERM → the process has ended', exited))
    const again = `start after ${signal} →`
    return [...rows, this.#row(`${again} ready line`, ready), this.#row(`${again} shown again by both others`, back)]
  }

  async #end(name: TrioName, signal: NodeJS.Signals): Promise<{ gone_ms: number; exited_ms: number }> {
    const seen = whenAllSee(this.#trio.lines(name), hides(`home-${name}`), this.#resolution)
    seen.catch(() => undefined) // it is waited for below, unless something else fails first
    await sleep(anyInstant_ms(1000))
    const at = performance.now()
    await this.#trio.daemon(name).kill(signal)
    const exited_ms = performance.now() - at
    return { gone_ms: (await seen) - at, exited_ms }
  }
}

/** What is measured must not keep step with heartbeats. */
function anyInstant_ms(within_ms: number): number {
  return 5 + Math.random() * within_ms
}

const listsThree: Poll = {
  what: 'three nodes are listed',
  request: send('POST', '/registry-svc/nodes', {}),
  holds: ({ body }) => (JSON.parse(body.toString()) as { nodes: unknown[] }).nodes.length === 3,
}

function shows(slug: string): Poll {
  return { what: `${slug} is shown`, request: get(`/v1/lookup/${slug}`), holds: (reply) => shown(reply) === true }
}

function hides(slug: string): Poll {
  return { what: `${slug} is gone`, request: get(`/v1/lookup/${slug}`), holds: (reply) => shown(reply) === false }
}

/** Whether any instance is shown; undefined where the slug is not known. */
function shown({ status, body }: Reply): boolean | undefined {
  return status === 200 ? !body.includes('"instances":[]') : undefined
}
