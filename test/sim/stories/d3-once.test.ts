// Stories of D3: a registration and its first check are one version to everybody else, and nobody waits long for that.
import { expect, test } from 'vitest'
import { decodeGossip } from '../../../src/core/wire/gossip.js'
import type { World } from '../world.js'
import { agree, cluster, done, registered, showing, shownStatus, urlOf } from './cluster.js'

const patience_ms = 20
const pace_ms = 25
/** To the disk, and over the wire. */
const way_ms = 10

/** When each head of `a` went out, with whether it said goodbye, from now on. */
function told(world: World): { readonly at: number; readonly left: boolean }[] {
  const heads: { at: number; left: boolean }[] = []
  world.wires.tap = ({ kind, from, to, bytes }) => {
    const message = kind === 'gossip' && from === 'a' && to === 'b' ? decodeGossip(bytes) : undefined
    if (message?.type === 'update' && message.signed.head.owner === 'a')
      heads.push({ at: world.now, left: message.signed.head.left !== undefined })
    return undefined
  }
  return heads
}

/** Three that have nothing to say for a while. */
function quiet(): World {
  const world = cluster('abc')
  registered(world, 'a', 'known')
  agree(world)
  world.run(1000)
  return world
}

test('D3: a registration travels once, with what its first check found', () => {
  const world = quiet()
  const heads = told(world)
  const answer = world.register('a', { id: 'x', slug: 'x', url: urlOf('x') })
  const took_ms = world.until(() => showing(world, 'x') === 'abc', way_ms, 'the registration', 1)
  expect(took_ms).toBeLessThan(patience_ms)
  expect(['a', 'b', 'c'].map((name) => shownStatus(world, name, 'x'))).toEqual(['Healthy', 'Healthy', 'Healthy'])
  world.run(1000)
  expect(heads).toHaveLength(1)
  expect(world.machine('b').eventsOf('instance-status')).toEqual([])
  done(world, answer)
})

test('D3: of callers that follow each other, what a check found goes to the disk with what the next one says', () => {
  const world = quiet()
  const version = (): number => world.machine('a').live.toJSON().version
  const before = version()
  for (let i = 0; i < 50; i++) {
    const answer = world.register('a', { id: `i${i}`, slug: 'many', url: urlOf(`i${i}`) })
    world.until(() => answer.result !== undefined, way_ms, 'the answer', 1)
    world.run(1) // until whoever was answered comes again
  }
  world.run(pace_ms + way_ms)
  expect(version() - before).toBeLessThanOrEqual(50 + 2) // what the first and the last check found goes alone
  expect(world.lookup('c', 'many')).toHaveLength(50)
  expect(shownStatus(world, 'c', 'many')).toBe('Healthy')
})

test.each(['Unreachable', 'Error'] as const)('D3: a first check that finds %s travels once, too', (status) => {
  const world = quiet()
  world.service(urlOf('x'), status)
  const heads = told(world)
  registered(world, 'a', 'x')
  world.run(500) // before it is asked about again
  expect(heads).toHaveLength(1)
  expect(shownStatus(world, 'c', 'x')).toBe(status)
})

test('D3: a caller waits for the disk alone, and all others 20 ms for a check that never ends', () => {
  const world = quiet()
  world.service(urlOf('x'), 'silent')
  const heads = told(world)
  const begun = world.now
  const answer = world.register('a', { id: 'x', slug: 'x', url: urlOf('x') })
  world.until(() => showing(world, 'x') === 'abc', 100, 'the registration', 1)
  expect(answer.at).toBe(begun + 1)
  expect(heads.map(({ at }) => at - begun)).toEqual([patience_ms])
  expect(shownStatus(world, 'b', 'x')).toBe('Unknown')
})

test('D3: a check that ends later than that is a version of its own', () => {
  const world = quiet()
  world.service(urlOf('x'), 'silent')
  const heads = told(world)
  const begun = world.now
  registered(world, 'a', 'x')
  world.runUntil(begun + 100)
  world.feed('a', { type: 'checked', id: 'x', n: 1, result: { status: 'Healthy' } })
  world.until(() => shownStatus(world, 'c', 'x') === 'Healthy', way_ms, 'the result', 1)
  expect(heads.map(({ at }) => at - begun)).toEqual([patience_ms, 101])
})

