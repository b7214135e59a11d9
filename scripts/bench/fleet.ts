// Many daemons at once, each with an ear at its event stream, started as a machine room would start after a power cut.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster, RunningDaemon } from '../../test/daemon/cluster.js'
import { bySeeds, closeCluster, openCluster, start } from './daemons.js'
import { get, Line, send } from './line.js'
import { whenAllSee, whenSeen } from './poll.js'
import { EventStream } from './watch.js'

/** Processes that are begun at a time: each is busy for most of a second, and cores are few. */
const atOnce = 4

export class Fleet {
  readonly #cluster: Cluster = openCluster()
  readonly #daemons = new Map<string, RunningDaemon>()
  readonly #lines = new Map<string, Line>()
  readonly #streams = new Map<string, EventStream>()
  readonly #watched: boolean

  /** @param options watched: each daemon tells its news to an ear here, which costs it time */
  constructor({ watched = true }: { readonly watched?: boolean } = {}) {
    this.#watched = watched
  }

  get names(): readonly string[] {
    return [...this.#daemons.keys()]
  }

  /** Starts daemons until there are `count`. @returns from the first spawn until all list all, milliseconds */
  async growTo(count: number): Promise<number> {
    const begun = performance.now()
    if (this.#daemons.size === 0) await this.start('n0')
    const missing = Array.from({ length: count }, (_, i) => `n${i}`).filter((name) => !this.#daemons.has(name))
    await Promise.all(Array.from({ length: atOnce }, () => this.#startNext(missing)))
    await this.allList()
    return performance.now() - begun
  }

  async #startNext(missing: string[]): Promise<void> {
    for (let name = missing.shift(); name !== undefined; name = missing.shift()) await this.start(name)
  }

  /** Starts one, for the first time or again. */
  async start(name: string): Promise<void> {
    const seeds = this.names.filter((other) => other !== name).slice(0, 3)
    const { daemon } = await start(this.#cluster, name, bySeeds(seeds.map((other) => this.daemon(other))))
    this.#daemons.set(name, daemon)
    this.#lines.get(name)?.close()
    this.#lines.delete(name)
    this.#streams.get(name)?.close()
    if (this.#watched) this.#streams.set(name, await EventStream.of(daemon.url))
  }

  /** Waits until every daemon lists every node. */
  async allList(): Promise<number> {
    const request = send('POST', '/registry-svc/nodes', {})
    const holds = ({ body }: { body: Buffer }): boolean =>
      (JSON.parse(body.toString()) as { nodes: unknown[] }).nodes.length === this.#daemons.size
    return whenAllSee(await this.#linesTo(this.names), { what: 'all nodes are listed', request, holds, pause_ms: 100 })
  }

  /** Kept from question to question, and opened anew where the daemon closed it meanwhile. */
  async #lineTo(name: string): Promise<Line> {
    const known = this.#lines.get(name)
    if (known?.isOpen === true) return known
    const line = await Line.to(this.daemon(name).url)
    this.#lines.set(name, line)
    return line
  }

  #linesTo(names: readonly string[]): Promise<Line[]> {
    return Promise.all(names.map((name) => this.#lineTo(name)))
  }

  daemon(name: string): RunningDaemon {
    return found(this.#daemons.get(name), name)
  }

  pid(name: string): number {
    return this.daemon(name).process.pid as number
  }

  pids(): number[] {
    return this.names.map((name) => this.pid(name))
  }

  /** Registers an instance. @returns when it was acknowledged */
  async register(name: string, id: string, url: string): Promise<number> {
    const line = await this.#lineTo(name)
    const reply = await line.ask(send('PUT', '/registry-svc/instance', { slug: id, id, url: `${url}/${id}` }))
    if (reply.status !== 201) throw new Error(`registering ${id} at ${name}: ${reply.status} ${reply.body.toString()}`)
    return performance.now()
  }

  async deregister(name: string, id: string): Promise<void> {
    const line = await this.#lineTo(name)
    const reply = await line.ask(send('DELETE', `/registry-svc/instance/${id}`))
    if (reply.status >= 300) throw new Error(`removing ${id} at ${name}: ${reply.status} ${reply.body.toString()}`)
  }

  /** When each of the others was told of a change of an instance, and its lookups agree. */
  async whenOthersSee(without: string, id: string, change: 'shown' | 'hidden', since: number): Promise<number[]> {
    const others = this.names.filter((name) => name !== without)
    return Promise.all(others.map((name) => this.#whenSees(name, id, change, since)))
  }

  async #whenSees(name: string, id: string, change: 'shown' | 'hidden', since: number): Promise<number> {
    const { ear } = found(this.#streams.get(name), name)
    const isIt = (line: string): boolean =>
      line.startsWith('data:') && line.includes(`"id":"${id}"`) && line.includes(`"change":"${change}"`)
    const at = await ear.when(`${id} ${change} at ${name}`, since, isIt)
    const holds = ({ body }: { body: Buffer }): boolean => body.includes('"instances":[]') === (change === 'hidden')
    const request = get(`/v1/lookup/${id}`)
    await whenSeen(await this.#lineTo(name), { what: `${id} ${change} in a lookup`, request, holds })
    return at
  }

  /** When it was told of an instance that is not to be called. */
  async whenIsIll(name: string, id: string, since: number): Promise<number> {
    const isIt = (line: string): boolean =>
      line.startsWith('data:') &&
      line.includes(`"id":"${id}"`) &&
      (line.includes('"status":"Unreachable"') || line.includes('"change":"hidden"'))
    return found(this.#streams.get(name), name).ear.when(`${id} ill at ${name}`, since, isIt)
  }

  /** Waits until one is shown again by all others. */
  async isBack(name: string, id: string): Promise<void> {
    const lines = await this.#linesTo(this.names.filter((other) => other !== name))
    const request = get(`/v1/lookup/${id}`)
    const holds = ({ body }: { body: Buffer }): boolean => body.includes(`"id":"${id}"`)
    await whenAllSee(lines, { what: `${id} is back`, request, holds, pause_ms: 50 })
    this.forget()
  }

  /** What was told until now is of no interest any more. */
  forget(): void {
    for (const { ear } of this.#streams.values()) ear.forget()
  }

  /** Until nothing moves any more. */
  async settle(rest_ms: number): Promise<void> {
    await this.allList()
    await sleep(rest_ms)
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) line.close()
    for (const stream of this.#streams.values()) stream.close()
    await closeCluster(this.#cluster)
  }
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`${name} was not started`)
  return value
}
