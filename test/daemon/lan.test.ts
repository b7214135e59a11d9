// Real daemons on machines of their own, in a network that fails the way networks do: a cable pulled, a switch split in two, packets lost.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MemberState } from '../../src/core/views.js'
import { allEqual, allList, Cluster, type RunningDaemon, until } from './cluster.js'
import { canMakeLan, Lan } from './lan.js'
import { loopback } from './place.js'

/** Short by default; LAN_FULL=1 is the long form. */
const full = process.env['LAN_FULL'] === '1'
const side = full ? 5 : 2
const [split_ms, lossy_ms] = full ? [30_000, 300_000] : [12_000, 15_000]

const permitted = canMakeLan()
if (!permitted)
  console.warn('skipped: these tests need the right to make network namespaces, veth pairs and iptables rules')

let lan: Lan
let cluster: Cluster
let daemons: RunningDaemon[]

/** Daemons that all know each other, each on a machine of its own. */
async function machines(count: number): Promise<RunningDaemon[]> {
  const daemons: RunningDaemon[] = []
  for (let i = 0; i < count; i++) {
    const { name, place, address } = await lan.add(`m${i}`)
    const args = ['--no-mdns', ...daemons.slice(0, 2).flatMap((daemon) => ['--join', daemon.address])]
    daemons.push(await cluster.start(name, { place, address, args }))
  }
  const names = daemons.map(({ name }) => name)
  await allList(daemons, names)
  return daemons
}

async function statesAt(daemon: RunningDaemon): Promise<Map<string, MemberState>> {
  return new Map((await daemon.members()).map(({ nodeId, peer, state }) => [nodeId ?? peer, state]))
}

