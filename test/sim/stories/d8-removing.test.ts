// Stories of D8: registration numbers, moves and removals. What was removed does not come back.
import { expect, test } from 'vitest'
import { agree, cluster, done, refused, registered, rows, showing, urlOf } from './cluster.js'
import type { World } from '../world.js'

function removals(world: World, name: string): number {
  return world
    .machine(name)
    .disk.entriesOf(name)
    .filter(({ map }) => map === 'removals').length
}

test('D8: the owner drops an instance at once, and without a removal where n = 1', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  done(world, world.deregister('a', 'x'))
  world.until(() => showing(world, 'x') === '', 100, 'the removal on all')
  agree(world)
  expect(rows(world, 'b', 'x')).toEqual([])
  expect([...'abc'].map((name) => removals(world, name))).toEqual([0, 0, 0])
  expect(world.lookup('b', 'x')).toBeUndefined()
})

test('D8: registering again after a removal raises the number, also where nothing else changed', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  registered(world, 'a', 'x')
  expect(rows(world, 'a', 'x')).toEqual(['a#1'])
  registered(world, 'a', 'x', 8080)
  expect(rows(world, 'a', 'x')).toEqual(['a#2'])
  done(world, world.deregister('a', 'x'))
  expect(rows(world, 'a', 'x')).toEqual([])
  expect(removals(world, 'a')).toBe(1)
  registered(world, 'a', 'x', 8080)
  agree(world)
  expect(rows(world, 'c', 'x')).toEqual(['a#3'])
  expect(showing(world, 'x')).toBe('abc')
})

test('D8: the number survives health changes, epochs and restarts', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  registered(world, 'a', 'x', 8080)
  agree(world)
  world.service(urlOf('x', 8080), 'Degraded')
  world.run(20_000)
  world.crash('a')
  world.start('a')
  agree(world)
  expect(rows(world, 'b', 'x')).toEqual(['a#2'])
  expect(world.machine('b').live.read.instances(world.moment('b'))[0]?.status).toBe('Degraded')
})

test('D8: registering the same url elsewhere moves the instance instead of doubling it', () => {
  const world = cluster('abc')
  const id = done(world, world.register('a', { slug: 's', url: 'http://s.test:80' }))
  agree(world)
  expect(done(world, world.register('b', { slug: 's', url: 'http://s.test:80' }))).toBe(id)
  agree(world)
  world.run(500)
  for (const name of 'abc') {
    expect(rows(world, name, id ?? '')).toEqual(['b#2'])
    expect(world.lookup(name, 's')).toEqual(['http://s.test:80'])
  }
  expect(world.machine('c').live.read.instances(world.moment('c'))[0]?.nodeUrl).toBe('http://b:58231')
})

test('D8: an id with a new url moves, elsewhere too, and begins as Unknown', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.run(500)
  registered(world, 'b', 'x', 9999)
  expect(world.machine('b').live.read.instances(world.moment('b'))[0]?.status).toMatch(/Unknown|Healthy/)
  agree(world)
  for (const name of 'abc') expect(world.lookup(name, 'x')).toEqual([urlOf('x', 9999)])
})

test('D8: of two registrations of one id in a partition the greater owner’s stays, and the other’s is dropped', () => {
  const world = cluster('abc')
  world.partition(['a'], ['b', 'c'])
  registered(world, 'a', 'x', 1)
  registered(world, 'b', 'x', 2)
  world.heal()
  agree(world)
  world.run(500)
  for (const name of 'abc') {
    expect(rows(world, name, 'x')).toEqual(['b#1'])
    expect(world.lookup(name, 'x')).toEqual([urlOf('x', 2)])
  }
})

test('D8: an owner that died does not win back an instance that moved meanwhile', () => {
  const world = cluster('abc')
  registered(world, 'c', 'x', 1)
  agree(world)
  world.vanish('c')
  world.run(10_000)
  registered(world, 'a', 'x', 2)
  agree(world)
  world.start('c')
  agree(world)
  world.run(1000)
  for (const name of 'abc') expect(world.lookup(name, 'x')).toEqual([urlOf('x', 2)])
  expect(rows(world, 'c', 'x')).toEqual(['a#2'])
})

