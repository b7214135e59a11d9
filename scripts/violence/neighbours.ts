// Somebody on the network who is no member answers by mDNS for thousands of peers that there are not: daemons are to find each other all
// the same. Each machine is a network namespace of its own, and each address of the hostile one is another source.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { bookLimits } from '../../src/io/network/book.js'
import { type RunningDaemon, until } from '../../test/daemon/cluster.js'
import { Lan, type Machine } from '../../test/daemon/lan.js'
import { main } from '../../test/daemon/one-file.js'
import { closeCluster, openCluster } from '../bench/daemons.js'
import type { Row } from '../bench/report.js'

/** Where the made-up peers are said to be: with somebody who takes connections and says nothing; at fifty addresses that nobody has. */
export type Lie = 'silent' | 'nobody'

export interface Crowd {
  readonly lie: Lie
  /** Addresses that the hostile machine has. */
  readonly sources: number
}

/** What an operator may meet; more sources than that are a subnet. */
export const crowds: readonly Crowd[] = [
  { lie: 'silent', sources: 1 },
  { lie: 'nobody', sources: 1 },
  { lie: 'silent', sources: 8 },
  { lie: 'silent', sources: 40 },
]

export interface Crowded {
  readonly rows: readonly Row[]
  /** What breaks a promise, a line each. */
  readonly broken: readonly string[]
}

interface Crowding {
  readonly newcomers: number
  /** A newcomer is found so soon after it is ready. */
  readonly within_ms: number
  /** The hostile neighbour, where it is compiled. */
  readonly neighbour?: string
}

/** Packets a second from each address: more than are heard of one. */
const rate = 250
/** Nobody is waited for longer. */
const patience_ms = 30_000
const lookups = 200

/** Two daemons, a hostile machine, and newcomers one after the other at a fourth one. */
export async function crowd(one: Crowd, { newcomers, within_ms, neighbour }: Crowding): Promise<Crowded> {
  const lan = await Lan.open()
  const cluster = openCluster(main)
  let flood: ChildProcess | undefined
  const endFlood = (): void => void flood?.kill('SIGKILL')
  process.once('exit', endFlood)
  try {
    const [a, b, c, hostile] = await Promise.all(['a', 'b', 'c', 'hostile'].map((name) => lan.add(name)))
    const start = (name: string, at: Machine | undefined): Promise<RunningDaemon> => {
      lan.on(at?.name ?? '', 'ip', 'route', 'replace', '224.0.0.0/4', 'dev', 'eth0')
      return cluster.start(name, { ...(at && { place: at.place }), address: '0.0.0.0', args: ['--log-level', 'error'] })
    }
    const members = [await start('a', a), await start('b', b)] as const
    const ids = members.map(({ peerId }) => peerId)
    await until('the two meet', () => isConnectedTo(members[0], ids.slice(1)))
    const quiet_ms = await lookUp(members[0])
    flood = await floodFrom(lan, hostile as Machine, one, neighbour)
    await until('it is heard', async () => (await members[0].peers()).peers.length >= bookLimits.strangers)
    const found_ms: number[] = []
    for (let n = 0; n < newcomers; n++) {
      const newcomer = await start(`c${n}`, c)
      const finding = until('it is found', () => isConnectedTo(newcomer, ids), patience_ms)
      found_ms.push(await finding.catch(() => patience_ms))
      await newcomer.kill('SIGKILL')
    }
    const crowded_ms = await lookUp(members[0])
    const what = `${one.lie}, from ${one.sources}: `
    return {
      rows: [
        { what: `${what}a newcomer is found`, unit: 'ms', samples: found_ms },
        { what: `${what}lookup at a member`, unit: 'ms', samples: crowded_ms },
        { what: `${what}the same before`, unit: 'ms', samples: quiet_ms },
        { what: `${what}memory of a member`, unit: 'MiB', samples: await Promise.all(members.map(memoryOf)) },
      ],
      broken: found_ms
        .filter((time_ms) => time_ms > within_ms)
        .map((time_ms) => `${what}a newcomer was found after ${Math.round(time_ms)} ms`),
    }
  } finally {
    process.off('exit', endFlood)
    endFlood()
    await closeCluster(cluster)
    await lan.close()
  }
}

/** @returns what sends it, and has begun */
async function floodFrom(
  lan: Lan,
  hostile: Machine,
  { lie, sources }: Crowd,
  neighbour?: string,
): Promise<ChildProcess> {
  const addresses = Array.from({ length: sources }, (_, at) => `10.77.0.${50 + at}`)
  for (const address of addresses) lan.on(hostile.name, 'ip', 'address', 'add', `${address}/24`, 'dev', 'eth0')
  const program = neighbour === undefined ? ['--import', 'tsx', asWritten] : [neighbour]
  const { PATH, HOME } = process.env
  const child = hostile.place.spawn(process.execPath, [...program, lie, String(rate), ...addresses], { PATH, HOME })
  child.stderr?.pipe(process.stderr)
  const begun = await Promise.race([
    once(child.stdout as NonNullable<typeof child.stdout>, 'data').then(() => true),
    once(child, 'exit').then(() => false),
  ])
  if (!begun) throw new Error('the hostile neighbour ended')
  return child
}

const asWritten = fileURLToPath(new URL('hostile-neighbour.ts', import.meta.url))

async function isConnectedTo(daemon: RunningDaemon, all: readonly string[]): Promise<boolean> {
  const connected = (await daemon.peers()).peers.filter((one) => one.connected).map(({ peer }) => peer)
  return all.every((peer) => connected.includes(peer))
}

/** @returns how long each took, with the way there and back */
async function lookUp(daemon: RunningDaemon): Promise<number[]> {
  const times_ms: number[] = []
  for (let n = 0; n < lookups; n++) {
    const asked = performance.now()
    await daemon.lookup('web')
    times_ms.push(performance.now() - asked)
  }
  return times_ms
}

async function memoryOf(daemon: RunningDaemon): Promise<number> {
  const { body } = await daemon.ask('/metrics')
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(body)?.[1]) / 1024 ** 2
}
