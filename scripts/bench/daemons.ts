// Daemons to be measured: real processes on loopback, started to the millisecond, and all of them ended at the end, whatever that is.
import { once } from 'node:events'
import { Cluster, type RunningDaemon, shipped } from '../../test/daemon/cluster.js'
import { loopback } from '../../test/daemon/place.js'
import { Line } from './line.js'

const readyLimit_ms = 60_000

const clusters = new Set<Cluster>()

export function openCluster(program = shipped): Cluster {
  const cluster = new Cluster(loopback(), program)
  clusters.add(cluster)
  return cluster
}

export async function closeCluster(cluster: Cluster): Promise<void> {
  clusters.delete(cluster)
  await cluster.close()
}

/** Ends every process and removes every directory of all clusters. */
export async function closeAll(): Promise<void> {
  await Promise.all([...clusters].map(closeCluster))
}

/** The arguments with which a daemon finds those that run already. */
export type Find = (running: readonly RunningDaemon[]) => readonly string[]

export const bySeeds: Find = (running) => ['--no-mdns', ...running.flatMap(({ address }) => ['--join', address])]
export const byMdns: Find = () => []

export interface Started {
  readonly daemon: RunningDaemon
  /** When its process began. */
  readonly at: number
  /** From there to the line that says that it serves. */
  readonly ready_ms: number
}

export async function start(
  cluster: Cluster,
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  await cluster.dataDir(name)
  const at = performance.now()
  const daemon = await cluster.spawn(name, { args, env })
  await isUp(daemon)
  return { daemon, at, ready_ms: performance.now() - at }
}

async function isUp(daemon: RunningDaemon): Promise<void> {
  const signal = AbortSignal.timeout(readyLimit_ms)
  while (!daemon.isUp) {
    const { process } = daemon
    if (daemon.isOver) throw new Error(`${daemon.name} ended: ${daemon.log}`)
    await Promise.race([once(process.stdout!, 'data', { signal }), once(process, 'exit', { signal })])
  }
}

export const trioNames = ['a', 'b', 'c'] as const
export type TrioName = (typeof trioNames)[number]

/** Three daemons that know each other, with a connection to each for asking. */
export class Trio {
  readonly cluster = openCluster()
  readonly #find: Find
  readonly #env: NodeJS.ProcessEnv
  readonly #daemons = new Map<TrioName, RunningDaemon>()
  readonly #lines = new Map<TrioName, Line>()

  constructor(find: Find, env: NodeJS.ProcessEnv = {}) {
    this.#find = find
    this.#env = env
  }

  /** Starts one of them, for the first time or again. */
  async start(name: TrioName): Promise<Started> {
    const running = trioNames.filter((other) => other !== name && this.#daemons.get(other)?.isOver === false)
    const args = this.#find(running.map((other) => this.daemon(other)))
    const started = await start(this.cluster, name, args, this.#env)
    this.#daemons.set(name, started.daemon)
    this.#lines.get(name)?.close()
    this.#lines.set(name, await Line.to(started.daemon.url))
    return started
  }

  daemon(name: TrioName): RunningDaemon {
    const daemon = this.#daemons.get(name)
    if (daemon === undefined) throw new Error(`${name} was not started`)
    return daemon
  }

  pid(name: TrioName): number {
    return this.daemon(name).process.pid as number
  }

  line(name: TrioName): Line {
    const line = this.#lines.get(name)
    if (line === undefined) throw new Error(`${name} was not started`)
    return line
  }

  /** Connections to all, or to all but one. */
  lines(without?: TrioName): Line[] {
    return trioNames.filter((name) => name !== without).map((name) => this.line(name))
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) line.close()
    await closeCluster(this.cluster)
  }
}

/** A connection that is closed once `use` has ended, however it does. */
export async function withLine<T>(url: string, use: (line: Line) => Promise<T>): Promise<T> {
  const line = await Line.to(url)
  try {
    return await use(line)
  } finally {
    line.close()
  }
}