test('D8: a delete is forwarded to the owner, and done everywhere the caller looks before it is answered', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  const answer = world.deregister('b', 'x')
  done(world, answer)
  expect(world.lookup('b', 'x')).toBeUndefined()
  expect(rows(world, 'b', 'x')).toEqual([])
  expect(removals(world, 'b')).toBe(0)
  expect(removals(world, 'a')).toBe(1) // the asker may have given up waiting, and removed it too
  world.until(() => showing(world, 'x') === '', 100, 'the removal on all')
})

test('D8: a forwarded delete of an instance with a history leaves its removal at the owner', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  registered(world, 'a', 'x', 2)
  agree(world)
  done(world, world.deregister('b', 'x'))
  agree(world)
  expect([removals(world, 'a'), removals(world, 'b')]).toEqual([1, 0])
})

test('D8: an unreachable owner holds a delete up for 500 ms at most, and a removal takes its place', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.partition(['a'], ['b', 'c'])
  const begun = world.now
  done(world, world.deregister('b', 'x'), 520)
  expect(world.now - begun).toBeLessThanOrEqual(520)
  expect(removals(world, 'b')).toBe(1)
  world.until(() => world.lookup('c', 'x') === undefined, 100, 'the removal at c')
})

test('D8: a removal while the owner is away hides the instance when the owner comes back', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('a')
  world.run(10_000)
  done(world, world.deregister('b', 'x'), 520)
  world.run(1000)
  world.start('a')
  agree(world)
  world.run(1000)
  expect(showing(world, 'x')).toBe('')
  expect(rows(world, 'a', 'x')).toEqual([])
  expect(world.trace.filter((line) => / [bc] .*"id":"x","change":"shown"/.test(line)).length).toBe(2)
})

test('D8: a removal holds when an old backup of the owner comes back', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  const backup = world.machine('a').disk.copy()
  world.crash('a')
  world.run(10_000)
  done(world, world.deregister('b', 'x'), 520)
  world.run(1000)
  world.machine('a').disk = backup
  world.partition(['a'], ['b', 'c'])
  world.start('a')
  world.run(5000)
  expect(showing(world, 'x')).toBe('a')
  world.heal()
  agree(world)
  world.run(500)
  expect(showing(world, 'x')).toBe('')
})

test('D8: a deletion by the owner holds when an old backup of the owner comes back in isolation', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  const backup = world.machine('a').disk.copy()
  done(world, world.deregister('a', 'x'))
  agree(world)
  world.crash('a')
  world.machine('a').disk = backup
  world.partition(['a'], ['b', 'c'])
  world.start('a')
  world.run(5000)
  registered(world, 'a', 'y')
  world.heal()
  agree(world)
  world.run(500)
  expect(showing(world, 'x')).toBe('')
  expect(showing(world, 'y')).toBe('abc')
})

test('D8: a deregistration holds when a peer with an old copy comes back', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('d')
  done(world, world.deregister('a', 'x'))
  agree(world)
  world.crash('a')
  world.run(5000)
  world.start('d')
  agree(world)
  world.run(2000)
  expect(showing(world, 'x')).toBe('')
})

test('D8: registering again beats a removal written in another partition at the same time, or loses to it: everywhere alike', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  world.partition(['a', 'b'], ['c', 'd'])
  world.run(5000)
  done(world, world.deregister('c', 'x'), 520)
  registered(world, 'b', 'x', 2)
  world.heal()
  agree(world)
  world.run(500)
  expect(showing(world, 'x')).toBe('abcd') // #2 is beyond the removal of #1
  expect(rows(world, 'd', 'x')).toEqual(['b#2'])
})

test('D8: what is removed twice, or not there, is not found', () => {
  const world = cluster('ab')
  expect(refused(world, world.deregister('a', 'nothing'))).toBe('not-found')
  registered(world, 'a', 'x')
  done(world, world.deregister('a', 'x'))
  expect(refused(world, world.deregister('a', 'x'))).toBe('not-found')
})

test('D8: two deletes at once both end, with one removal at most', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  const answers = [world.deregister('a', 'x'), world.deregister('b', 'x'), world.deregister('c', 'x')]
  world.run(1000)
  expect(answers.every(({ result }) => result !== undefined)).toBe(true)
  agree(world)
  expect(showing(world, 'x')).toBe('')
})

