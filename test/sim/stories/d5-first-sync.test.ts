// Stories of D5: when a daemon may say that it holds what the others hold; until then nobody waits for it in vain, nor for ever.
import { expect, test } from 'vitest'
import { World } from '../world.js'
import { agree, cluster, registered, rows, urlOf } from './cluster.js'

/** A daemon that has begun alone, with an empty disk, before it was connected with anybody. */
function beginsAlone(world: World, name: string): void {
  const others = [...world.machines.keys()]
  world.partition([name], others)
  world.start(name)
  world.until(() => world.machine(name).live.readiness().ready, 5000, 'its first head')
  expect(behind(world, name)).toBeUndefined() // as far as it knows there is nobody
}

function behind(world: World, name: string): string | undefined {
  return world.machine(name).live.behind?.why
}

/** Runs until it was met and is behind no more. @returns how long it was behind */
function untilAllIsHere(world: World, name: string, limit_ms = 10_000): number {
  world.until(() => behind(world, name) !== undefined, 10_000, 'the first connection')
  return world.until(() => behind(world, name) === undefined, limit_ms, 'the end of its first sync')
}

function count(world: World, name: string, slug: string): number {
  return world.lookup(name, slug)?.length ?? 0
}

// The one who asks for all is otherwise the one with the lesser name.
test.each(['0', 'z'])(
  'D5: a newcomer, %s, shows all that the others show from the moment at which it is behind no more',
  (name) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const world = cluster('abc', { seed })
      for (const [i, at] of [...'abcabc'].entries()) registered(world, at, `s${i}`)
      agree(world)
      beginsAlone(world, name)
      world.heal()
      untilAllIsHere(world, name)
      for (let i = 0; i < 100; i++) {
        expect(world.instances(name)).toHaveLength(6)
        world.run(10)
      }
    }
  },
)

test('D5: what takes many turns to be read is waited for', () => {
  const world = cluster('ab')
  const most = 700
  for (let i = 0; i < most; i++) world.register('b', { id: `i${i}`, slug: 'many', url: urlOf('many', 1 + i) })
  world.until(() => count(world, 'a', 'many') === most, 10_000, 'all at a')
  beginsAlone(world, 'z')
  world.heal()
  untilAllIsHere(world, 'z')
  expect(count(world, 'z', 'many')).toBe(most)
})

test('D5: an owner that only others are connected with is shown by then', () => {
  const world = cluster('abc')
  registered(world, 'c', 'far')
  agree(world)
  beginsAlone(world, 'z')
  world.heal()
  world.cut('z', 'c')
  untilAllIsHere(world, 'z')
  expect(count(world, 'z', 'far')).toBe(1)
})

test('D5: whoever is dead already costs the time of two heartbeats, and no more', () => {
  const world = cluster('abc')
  registered(world, 'b', 'alive')
  registered(world, 'c', 'gone')
  agree(world)
  world.vanish('c')
  world.run(20_000)
  beginsAlone(world, 'z')
  world.heal()
  const took_ms = untilAllIsHere(world, 'z')
  expect([count(world, 'z', 'alive'), count(world, 'z', 'gone')]).toEqual([1, 0])
  expect(took_ms).toBeLessThan(3000)
})

test('D5: whoever is dead without a trace in any lookup costs nothing', () => {
  const world = cluster('abc')
  registered(world, 'b', 'alive')
  agree(world)
  world.vanish('c')
  world.run(20_000)
  beginsAlone(world, 'z')
  world.heal()
  expect(untilAllIsHere(world, 'z')).toBeLessThan(1000)
  expect(count(world, 'z', 'alive')).toBe(1)
})

test('D5: one that answers nobody is not waited for where another one has given all', () => {
  const world = cluster('abc')
  registered(world, 'b', 'x')
  agree(world)
  beginsAlone(world, 'z')
  world.heal()
  world.pause('a', 20_000)
  expect(untilAllIsHere(world, 'z')).toBeLessThan(6000)
  expect(count(world, 'z', 'x')).toBe(1)
})