test('D3: an instance that moves to another url travels once, too, and one that says what it said before not at all', () => {
  const world = quiet()
  registered(world, 'a', 'x')
  world.run(100)
  const heads = told(world)
  registered(world, 'a', 'x', 8080)
  world.run(100)
  expect(heads).toHaveLength(1)
  expect(world.lookup('c', 'x')).toEqual([urlOf('x', 8080)])
  registered(world, 'a', 'x', 8080)
  world.run(100)
  expect(heads).toHaveLength(1)
})

test('D3: a goodbye waits for no check', () => {
  const world = quiet()
  world.service(urlOf('x'), 'silent')
  const heads = told(world)
  registered(world, 'a', 'x')
  const begun = world.now
  done(world, world.command('a', { type: 'leave' }))
  expect(heads.map(({ at, left }) => ({ after_ms: at - begun, left }))).toEqual([{ after_ms: 1, left: true }])
})

test.each<{ what: string; act: (world: World) => unknown; isKnown: (world: World) => boolean }>([
  {
    what: 'a removal',
    act: (world) => world.deregister('a', 'known'),
    isKnown: (world) => showing(world, 'known') === '',
  },
  {
    what: 'bad news of an instance that is known',
    act: (world) => world.feed('a', { type: 'checked', id: 'known', n: 1, result: { status: 'Unreachable' } }),
    isKnown: (world) => shownStatus(world, 'c', 'known') === 'Unreachable',
  },
  {
    what: 'a definition',
    act: (world) => world.define('a', 'd'),
    isKnown: (world) => world.definitions('c').includes('d'),
  },
  {
    what: 'the removal of what was just registered',
    act: (world) => world.deregister('a', 'x'),
    isKnown: (world) => (world.lookup('c', 'x') ?? []).length === 0,
  },
  {
    what: 'maintenance',
    act: (world) => world.command('a', { type: 'act', id: 'known', act: { type: 'maintenance', reason: 'new disk' } }),
    isKnown: (world) => showing(world, 'known') === '',
  },
])('D3: $what is kept waiting by nobody’s first check', ({ act, isKnown }) => {
  const world = quiet()
  world.service(urlOf('x'), 'silent')
  const heads = told(world)
  registered(world, 'a', 'x')
  const begun = world.now
  act(world)
  world.until(() => isKnown(world), way_ms, 'the news', 1)
  world.until(() => heads.length > 0, way_ms, 'the head', 1)
  expect((heads[0]?.at ?? 0) - begun).toBeLessThan(5)
})

test('D3: many registrations in a row, of which none is ever answered for, keep none waiting for longer', () => {
  const world = quiet()
  const begunById = new Map<string, number>()
  const tookById = new Map<string, number>()
  for (let step = 0; step < 1000; step++) {
    if (step % 3 === 0) {
      const id = `i${step}`
      world.service(urlOf(id), 'silent')
      world.register('a', { id, slug: id, url: urlOf(id) })
      begunById.set(id, world.now)
    }
    world.run(1)
    for (const [id, begun] of begunById)
      if (!tookById.has(id) && world.lookup('b', id) !== undefined) tookById.set(id, world.now - begun)
  }
  expect(tookById.size).toBeGreaterThan(300)
  expect(Math.max(...tookById.values())).toBeLessThanOrEqual(pace_ms + way_ms)
})

test('D3: many that are registered at once, and are all well, are told in a few messages, none of them as unknown', () => {
  const world = quiet()
  const heads = told(world)
  for (let i = 0; i < 300; i++) world.register('a', { id: `i${i}`, slug: 'many', url: urlOf(`i${i}`) })
  world.until(() => world.lookup('c', 'many')?.length === 300, 1000, 'all of them', 1)
  world.run(200)
  expect(heads.length).toBeLessThanOrEqual(3)
  expect(shownStatus(world, 'c', 'many')).toBe('Healthy')
})