test('D8: removals expire after 35 days by their writer’s own clock', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('a')
  world.run(10_000)
  done(world, world.deregister('b', 'x'), 520)
  world.run(1000)
  world.passDays(34)
  expect(removals(world, 'b')).toBe(1)
  world.passDays(2)
  expect(removals(world, 'b')).toBe(0)
})

test('D8: definitions of a partition are decided by stamp, then writer; everywhere alike', () => {
  const world = cluster('abc')
  done(world, world.define('a', 'd', 0))
  agree(world)
  world.partition(['a'], ['b', 'c'])
  done(world, world.define('a', 'd', 'a1'))
  done(world, world.define('a', 'd', 'a2'))
  done(world, world.define('c', 'd', 'c1'))
  done(world, world.define('a', 'e', 'a1'))
  done(world, world.define('c', 'e', 'c1'))
  world.heal()
  agree(world)
  world.run(500)
  for (const name of 'abc') {
    expect(world.machine(name).live.read.definitions()).toEqual([
      { id: 'd', body: 'a2' },
      { id: 'e', body: 'c1' },
    ])
  }
})

test('D8: a deleted definition does not come back with a node that was away, and may be saved again', () => {
  const world = cluster('abc')
  done(world, world.define('c', 'd', 1))
  agree(world)
  world.crash('c')
  done(world, world.undefine('a', 'd'))
  world.run(1000)
  world.start('c')
  agree(world)
  world.run(500)
  for (const name of 'abc') expect(world.definitions(name)).toEqual([])
  expect(refused(world, world.undefine('b', 'd'))).toBe('not-found')
  done(world, world.define('b', 'd', 2))
  agree(world)
  for (const name of 'abc') expect(world.definitions(name)).toEqual(['d'])
})

test('D8: a definition counts whether or not its writer is alive', () => {
  const world = cluster('abc')
  done(world, world.define('c', 'd', 1))
  agree(world)
  world.crash('c')
  world.run(60_000)
  expect(world.definitions('a')).toEqual(['d'])
  done(world, world.define('a', 'd', 2))
  world.run(500)
  world.start('c')
  agree(world)
  expect(world.machine('c').live.read.definitions()).toEqual([{ id: 'd', body: 2 }])
})

test('D8: an equal definition saved again writes nothing', () => {
  const world = cluster('ab')
  done(world, world.define('a', 'd', { x: 1, y: 2 }))
  agree(world)
  const before = world.machine('b').live.read.digest()
  done(world, world.define('b', 'd', { y: 2, x: 1 }))
  world.run(500)
  expect(world.machine('b').live.read.digest()).toEqual(before)
})

test('D8: a clock that jumps ahead ends no removal', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('a')
  world.run(10_000)
  done(world, world.deregister('b', 'x'), 520)
  world.machine('b').wallOffset_ms += 40 * 24 * 3600_000
  world.run(1300_000)
  expect(removals(world, 'b')).toBe(1)
  world.start('a')
  agree(world)
  expect(showing(world, 'x')).toBe('')
})

test('D8: a clock that jumps ahead ends no removal either where the daemon started long after its machine', () => {
  const minute_ms = 60_000
  const world = cluster('a')
  for (const port of [80, 81]) registered(world, 'a', 'x', port)
  done(world, world.deregister('a', 'x'))
  world.passDays(34)
  world.crash('a')
  world.machine('a').wallOffset_ms += 24 * 3600_000 - 33 * minute_ms - world.now
  world.start('a')
  world.run(1000)
  world.machine('a').wallOffset_ms += 40 * 24 * 3600_000
  world.run(33 * minute_ms)
  expect(removals(world, 'a')).toBe(1)
  world.passDays(1)
  world.run(22 * minute_ms)
  expect(removals(world, 'a')).toBe(0)
})

test('D8: an instance registered again while its removal was under way stays', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.pause('a', 2000)
  done(world, world.deregister('c', 'x'), 600)
  world.run(1500) // a wakes, and carries out what it was asked
  registered(world, 'a', 'x')
  agree(world)
  expect(showing(world, 'x')).toBe('abc')
})

test('D8: a removal of what was seen before a re-registration elsewhere does not hit the new one', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.partition(['a'], ['b', 'c'])
  done(world, world.deregister('a', 'x'))
  registered(world, 'a', 'x')
  done(world, world.deregister('c', 'x'), 6000)
  world.heal()
  agree(world)
  expect(showing(world, 'x')).toBe('abc')
})