describe.skipIf(!permitted)('on a network of their own', () => {
  // One cluster for all: each test leaves it whole.
  beforeAll(async () => {
    lan = await Lan.open()
    cluster = new Cluster(loopback())
    daemons = await machines(2 * side)
  })
  afterAll(async () => {
    await cluster?.close()
    await lan?.close()
  })

  test('a machine whose cable is pulled leaves every lookup, and is back when it is plugged in again', async () => {
    const [victim, ...others] = daemons as [RunningDaemon, ...RunningDaemon[]]
    await victim.register({ id: 'lost', slug: 'lost', url: 'http://127.0.0.1:9' })
    for (const other of others) await until('it is shown', async () => (await other.lookup('lost'))?.length === 1)
    lan.unplug(victim.name)
    for (const other of others) {
      await until('it is hidden', async () => (await other.lookup('lost'))?.length === 0)
      await until('the log says so', () => Promise.resolve(goneSaidBy(other).length > 0))
    }
    for (const other of others) {
      const states = await statesAt(other)
      for (const { name } of others) expect(states.get(name)).toBe('alive')
    }
    lan.plug(victim.name)
    for (const other of others) await until('it is back', async () => (await other.lookup('lost'))?.length === 1)
    await allEqual(daemons)
  }, 180_000)

  test('a machine whose address changes says so to all by itself, and again when it has its old one back', async () => {
    const [mover, ...others] = [...daemons].reverse() as [RunningDaemon, ...RunningDaemon[]]
    const home = /ip4\/([\d.]+)/.exec(mover.address)?.[1] as string
    const peersAt = (daemon: RunningDaemon, whom: RunningDaemon) =>
      daemon.peers().then(({ peers }) => peers.find(({ peer }) => peer === whom.peerId))
    for (const [from, to] of [
      [home, '10.77.0.99'],
      ['10.77.0.99', home],
    ] as const) {
      lan.on(mover.name, 'ip', 'address', 'del', `${from}/24`, 'dev', 'eth0')
      lan.on(mover.name, 'ip', 'address', 'add', `${to}/24`, 'dev', 'eth0')
      for (const other of others) {
        await until('the other one hears it from there', async () => {
          const heard = await peersAt(other, mover)
          return heard?.streamsHealthy === true && heard.address?.startsWith(`/ip4/${to}/`) === true
        })
        await until('it hears the other one', async () => (await peersAt(mover, other))?.streamsHealthy === true)
      }
    }
    expect(mover.log.match(/an address of this machine is gone/g)).toHaveLength(2)
    await allEqual(daemons)
  }, 180_000)

  test(`a switch split ${side}/${side}: both sides go on, nothing is lost, and nothing that was removed is back`, async () => {
    const left = daemons.slice(0, side)
    const right = daemons.slice(side)
    const removed = await left[0]!.register({ id: 'removed', slug: 'removed', url: 'http://127.0.0.1:9' })
    await until('all show it', async () => (await right[0]!.lookup('removed'))?.length === 1)
    lan.split(right.map(({ name }) => name))
    await right[0]!.deregister(removed)
    const ofEach = await Promise.all([writeFor(split_ms, left), writeFor(split_ms, right)])
    for (const { length } of ofEach) expect(length).toBeGreaterThan(0)
    const written = ofEach.flat()
    for (const [side, other] of [
      [left, right],
      [right, left],
    ] as const) {
      await until('the other side is hidden', async () => {
        const states = await statesAt(side[0]!)
        return (
          other.every(({ name }) => states.get(name) !== 'alive') &&
          side.every(({ name }) => states.get(name) === 'alive')
        )
      })
    }
    lan.heal()
    const names = daemons.map(({ name }) => name)
    await allList(daemons, names)
    await allEqual(daemons)
    for (const daemon of daemons) {
      await until('all that was written is shown', async () => {
        const shown = new Set((await daemon.instances()).map(({ id }) => id))
        return written.every((id) => shown.has(id))
      })
      expect((await daemon.lookup('removed')) ?? []).toEqual([])
    }
  }, 600_000)

  test(`a tenth of all packets lost for ${lossy_ms / 1000} s: no healthy node is hidden`, async () => {
    for (const daemon of daemons) {
      await until('all are alive', async () =>
        [...(await statesAt(daemon)).values()].every((state) => state === 'alive'),
      )
    }
    for (const { name } of daemons) lan.lose(name, 0.1)
    const hidden = await watchFor(lossy_ms, daemons)
    for (const { name } of daemons) lan.lose(name, 0)
    expect(hidden).toEqual([])
    await allEqual(daemons)
  }, 900_000)
})

/** Registers at each in turn for a while. @returns the ids that were acknowledged */
async function writeFor(lasts_ms: number, daemons: readonly RunningDaemon[]): Promise<string[]> {
  const ids: string[] = []
  const begun = performance.now()
  for (let i = 0; performance.now() - begun < lasts_ms; i++) {
    const daemon = daemons[i % daemons.length]!
    ids.push(
      await daemon.register({ id: `${daemon.name}-${i}`, slug: 'web', url: `http://127.0.0.1:9/${daemon.name}/${i}` }),
    )
    await new Promise((resolve) => setTimeout(resolve, 100)) // ten a second: the pace is part of the story
  }
  return ids
}

/** @returns what is said in that time of members that are not alive, however briefly */
async function watchFor(lasts_ms: number, daemons: readonly RunningDaemon[]): Promise<string[]> {
  const before = daemons.map((daemon) => goneSaidBy(daemon).length)
  await new Promise((resolve) => setTimeout(resolve, lasts_ms)) // how long it is lossy: the time is the story
  for (const daemon of daemons) {
    for (const [name, state] of await statesAt(daemon)) expect({ name, state }).toEqual({ name, state: 'alive' })
  }
  return daemons.flatMap((daemon, i) => goneSaidBy(daemon).slice(before[i]))
}

/** Each verdict against a member is a line of the log. */
function goneSaidBy(daemon: RunningDaemon): string[] {
  const found = daemon.log.match(/member m\d \([^)]*\) is (?!alive)[^"]*/g) ?? []
  return found.map((words) => `${daemon.name}: ${words}`)
}
