// Stories of D4: what was written while a node did not know of its own newer records counts as written after them.
import { expect, test } from 'vitest'
import { agree, cluster, done, registered, restoredAlone, rows } from './cluster.js'

test('D4: a definition saved on a restored backup replaces those that it had saved after the backup', () => {
  const world = cluster('abc')
  done(world, world.define('a', 'd', 'first'))
  agree(world)
  const backup = world.machine('a').disk.copy()
  for (const body of ['second', 'third', 'fourth']) done(world, world.define('a', 'd', body))
  agree(world)
  world.crash('a')
  world.machine('a').disk = backup
  world.partition(['a'], ['b', 'c'])
  world.start('a')
  world.run(5000)
  done(world, world.define('a', 'd', 'after the backup'))
  world.heal()
  agree(world)
  for (const name of 'abc') {
    const [definition] = world.machine(name).live.read.definitions()
    expect(definition).toEqual({ id: 'd', body: 'after the backup' })
  }
})

test('D4: a definition saved on a restored backup replaces also what had lost to those after the backup', () => {
  const world = cluster('abc')
  done(world, world.define('a', 'd', 'first'))
  agree(world)
  const backup = world.machine('a').disk.copy()
  world.partition(['a', 'b'], ['c'])
  for (const body of ['aside', 'aside again']) done(world, world.define('c', 'd', body))
  for (const body of ['second', 'third', 'fourth']) done(world, world.define('a', 'd', body))
  world.run(1000)
  world.crash('a')
  world.machine('a').disk = backup
  world.partition(['a'], ['b'], ['c'])
  world.start('a')
  world.run(5000)
  done(world, world.define('a', 'd', 'after the backup'))
  world.heal()
  world.partition(['a', 'b'], ['c'])
  world.run(5000)
  world.heal()
  agree(world)
  for (const name of 'abc') {
    const [definition] = world.machine(name).live.read.definitions()
    expect(definition).toEqual({ id: 'd', body: 'after the backup' })
  }
})

test('D4: an instance registered on a restored backup is registered after the one of that id that came after the backup', () => {
  const world = cluster('abc')
  const backup = world.machine('a').disk.copy()
  registered(world, 'a', 'x', 1111)
  agree(world)
  restoredAlone(world, 'a', backup, ['b', 'c'])
  registered(world, 'a', 'x', 2222)
  world.heal()
  agree(world)
  world.run(500)
  for (const name of 'abc') {
    expect(world.lookup(name, 'x')).toEqual(['http://x.test:2222'])
    expect(rows(world, name, 'x')).toEqual(['a#2'])
  }
})

test('D6: rows say why an instance is not shown', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  expect(rows(world, 'b', 'x')).toEqual(['a#1'])
  world.crash('a')
  world.run(10_000)
  expect(rows(world, 'b', 'x')).toEqual(['a#1 node dead'])
})