test('D5: an owner that is connected, and late with its first word, is waited for', () => {
  const world = cluster('ab')
  registered(world, 'b', 'x')
  agree(world)
  beginsAlone(world, 'z')
  world.wires.tap = ({ kind, to }) => (kind === 'beat' && to === 'z' ? 4000 : true)
  world.heal()
  expect(untilAllIsHere(world, 'z')).toBeGreaterThan(3000)
  expect(count(world, 'z', 'x')).toBe(1)
})

test('D5: it is over once: who comes later with what is new to all is news', () => {
  const world = cluster('ab')
  agree(world)
  world.run(5000)
  beginsAlone(world, 'z')
  registered(world, 'z', 'x')
  world.heal()
  for (let i = 0; i < 500; i++) {
    world.run(10)
    expect([behind(world, 'a'), behind(world, 'b')]).toEqual([undefined, undefined])
  }
  expect(count(world, 'a', 'x')).toBe(1)
})

/** Lets nobody in but by these pairs, of which the first one joins the second one. */
function linkOnly(world: World, ...pairs: string[]): void {
  const names = [...new Set(pairs.join(''))]
  for (const a of names)
    for (const b of names) if (a < b && !pairs.includes(a + b) && !pairs.includes(b + a)) world.cut(a, b)
}

// The one who asks for all is otherwise the one with the lesser name.
test.each(['0', 'z'])('D5: who begins with a restart of the one that holds all, %s, waits for it to open', (name) => {
  for (const seed of [1, 2, 3]) {
    const world = cluster('ab', { seed })
    for (let i = 0; i < 20; i++) registered(world, 'a', `s${i}`)
    world.leave('b')
    world.crash('a')
    world.start('a') // it waits for `b` to say what it knows of `a`
    world.start(name)
    world.until(() => behind(world, name) !== undefined, 10_000, 'the first connection')
    world.until(() => behind(world, name) === undefined, 20_000, 'the end of its first sync')
    expect(world.instances(name)).toHaveLength(20)
  }
})

test.each(['abcd', 'dcba'])('D5: of a chain of empty ones, %s, each waits for the one before it', (names) => {
  const [first, ...others] = [...names] as [string, ...string[]]
  const before = new Map(others.map((name, i) => [name, names[i] as string]))
  const world = new World({ seed: 1, gossip: false })
  linkOnly(world, ...[...before].map((pair) => pair.join('')))
  const asked = new Set<string>()
  world.wires.tap = ({ kind, from, to }) => void (kind === 'request' && asked.add(`${from}${to}`))
  world.start(first)
  world.until(() => world.machine(first).live.readiness().ready, 5000, 'its first head')
  for (let i = 0; i < 300; i++) world.register(first, { id: `i${i}`, slug: 'many', url: urlOf('many', 1 + i) })
  world.until(() => count(world, first, 'many') === 300, 10_000, 'all at the first one')
  const [second = ''] = others
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const)
    world.wires.set(from, to, { delay_ms: 400 })
  for (const name of others.toReversed()) {
    world.start(name)
    world.feed(name, { type: 'beginning', stage: 'seeking' })
  }
  const isConnected = (name: string): boolean => asked.has(`${name}${before.get(name)}`)
  const [seeking, waiting] = [new Set(others), new Set(others)]
  const isOver = (): boolean => {
    for (const name of seeking) {
      if (!isConnected(name)) continue
      seeking.delete(name)
      world.feed(name, { type: 'beginning', stage: 'met' })
    }
    for (const name of waiting) {
      if (seeking.has(name) || behind(world, name) !== undefined) continue
      waiting.delete(name)
      // Whether the owner lives is known to those who are near; its records are here in any case.
      const held = rows(world, name, 'i299').length
      expect([name, held]).toEqual([name, 1])
    }
    return waiting.size === 0
  }
  world.until(isOver, 20_000, 'the end of all')
})

test.each([2, 3, 5, 10])('D5: %i empty ones that begin at once end before long', (size) => {
  const world = new World({ seed: size })
  const names = Array.from({ length: size }, (_, i) => `m${i}`)
  world.startAll(...names)
  world.until(() => names.every((name) => behind(world, name) !== undefined), 5000, 'that each has met somebody')
  const took_ms = world.until(() => names.every((name) => behind(world, name) === undefined), 20_000, 'the end')
  expect(took_ms).toBeLessThan(4000)
})
