// Stories of D7: what a daemon remembers of fences when the document that said so is gone.
import { expect, test } from 'vitest'
import type { World } from '../world.js'
import { agree, cluster, done, registered } from './cluster.js'

function fence(world: World, by: string, owner: string): void {
  done(world, world.command(by, { type: 'remove-node', owner }))
}

function owners(world: World, name: string): string {
  const { documents } = world.machine(name).live.read.digest()
  return documents.map(({ owner }) => owner).join('')
}

/** `a` forgets `d` where `c` cannot see it; then `c` forgets `a`, and with it what `a` said of `d`. */
function forgottenByHalf(): World {
  const world = cluster('abcd')
  registered(world, 'd', 'x')
  agree(world)
  world.crash('d')
  world.run(10_000)
  world.partition(['a', 'b'], ['c'])
  fence(world, 'a', 'd')
  world.run(500)
  world.crash('a')
  world.run(500)
  fence(world, 'c', 'a')
  world.run(500)
  return world
}

test('D7: a fence stays in force where its writer is forgotten by one who had not seen it', () => {
  const world = forgottenByHalf()
  expect(owners(world, 'b')).toBe('abc')
  world.heal()
  world.until(() => owners(world, 'b') === 'bc', 15_000, 'the end of what a wrote')
  world.run(15_000) // c offers what it still holds of d, again and again
  expect(owners(world, 'b')).toBe('bc')
})

test('D7: and it stays in force when the one who remembers it starts again', () => {
  const world = forgottenByHalf()
  world.heal()
  world.until(() => owners(world, 'b') === 'bc', 15_000, 'the end of what a wrote')
  world.crash('b')
  world.start('b')
  world.run(15_000)
  expect(owners(world, 'b')).toBe('bc')
})
