// Stories of D6: what others say of a member, unsigned, decides nothing alone; and whoever lives stays, however it is reached.
import { expect, test } from 'vitest'
import { decodeBeat, encodeBeat } from '../../../src/core/wire/beat.js'
import { decodeGossip, encodeGossip } from '../../../src/core/wire/gossip.js'
import { lie, shortIdOf } from '../liar.js'
import type { Sent } from '../wires.js'
import { World } from '../world.js'
import { agree, cluster, registered, showing, transitionsOf } from './cluster.js'

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
    lie(world, [...liars], 'b')
    world.run(3000)
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

/** Prepared machines of the membership plane that know each other, as an overlay: most have never met. */
function overlayOf(count: number, seed = 1): { world: World; names: string[] } {
  const world = new World({ seed, plane: true })
  const names = Array.from({ length: count }, (_, i) => `n${i}`)
  world.startPrepared(names)
  world.run(20_000)
  return { world, names }
}

/** Those of these to whom it lives. */
function fooled(world: World, names: readonly string[], peer: string): string[] {
  return names.filter((name) => world.machine(name).plane?.stateOf(peer) === 'alive')
}

test.each([0, 9])(
  'D6: in an overlay a killed node of whom one says to all that it lives, %i numbers ahead, is gone at once, and stays so',
  (ahead) => {
    const { world, names } = overlayOf(26)
    const [dead = '', liar = '', ...honest] = names
    lie(world, [liar], dead, { ahead, toAll: true })
    world.run(3000)
    world.crash(dead)
    world.until(() => fooled(world, honest, dead).length === 0, 1000, 'that it is gone')
    for (let i = 0; i < 60; i++) {
      world.run(1000)
      expect(fooled(world, honest, dead)).toEqual([])
    }
  },
)

test('D6: nor is it shown by those who join, start again, or stood still when it was killed, nor by those whom these tell of it', () => {
  const { world, names } = overlayOf(26)
  const [dead = '', liar = '', sleeper = '', restarted = '', ...others] = names
  lie(world, [liar], dead, { ahead: 9, toAll: true })
  world.run(3000)
  world.pause(sleeper, 12_000)
  world.run(500)
  world.crash(dead)
  world.run(3000)
  world.crash(restarted)
  world.start(restarted)
  world.start('late')
  world.run(8500)
  expect(fooled(world, [...others, restarted, 'late'], dead)).toEqual([])
  world.until(() => fooled(world, [sleeper], dead).length === 0, 13_000, 'that the sleeper knows')
  for (let i = 0; i < 60; i++) {
    world.run(1000)
    expect(fooled(world, [...others, sleeper, restarted, 'late'], dead)).toEqual([])
  }
})

