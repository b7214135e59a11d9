// Stories of D6: what others say of a member, unsigned, decides nothing alone; and whoever lives stays, however it is reached.
import { expect, test } from 'vitest'
import { type RelayedHeartbeat, decodeBeat, encodeBeat } from '../../../src/core/wire/beat.js'
import { decodeGossip } from '../../../src/core/wire/gossip.js'
import { quickHash } from '../crypto.js'
import type { Sent } from '../wires.js'
import type { World } from '../world.js'
import { agree, cluster, registered, showing, transitionsOf } from './cluster.js'

function shortIdOf(id: string): number {
  return quickHash(new TextEncoder().encode(id))
    .subarray(0, 6)
    .reduce((value, byte) => value * 0x100 + byte, 0)
}

/** From now on these members say of `subject`, to all others, what they would say if it lived, and report nothing. */
function lie(world: World, liars: string, subject: string): void {
  const { generation } = world.machine(subject).live
  const shortId = shortIdOf(subject)
  const last = { sequence: 0, at: 0 }
  world.wires.tap = ({ kind, from, to, bytes, author }: Sent) => {
    if (kind === 'gossip') return !(liars.includes(author ?? '') && decodeGossip(bytes)?.type === 'report')
    const frame = kind === 'beat' ? decodeBeat(bytes) : undefined
    if (from === subject && frame?.type === 'heartbeat')
      Object.assign(last, { sequence: frame.sequence, at: world.now })
    if (frame === undefined || !liars.includes(from)) return true
    if (frame.type !== 'heartbeat') return frame.type !== 'report'
    const sequence = last.sequence + Math.floor((world.now - last.at) / 1000)
    const madeUp: RelayedHeartbeat = { shortId, generation, sequence, load: 0, age_ms: 0 }
    const relayed = [...frame.relayed.filter((one) => one.shortId !== shortId), madeUp]
    world.feed(to, { type: 'beat', from, bytes: encodeBeat({ ...frame, relayed }) })
    return false
  }
  world.run(3000)
}

/** A cluster that has lived for a while, with an instance at b. */
function standing(names: string): World {
  const world = cluster(names)
  registered(world, 'b', 'x')
  agree(world)
  world.run(8000)
  return world
}

test.each([
  ['one of three', 'abc', 'c'],
  ['two of five', 'abcde', 'de'],
])(
  'D6: a killed node that %s lie about leaves the lookups of all others, and does not come back',
  (_, names, liars) => {
    const world = standing(names)
    lie(world, liars, 'b')
    world.crash('b')
    const honest = [...names].filter((name) => name !== 'b' && !liars.includes(name))
    const isGone = () => honest.every((name) => (world.lookup(name, 'x') ?? []).length === 0)
    expect(world.until(isGone, 20_000, 'that it is gone')).toBeLessThan(5500)
    for (let i = 0; i < 300; i++) {
      world.run(100)
      expect(isGone()).toBe(true)
    }
  },
)

/** The link between two is cut, for so long; dials of one by the other are answered by a firewall, which refuses. */
function fencedOff(world: World, one: string, other: string, duration_ms: number): void {
  world.partition([one], [other])
  for (let past_ms = 0; past_ms < duration_ms; past_ms += 5000) {
    world.feed(one, { type: 'refused', peer: other, isVacant: true })
    world.feed(other, { type: 'refused', peer: one, isVacant: true })
    world.run(5000)
  }
}

test.each(['abc', 'abcde'])(
  'D6: among %s two whose firewalls refuse each other stay shown, as others pass on',
  (names) => {
    const world = standing(names)
    const since = world.now
    fencedOff(world, 'a', 'b', 60_000)
    expect(transitionsOf(world, 'b', since, ['a'])).toEqual([])
    expect(showing(world, 'x')).toBe(names)
  },
)

test('D6: a node that is asked while it is stalled for a second and a half stays shown', () => {
  const world = standing('abc')
  const since = world.now
  world.partition(['a'], ['b'])
  world.run(100)
  world.pause('b', 1500)
  fencedOff(world, 'a', 'b', 20_000)
  expect(transitionsOf(world, 'b', since, ['a'])).toEqual([])
})

test.each(['b', 'c'])('D6: among three of which %s is of an earlier version nobody that lives is hidden', (old) => {
  const world = standing('abc')
  const since = world.now
  const isNew = ({ kind, bytes }: Sent): boolean => {
    const type = kind === 'gossip' ? decodeGossip(bytes)?.type : kind === 'beat' ? decodeBeat(bytes)?.type : undefined
    return type === 'question' || type === 'answer' || type === 'able'
  }
  // It says nothing of the kind, and passes on what it does not understand.
  world.wires.tap = (sent) => !(isNew(sent) && (sent.author ?? sent.from) === old)
  for (const name of 'abc') if (name !== old) world.wires.redial(world.machine(name), old)
  agree(world)
  world.run(8000)
  fencedOff(world, 'a', 'b', 30_000)
  expect(transitionsOf(world, 'b', since, ['a']).filter((each) => each.includes('hidden'))).toEqual([])
  expect(showing(world, 'x')).toBe('abc')
})
