// Stories of D6: the goodbye is the last that others hear of a daemon, and so of what was written there.
import { expect, test } from 'vitest'
import { agree, cluster, done, refused, registered, rows, urlOf } from './cluster.js'

test('D6: what is acknowledged before a goodbye is in it, and nothing is acknowledged after it', () => {
  const world = cluster('abc')
  registered(world, 'b', 'x')
  agree(world)
  const before = world.register('a', { id: 'y', url: urlOf('y') })
  const goodbye = world.command('a', { type: 'leave' })
  const after = [
    world.register('a', { id: 'z', url: urlOf('z') }),
    world.define('a', 'd'),
    world.deregister('a', 'x'),
    world.command('a', { type: 'act', id: 'x', act: { type: 'maintenance', reason: 'r' } }),
    world.command('a', { type: 'drain', isDraining: true }),
  ]
  for (const answer of [before, goodbye]) done(world, answer)
  expect(after.map((answer) => refused(world, answer))).toEqual(after.map(() => 'unavailable'))
  expect(world.machine('a').live.readiness().causes).toEqual(['leaving'])
  world.run(100)
  world.crash('a')
  for (const name of 'bc')
    expect([rows(world, name, 'x'), rows(world, name, 'y')]).toEqual([['b#1'], ['a#1 node left']])
})

test('D6: nor is a removal whose home node has not answered by then', () => {
  const world = cluster('abc')
  registered(world, 'b', 'x')
  agree(world)
  world.pause('b', 5000)
  const removal = world.deregister('a', 'x')
  done(world, world.command('a', { type: 'leave' }))
  expect(refused(world, removal)).toBe('unavailable')
})

test('D6: nor what waited for the start of a daemon that is told to leave before it has begun', () => {
  const world = cluster('ab')
  world.crash('a')
  world.start('a')
  const [before, goodbye, after] = [
    world.register('a', { id: 'y', url: urlOf('y') }),
    world.command('a', { type: 'leave' }),
    world.register('a', { id: 'z', url: urlOf('z') }),
  ]
  for (const answer of [before, goodbye]) done(world, answer)
  expect(refused(world, after)).toBe('unavailable')
})

test('D6: whoever leaves can wait until the others hold all of it, also where gossip loses it', () => {
  const world = cluster('abc', { gossip: false })
  done(world, world.register('a', { id: 'y', url: urlOf('y') }))
  done(world, world.command('a', { type: 'leave' }))
  expect(done(world, world.command('a', { type: 'acknowledge', acks: 'all', patience_ms: 500 }))).toBe('3')
  world.crash('a')
  for (const name of 'bc') expect(rows(world, name, 'y')).toEqual(['a#1 node left'])
})
