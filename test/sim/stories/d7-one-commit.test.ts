// Stories of D7: a fence and what is saved from its document are one write; whenever a daemon is killed, nothing is lost between them.
import { expect, test } from 'vitest'
import { agree, cluster, done, registered, rows, showing, urlOf } from './cluster.js'
import type { World } from '../world.js'

function fence(world: World, by: string, owner: string): void {
  done(world, world.command(by, { type: 'remove-node', owner }))
}

function owners(world: World, name: string): string {
  const { documents } = world.machine(name).live.read.digest()
  return documents.map(({ owner }) => owner).join('')
}

/** What was on its way to the disk never arrives. */
function killed(world: World, name: string): void {
  world.machine(name).writing.clear()
  world.crash(name)
}

/** d wrote what only b has seen, and a fences d where it cannot see that. */
function fencedUnseen(fsync_ms: number): World {
  const world = cluster('abd', { fsync_ms })
  registered(world, 'a', 'removed')
  done(world, world.define('b', 'deleted'))
  agree(world)
  world.partition(['a'], ['b', 'd'])
  world.run(4000)
  done(world, world.deregister('d', 'removed'))
  done(world, world.undefine('d', 'deleted'))
  done(world, world.define('d', 'kept'))
  world.run(3000)
  world.crash('d')
  world.run(10_000)
  fence(world, 'a', 'd')
  world.run(2000)
  return world
}

function expectSaved(world: World): void {
  agree(world)
  world.run(1000)
  for (const name of 'ab') {
    expect(owners(world, name)).toBe('ab')
    expect(world.definitions(name)).toEqual(['kept'])
    expect(showing(world, 'removed')).toBe('')
  }
  const { documents } = world.machine('b').disk.load()
  expect(documents.map(({ owner }) => owner).sort()).toEqual(['a', 'b'])
}

test.each([0, 1, 2, 5, 20, 40, 60, 100, 150])(
  'whoever saves what a fencer did not know, and is killed %i ms after it took the fence, saves it after its start',
  (after_ms) => {
    const world = fencedUnseen(50)
    world.heal()
    world.until(() => owners(world, 'b') === 'ab', 15_000, 'the fence at b', 1)
    world.run(after_ms)
    killed(world, 'b')
    world.start('b')
    expectSaved(world)
  },
)

test('and saves it after one start after the other that ends before its disk has written', () => {
  const world = fencedUnseen(50)
  world.heal()
  world.until(() => owners(world, 'b') === 'ab', 15_000, 'the fence at b', 1)
  killed(world, 'b')
  for (const alive_ms of [10, 60, 120, 400, 1000]) {
    world.start('b')
    world.run(alive_ms)
    killed(world, 'b')
  }
  world.start('b')
  expectSaved(world)
})

test('a disk that refuses keeps what is to be saved, and the document that it stands in', () => {
  const world = fencedUnseen(1)
  world.machine('b').disk.failure = 'EIO'
  world.heal()
  world.until(() => owners(world, 'b') === 'ab', 15_000, 'the fence at b', 1)
  world.run(5000)
  killed(world, 'b')
  world.machine('b').disk.failure = undefined
  world.start('b')
  expectSaved(world)
})

test('the fencer itself is killed before its commit is on disk, or after it: both or none', () => {
  for (const after_ms of [0, 10, 30, 60]) {
    const world = cluster('abd', { fsync_ms: 50 })
    done(world, world.define('d', 'kept'), 2000)
    agree(world)
    world.crash('d')
    world.run(10_000)
    world.command('a', { type: 'remove-node', owner: 'd' })
    world.run(after_ms)
    killed(world, 'a')
    world.crash('b')
    world.start('a')
    world.until(() => world.machine('a').live.readiness().ready, 10_000)
    expect(world.definitions('a')).toEqual(['kept'])
    world.start('b')
    agree(world)
    for (const name of 'ab') expect(world.definitions(name)).toEqual(['kept'])
  }
})

test('fenced while off and started alone: what was registered elsewhere meanwhile counts, by whoever had forgotten what numbers there were', () => {
  const world = cluster('abce')
  for (const id of ['moved', 'mine']) for (let i = 0; i < 3; i++) registered(world, 'c', id, 80 + i)
  agree(world)
  world.crash('c')
  world.crash('e')
  world.run(10_000)
  fence(world, 'a', 'c')
  world.run(1000)
  for (const name of 'ab') world.crash(name)
  for (const name of 'abe') world.start(name)
  world.until(() => world.machine('e').live.read.alive === 3, 10_000)
  world.run(5000)
  registered(world, 'b', 'moved', 2222)
  world.run(1000)
  world.partition(['c'], ['a', 'b', 'e'])
  world.start('c')
  world.run(10_000)
  expect(world.lookup('c', 'moved')).toEqual([urlOf('moved', 82)])
  world.heal()
  agree(world)
  world.run(1000)
  for (const name of 'abce') {
    expect(rows(world, name, 'moved')).toEqual([expect.stringMatching(/^b#/)])
    expect(world.lookup(name, 'moved')).toEqual([urlOf('moved', 2222)])
    expect(world.lookup(name, 'mine')).toEqual([urlOf('mine', 82)])
  }
})
