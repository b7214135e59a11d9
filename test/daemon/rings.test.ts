// Twelve real daemons: more than observe each other, so that rings decide who hears whom; one is killed, and all know.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster, type RunningDaemon, allEqual, allList, until } from './cluster.js'
import { loopback } from './place.js'

const names = Array.from({ length: 12 }, (_, i) => `r${i}`)
const observersEach = 8

describe('twelve daemons', { timeout: 240_000 }, () => {
  const cluster = new Cluster(loopback())
  let daemons: RunningDaemon[] = []

  beforeAll(async () => {
    const first = await cluster.start('r0', { args: ['--no-mdns'] })
    const args = ['--no-mdns', '--join', first.address]
    daemons = [first, ...(await Promise.all(names.slice(1).map((name) => cluster.start(name, { args }))))]
  }, 240_000)

  afterAll(() => cluster.close())

  /** Of all pairs, those over which a heartbeat came lately. */
  async function heartbeatWays(): Promise<number> {
    const all = await Promise.all(daemons.filter(({ isOver }) => !isOver).map((daemon) => daemon.peers()))
    return all.flatMap(({ peers }) => peers).filter(({ heartbeatAge_ms = Infinity }) => heartbeatAge_ms < 5000).length
  }

  test('all see all, with load and usage, and hold the same', async () => {
    await allList(daemons, names)
    await allEqual(daemons)
    await until('every node shows the usage of every node', async () => {
      const lists = await Promise.all(daemons.map((daemon) => daemon.nodes()))
      return lists.flat().every(({ usage }) => usage !== undefined)
    })
  })

  test('each sends heartbeats to its eight observers, and to nobody else', async () => {
    await until('only observers hear', async () => (await heartbeatWays()) === names.length * observersEach)
    for (const daemon of daemons) expect((await daemon.members()).every(({ state }) => state === 'alive')).toBe(true)
  })

  test('one that is killed is hidden by all, also by those that never heard it themselves', async () => {
    const [killed, ...rest] = [...daemons].reverse() as [RunningDaemon, ...RunningDaemon[]]
    await killed.register({ slug: 'doomed', url: 'http://127.0.0.1:9', id: 'doomed' })
    await until('all know it', async () => {
      const found = await Promise.all(rest.map((daemon) => daemon.lookup('doomed')))
      return found.every((urls) => urls?.length === 1)
    })
    await killed.kill('SIGKILL')
    await until('nobody shows it', async () => {
      const found = await Promise.all(rest.map((daemon) => daemon.lookup('doomed')))
      return found.every((urls) => urls?.length === 0)
    })
    await until('others observe in its place', async () => (await heartbeatWays()) === rest.length * observersEach)
    for (const daemon of rest) {
      const states = (await daemon.members()).map(({ peer, state }) => [peer, state] as const)
      expect(states.filter(([, state]) => state !== 'alive').map(([peer]) => peer)).toEqual([killed.peerId])
    }
  })
})
