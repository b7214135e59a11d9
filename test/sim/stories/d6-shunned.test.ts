// Stories of D6: whom a daemon does not listen to, for a reason of its own, it does not call silent.
import { expect, test } from 'vitest'
import { cluster, transitionsOf } from './cluster.js'

/** b keeps no limit: a cuts it off, and hears nothing of it for so long. */
function shunnedByA(names: string, for_ms: number): ReturnType<typeof cluster> {
  const world = cluster(names)
  world.run(5000)
  world.feed('a', { type: 'shunned', peer: 'b', for_ms })
  world.cut('a', 'b')
  return world
}

test('of two, one that the other does not listen to stays visible there; its silence after that counts again', () => {
  const world = shunnedByA('ab', 30_000)
  const since = world.now
  world.run(29_000)
  expect(transitionsOf(world, 'b', since, ['a'])).toEqual([])
  world.run(12_000)
  expect(world.beliefs('a')).toMatch(/b:(hidden|dead)/)
})

test('of three, nobody is told that it is silent; the silence of others is told as ever', () => {
  const world = shunnedByA('abc', 30_000)
  const since = world.now
  world.run(10_000)
  expect(transitionsOf(world, 'b', since)).toEqual([])
  world.crash('c')
  world.run(20_000)
  expect(world.beliefs('a')).toMatch(/b:alive c:(hidden|dead)/)
})

test('what was said of it before is taken back', () => {
  const world = cluster('abc')
  world.run(5000)
  world.cut('a', 'b')
  world.run(3000) // a reports b by now, and is not believed alone
  expect(
    world
      .machine('a')
      .live.read.members(world.moment('a'))
      .find(({ peer }) => peer === 'b')?.reportedBy,
  ).toEqual(['a'])
  world.feed('a', { type: 'shunned', peer: 'b', for_ms: 30_000 })
  world.run(1000)
  expect(
    world
      .machine('c')
      .live.read.members(world.moment('c'))
      .find(({ peer }) => peer === 'b')?.reportedBy ?? [],
  ).toEqual([])
})
