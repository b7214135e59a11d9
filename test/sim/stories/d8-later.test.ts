// Stories of D8: of several registrations of one id the later one counts, whoever made it and whatever his clock says; no number is
// given twice.
import { expect, test } from 'vitest'
import { agree, cluster, done, registered, rows, showing, urlOf } from './cluster.js'
import type { World } from '../world.js'

const year_ms = 365 * 24 * 3600_000

function shown(world: World, id: string): string[] {
  return [...new Set(world.running().flatMap(({ name }) => world.lookup(name, id) ?? ['nothing']))]
}

/** One registers, unseen by all others, and dies; then another one does; then the first is back. */
function unseenThen(world: World, first: string, second: string): void {
  world.partition(
    [first],
    [...'abc'].filter((name) => name !== first),
  )
  registered(world, first, 'x', 1)
  world.crash(first)
  world.heal()
  world.run(3000)
  registered(world, second, 'x', 2)
  world.start(first)
  agree(world)
  world.run(500)
}

test.each([
  ['c', 'a'],
  ['a', 'c'],
])('registered at %s unseen, which dies, then at %s: the later one counts when the first is back', (first, second) => {
  const world = cluster('abc')
  unseenThen(world, first, second)
  expect(shown(world, 'x')).toEqual([urlOf('x', 2)])
  for (const name of 'abc') expect(rows(world, name, 'x')).toEqual([`${second}#1`])
})

test.each([
  ['ahead', 10 * year_ms],
  ['behind', -10 * year_ms],
  ['ahead by days', 40 * 24 * 3600_000],
])('the same where the clock of either is %s', (_, offset_ms) => {
  for (const wrong of 'ac')
    for (const [first, second] of ['ac', 'ca']) {
      const world = cluster('abc')
      world.crash(wrong)
      world.machine(wrong).wallOffset_ms += offset_ms
      world.start(wrong)
      agree(world)
      world.run(60_000)
      unseenThen(world, first as string, second as string)
      expect([wrong, first, shown(world, 'x')]).toEqual([wrong, first, [urlOf('x', 2)]])
    }
})

test('a clock that was years ahead wins nothing once it is right again, and everybody else is free of it', () => {
  const world = cluster('abc')
  world.machine('c').wallOffset_ms += 10 * year_ms
  registered(world, 'c', 'y', 1)
  agree(world)
  world.machine('c').wallOffset_ms -= 10 * year_ms
  unseenThen(world, 'c', 'a')
  expect(shown(world, 'x')).toEqual([urlOf('x', 2)])
})

test('both sides of a cut register: the last one on either side counts on both', () => {
  for (const last of 'ac') {
    const world = cluster('abc')
    world.partition(['a'], ['b', 'c'])
    const order = last === 'a' ? 'ca' : 'ac'
    for (const [i, name] of [...order].entries()) {
      registered(world, name, 'x', i + 1)
      world.run(2000)
    }
    world.heal()
    agree(world)
    world.run(500)
    expect([last, shown(world, 'x')]).toEqual([last, [urlOf('x', 2)]])
    expect(rows(world, 'b', 'x')).toEqual([`${last}#1`])
  }
})

test('what had seen the other one exceeds it, whatever the clocks say', () => {
  const world = cluster('abc')
  world.partition(['a'], ['b', 'c'])
  registered(world, 'b', 'x', 1)
  agreeOn(world, 'bc')
  registered(world, 'c', 'x', 2) // has seen b's
  world.run(5000)
  registered(world, 'a', 'x', 3) // later, and has seen none
  world.heal()
  agree(world)
  world.run(500)
  expect(shown(world, 'x')).toEqual([urlOf('x', 2)])
})

test('the stamp says when it was registered: health, maintenance, patches, renewals, an equal registration, a start leave it', () => {
  const world = cluster('ab')
  done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x'), ttl: '1h' } as never))
  const stamp = (): unknown => stampOf(world, 'a', 'x')
  const first = stamp()
  expect(first).toBeGreaterThan(1_700_000_000_000)
  world.service(urlOf('x'), 'Degraded')
  world.run(20_000)
  for (const act of [{ type: 'maintenance', reason: 'so' }, { type: 'patch', weight: 7 }, { type: 'renew' }] as const)
    done(world, world.command('b', { type: 'act', id: 'x', act }))
  done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x'), ttl: '1h' } as never))
  world.crash('a')
  world.start('a')
  agree(world)
  expect(stamp()).toBe(first)
  registered(world, 'a', 'x', 81)
  expect(stamp()).toBeGreaterThan(first as number)
})

test('a number is not given twice, also after a start between the removal and the registration', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x', 1)
  agree(world)
  world.partition(['c'], ['a', 'b'])
  done(world, world.deregister('a', 'x'))
  world.vanish('a')
  world.start('a')
  agreeOn(world, 'ab')
  registered(world, 'a', 'x', 2)
  world.run(5000)
  done(world, world.deregister('c', 'x'), 6000) // of what it has seen
  world.heal()
  agree(world)
  world.run(500)
  expect(showing(world, 'x')).toBe('abc')
})

test('nor after a node was forgotten, by whoever has never seen what that one had', () => {
  const world = cluster('abc')
  registered(world, 'c', 'x', 1)
  agree(world)
  world.partition(['b'], ['a', 'c', 'd'])
  world.crash('c')
  world.run(3000)
  done(world, world.command('a', { type: 'remove-node', owner: 'c' }))
  world.run(1000)
  world.start('d')
  agreeOn(world, 'ad')
  registered(world, 'd', 'x', 2)
  done(world, world.deregister('b', 'x'), 6000) // of what it has seen
  world.heal()
  world.start('c')
  agree(world)
  world.run(1000)
  expect(shown(world, 'x')).toEqual([urlOf('x', 2)])
})

test('a node whose registrations have ended often counts as the others do', () => {
  const world = cluster('abc')
  for (let i = 0; i < 70; i++) {
    registered(world, 'c', `old${i}`)
    done(world, world.deregister('c', `old${i}`))
  }
  agree(world)
  for (const name of 'cc') {
    world.crash(name)
    world.start(name)
    agree(world)
  }
  unseenThen(world, 'c', 'a')
  expect(shown(world, 'x')).toEqual([urlOf('x', 2)])
})

function agreeOn(world: World, names: string): void {
  const digests = (): number => new Set([...names].map((name) => world.machine(name).live.read.digest().digest)).size
  world.until(() => [...names].every((name) => world.machine(name).live.readiness().ready) && digests() === 1, 20_000)
  world.run(200)
}

function stampOf(world: World, name: string, id: string): unknown {
  const entry = world
    .machine(name)
    .disk.entriesOf(name)
    .find(({ map, key }) => map === 'instances' && key === id)
  return entry && (JSON.parse(entry.value) as { stamp?: number }).stamp
}
