// Stories of D9: what a daemon in doubt shows of those of whom it hears late that they have gone, or come back.
import { expect, test } from 'vitest'
import type { World } from '../world.js'
import { agree, cluster, registered } from './cluster.js'

function listed(world: World, name: string, slug: string): number {
  const { instances, degraded } = world.machine(name).live.read.lookup(slug, world.moment(name))
  expect(degraded).toBe(true)
  return instances.length
}

/** `a` sees nobody any more, and shows `x`, which was at home at `c`, as last known. */
function inDoubt(): World {
  const world = cluster('abcdefg')
  registered(world, 'c', 'x')
  agree(world)
  world.run(61_000)
  world.partition(['a'], [...'bcdefg'])
  world.run(15_000)
  expect(listed(world, 'a', 'x')).toBe(1)
  return world
}

/** Others than before reach each other. */
function recut(world: World, ...groups: string[]): void {
  world.heal()
  world.partition(...groups.map((group) => [...group]))
}

function saidGoodbyeLate(): World {
  const world = inDoubt()
  world.leave('c')
  world.run(1000)
  recut(world, 'ab', 'cdefg')
  world.until(() => world.beliefs('a').includes('c:left'), 20_000, 'the goodbye')
  return world
}

test('D9: a goodbye that comes late, of one who is hidden already, ends what is shown of him in doubt', () => {
  const world = saidGoodbyeLate()
  expect(listed(world, 'a', 'x')).toBe(0)
})

test('D9: who is back after a goodbye is shown in doubt again, as soon as that is known', () => {
  const world = saidGoodbyeLate()
  expect(listed(world, 'a', 'x')).toBe(0)
  recut(world, 'a', 'bcdefg')
  world.start('c')
  world.run(10_000)
  world.crash('c')
  recut(world, 'ab', 'cdefg')
  world.until(() => !world.beliefs('a').includes('c:left'), 20_000, 'word of the return')
  expect(listed(world, 'a', 'x')).toBe(1)
})