test.each(['abcd', 'abcde'])(
  'D6: among %s those who never reached a machine that lost its power are not kept from knowing by one alone',
  (names) => {
    const world = new World({ seed: 1, plane: true })
    for (const far of names.slice(3)) world.cut(far, 'b')
    world.startPrepared([...names])
    world.run(20_000)
    const honest = [...names].filter((name) => name !== 'b' && name !== 'c')
    expect(fooled(world, honest, 'b')).toEqual(honest)
    lie(world, ['c'], 'b', { toAll: true })
    world.run(3000)
    world.vanish('b')
    world.until(() => fooled(world, honest, 'b').length === 0, 25_000, 'that it is gone')
    for (let i = 0; i < 40; i++) {
      world.run(1000)
      expect(fooled(world, honest, 'b')).toEqual([])
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

test.each([
  ['abc', 'gossip', true],
  ['abcde', 'gossip', true],
  ['abc', 'no gossip', false],
  ['abcde', 'no gossip', false],
] as const)(
  'D6: among %s, with %s, two whose firewalls refuse each other stay shown, as others pass on',
  (names, _, gossipOn) => {
    const world = standing(names)
    world.wires.gossipOn = gossipOn
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
    return type !== undefined && ['question', 'answer', 'able', 'passing'].includes(type)
  }
  // It says nothing of the kind, and passes on what it does not understand.
  let asked = 0
  world.wires.tap = (sent) => {
    if (sent.to === old && sent.kind === 'beat' && decodeBeat(sent.bytes)?.type === 'question') asked += 1
    return !(isNew(sent) && (sent.author ?? sent.from) === old)
  }
  for (const name of 'abc') if (name !== old) world.wires.redial(world.machine(name), old)
  agree(world)
  world.run(8000)
  fencedOff(world, 'a', 'b', 30_000)
  expect(transitionsOf(world, 'b', since, ['a']).filter((each) => each.includes('hidden'))).toEqual([])
  expect(showing(world, 'x')).toBe('abc')
  // Nor is it asked to pass on what it would not understand.
  world.wires.gossipOn = false
  fencedOff(world, 'a', 'b', 40_000)
  expect(asked).toBe(0)
})

test('D6: one that crashes in the first moments of a connection is not taken for one of an earlier version', () => {
  const world = standing('abc')
  lie(world, ['c'], 'b')
  world.run(3000)
  // The first word over a connection comes before the one that says whether it answers.
  for (const name of 'ac') world.wires.redial(world.machine('b'), name)
  world.until(() => world.machine('a').connected.has('b'), 5000, 'that they are connected again')
  world.run(20)
  world.crash('b')
  const isGone = () => (world.lookup('a', 'x') ?? []).length === 0
  world.until(isGone, 7000, 'that it is gone')
  for (let i = 0; i < 300; i++) {
    world.run(100)
    expect(isGone()).toBe(true)
  }
})

/** From now on these report `subject` every second, to all, in its latest incarnation; the last head tells which that is. */
function accuse(world: World, liars: string, subject: string, duration_ms: number): void {
  const { generation } = world.machine(subject).live
  let incarnation = 0
  const before = world.wires.tap
  world.wires.tap = (sent) => {
    const message = sent.kind === 'gossip' ? decodeGossip(sent.bytes) : undefined
    if (message?.type === 'update' && message.signed.head.owner === subject)
      incarnation = message.signed.head.incarnation
    return before?.(sent)
  }
  for (let past_ms = 0; past_ms < duration_ms; past_ms += 1000) {
    const about = [{ subject, generation, incarnation }]
    for (const liar of liars) {
      const authorGeneration = world.machine(liar).live.generation
      const bytes = encodeGossip({ type: 'report', authorGeneration, sequence: 1000 + past_ms, about })
      for (const { name } of world.running())
        if (name !== liar) world.feed(name, { type: 'gossip', author: liar, bytes })
    }
    world.run(1000)
  }
}

test.each(['abc', 'abcdefg'])(
  'D6: among %s one that reports a living member, passes on low numbers of it and plays its own old frames again hides nobody',
  (names) => {
    const world = standing(names)
    const since = world.now
    const shortId = shortIdOf('b')
    const kept: Sent[] = []
    world.wires.tap = (sent) => {
      const frame = sent.kind === 'beat' && sent.from === 'c' ? decodeBeat(sent.bytes) : undefined
      if (frame?.type !== 'heartbeat') return true
      const relayed = frame.relayed.map((one) =>
        one.shortId === shortId ? { ...one, sequence: 0, age_ms: 60_000 } : one,
      )
      world.feed(sent.to, { type: 'beat', from: 'c', bytes: encodeBeat({ ...frame, relayed }) })
      kept.push(sent)
      for (const { to, bytes } of kept.slice(0, 3)) world.feed(to, { type: 'beat', from: 'c', bytes })
      return false
    }
    accuse(world, 'c', 'b', 30_000)
    const honest = [...names].filter((name) => name !== 'c')
    for (const name of honest) expect(transitionsOf(world, 'b', since, [name])).toEqual([])
    for (const name of honest) expect(world.beliefs(name)).not.toMatch(/hidden|dead/)
  },
)

test.each(['abcde', 'abcdefg'])(
  'D6: two of %s that report a living member hide it once, for less than a second: its refutation asks for one more',
  (names) => {
    const world = standing(names)
    const since = world.now
    const liars = names.slice(-2)
    accuse(world, liars, 'b', 1000)
    expect(showing(world, 'x')).toBe(names)
    accuse(world, liars, 'b', 60_000)
    for (const name of names.slice(2, -2)) {
      expect(transitionsOf(world, 'b', since, [name])).toEqual([`${name}: alive→hidden`, `${name}: hidden→alive`])
    }
  },
)
