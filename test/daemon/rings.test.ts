// Ten real daemons: more than observe each other, so that rings decide who hears whom; one is killed, and all know.
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster, type RunningDaemon, allEqual, allList, until, untilAll } from './cluster.js'
import { loopback } from './place.js'

const names = Array.from({ length: 10 }, (_, i) => `r${i}`)
const observersEach = 8

describe('ten daemons', { timeout: 240_000 }, () => {
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
    await untilAll('every node shows the usage of every node', async () => {
      const lists = await Promise.all(daemons.map((daemon) => daemon.nodes()))
      return lists.flat().every(({ usage }) => usage !== undefined)
    })
  })

  test('each sends heartbeats to its eight observers, and to nobody else', async () => {
    await untilAll('only observers hear', async () => (await heartbeatWays()) === names.length * observersEach)
    for (const daemon of daemons) expect((await daemon.members()).every(({ state }) => state === 'alive')).toBe(true)
  })

  test('one that says it restarts is listed all the while, and back with what it had', async () => {
    const listening = createServer()
    await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve))
    const { port } = listening.address() as AddressInfo
    const [restarted, asker] = [daemons[3], daemons[7]] as [RunningDaemon, RunningDaemon]
    const url = `http://127.0.0.1:${port}`
    await restarted.register({ slug: 'kept', url, id: 'kept' })
    await until('it is healthy elsewhere', async () => {
      return (await asker.instances()).some(({ id, status }) => id === 'kept' && status === 'Healthy')
    })
    expect((await restarted.ask('/v1/leave', 'POST', { restart: true })).status).toBe(200)
    await until('it has ended', () => Promise.resolve(restarted.isOver))
    expect(await asker.lookup('kept')).toEqual([url])
    const again = await cluster.start('r3', { args: ['--no-mdns', '--join', asker.address] })
    daemons[3] = again
    const shown = new Set<string>()
    await until('it is alive again', async () => {
      shown.add(String(await asker.lookup('kept')))
      return (await asker.members()).some(({ peer, state }) => peer === again.peerId && state === 'alive')
    })
    shown.add(String(await asker.lookup('kept')))
    expect([...shown]).toEqual([url])
    await allEqual(daemons)
    listening.close()
  })

  test('one that is killed is hidden by all, also by those that never heard it themselves', async () => {
    const [killed, ...rest] = [...daemons].reverse() as [RunningDaemon, ...RunningDaemon[]]
    await killed.register({ slug: 'doomed', url: 'http://127.0.0.1:9', id: 'doomed' })
    await untilAll('all know it', async () => {
      const found = await Promise.all(rest.map((daemon) => daemon.lookup('doomed')))
      return found.every((urls) => urls?.length === 1)
    })
    await killed.kill('SIGKILL')
    await untilAll('nobody shows it', async () => {
      const found = await Promise.all(rest.map((daemon) => daemon.lookup('doomed')))
      return found.every((urls) => urls?.length === 0)
    })
    await untilAll('others observe in its place', async () => (await heartbeatWays()) === rest.length * observersEach)
    // On a machine that is busy with more than ten daemons one of the living may be late, and be hidden for a moment.
    await untilAll('all find the killed one gone, and nobody else', async () => {
      const gone = await Promise.all(
        rest.map(async (daemon) => (await daemon.members()).filter(({ state }) => state !== 'alive')),
      )
      return gone.every((members) => members.map(({ peer }) => peer).join() === killed.peerId)
    })
  })
})
