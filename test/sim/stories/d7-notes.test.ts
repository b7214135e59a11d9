// Stories of D7: what a daemon remembers of fences when the document that said so is gone.
import { expect, test } from 'vitest'
import { encodeSyncRequest } from '../../../src/core/wire/sync.js'
import type { World } from '../world.js'
import { agree, cluster, done, registered, showing } from './cluster.js'

function fence(world: World, by: string, owner: string): void {
  done(world, world.command(by, { type: 'remove-node', owner }))
}

function owners(world: World, name: string): string {
  const { documents } = world.machine(name).live.read.digest()
  return documents.map(({ owner }) => owner).join('')
}

function fencesOf(world: World, name: string): string[] {
  const entries = world.machine(name).disk.entriesOf(name)
  return entries.filter(({ map }) => map === 'fences').map(({ key }) => key)
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

test('D7: who missed a fence hears of it from one who knows it from a note alone', () => {
  const world = forgottenByHalf()
  expect(owners(world, 'c')).toBe('bcd')
  world.heal()
  agree(world)
  expect([owners(world, 'b'), owners(world, 'c')]).toEqual(['bc', 'bc'])
  expect(showing(world, 'x')).toBe('')
})

test('D7: and once he has heard it, it needs the note no more', () => {
  const world = forgottenByHalf()
  world.heal()
  agree(world)
  world.crash('b') // with its notes
  world.start('e') // knows neither the forgotten ones nor their fences
  agree(world)
  expect([owners(world, 'c'), owners(world, 'e')]).toEqual(['bce', 'bce'])
})

test('D7: and so does one who never knew of either and has taken from him what was fenced', () => {
  const world = forgottenByHalf()
  world.partition(['b'], ['c', 'e'])
  world.start('e')
  world.until(() => owners(world, 'e') === 'bcde', 30_000, 'the wrong thing, as nobody there knows better')
  world.heal()
  agree(world)
  for (const name of 'bce') expect(owners(world, name)).toBe('bce')
})

test('D7: a fence known from a note alone is written once, and only where somebody had missed it', () => {
  const world = forgottenByHalf()
  world.run(30_000)
  expect(fencesOf(world, 'b')).toEqual([])
  world.heal()
  agree(world)
  const version = (): number | undefined =>
    world
      .machine('c')
      .live.read.digest()
      .documents.find(({ owner }) => owner === 'b')?.version
  const agreed = version()
  world.run(60_000)
  expect([fencesOf(world, 'b'), fencesOf(world, 'c')]).toEqual([['d'], ['a']])
  expect(version()).toBe(agreed)
})

test('D7: to be asked by one who holds what is fenced is enough, unless he is stale and drops it anyway', () => {
  const world = forgottenByHalf()
  const held = world
    .machine('c')
    .live.read.digest()
    .documents.find(({ owner }) => owner === 'd')
  const { generation, version } = held as NonNullable<typeof held>
  world.heal()
  world.until(() => owners(world, 'b') === 'bc', 15_000, 'the end of what a wrote')
  world.partition(['b'], ['c'])
  const holdings = [{ owner: 'd', generation, version, boot: '', epoch: 0, clock: 0 }]
  const ask = (stale: boolean): void => {
    const bytes = encodeSyncRequest({ type: 'sync', scope: 'all', stale, holdings })
    world.feed('b', { type: 'request', from: 'c', id: 1, bytes })
    world.run(100)
  }
  ask(true)
  expect(fencesOf(world, 'b')).toEqual([])
  ask(false)
  expect(fencesOf(world, 'b')).toEqual(['d'])
})
