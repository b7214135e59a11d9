// Stories of D9: how old the truth of a lookup may be, what it refuses to tell for that, how old the figures of machines are.
import { expect, test } from 'vitest'
import type { Freshness } from '../../../src/core/views.js'
import type { World } from '../world.js'
import { agree, cluster, registered } from './cluster.js'

function freshness(world: World, name: string, slug: string): Freshness {
  return world.machine(name).live.read.freshness(slug, world.moment(name))
}

function age_ms(world: World, name: string, slug: string): number | undefined {
  return freshness(world, name, slug).heardAge_ms
}

test('D9: a lookup is as old as the last word of the home node that was heard of longest ago', () => {
  const world = cluster('abc')
  registered(world, 'b', 'x')
  registered(world, 'a', 'y')
  agree(world)
  world.run(3000)
  expect(freshness(world, 'a', 'x')).toEqual({ heardAge_ms: expect.any(Number) as number, inStep: 2, members: 2 })
  expect(age_ms(world, 'a', 'x')).toBeLessThanOrEqual(1200)
  expect([age_ms(world, 'b', 'x'), age_ms(world, 'a', 'y')]).toEqual([0, 0])
  expect(freshness(world, 'a', 'nothing')).toEqual({ inStep: 2, members: 2 })
  world.vanish('b')
  world.run(1500)
  expect(age_ms(world, 'a', 'x')).toBeGreaterThan(1400)
  world.until(() => world.lookup('a', 'x')?.length === 0, 3000, 'b hidden')
  expect(age_ms(world, 'a', 'x')).toBe(0) // nothing is listed of which it could be said
})

test('D9: in doubt the age of what is listed grows, and that of an empty list is not known', () => {
  const world = cluster('abcde')
  registered(world, 'b', 'x')
  registered(world, 'e', 'left')
  agree(world)
  world.run(61_000)
  world.leave('e')
  world.run(1000)
  world.partition(['a'], ['b', 'c', 'd'])
  world.until(() => world.machine('a').live.readiness().degraded, 20_000, 'doubt')
  world.run(5000)
  expect(world.lookup('a', 'x')).toHaveLength(1)
  expect(freshness(world, 'a', 'x')).toMatchObject({ inStep: 0 })
  expect(age_ms(world, 'a', 'x')).toBeGreaterThan(5000)
  expect(world.lookup('a', 'left')).toEqual([])
  expect(age_ms(world, 'a', 'left')).toBeUndefined()
})

test('D9: figures of a machine are as old as its heartbeats since they were taken, over any number of hands', () => {
  const world = cluster('ab')
  const { live } = world.machine('a')
  const placed = () => live.read.pickNodes({ by: 'cpu', count: 9 }, world.moment('a'))
  const taken = world.now
  for (const [name, percent] of [
    ['a', 90],
    ['b', 20],
  ] as const)
    world.feed(name, { type: 'vitals', load: percent, vitals: JSON.stringify({ usage: { cpu: { percent } } }) })
  world.until(() => placed().every(({ room }) => room !== undefined), 10_000, 'figures')
  world.run(7000)
  expect(placed().map(({ room }) => room)).toEqual([80, 10])
  for (const { roomAge_ms } of placed()) expect(Math.abs(roomAge_ms! - (world.now - taken))).toBeLessThanOrEqual(1100)
})
