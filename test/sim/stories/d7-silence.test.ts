// Stories of D7: who is silent for three days is forgotten by everybody; and what is odd about a node’s records is told.
import { expect, test } from 'vitest'
import { forgetAfter_ms } from '../../../src/core/retention/forgetting.js'
import type { World } from '../world.js'
import { agree, cluster, clusterOf, done, registered, restoredAlone, rows, showing } from './cluster.js'

const [minute_ms, second_ms] = [60_000, 1000]

/** As if this machine had counted so much silence of another already. */
function counted(world: World, name: string, silence: Record<string, number>): void {
  world.machine(name).disk.write([{ type: 'note', name: 'silence', value: JSON.stringify(silence) }], true)
}

function forgets(world: World, name: string): string[] {
  return world
    .machine(name)
    .eventsOf('warning')
    .filter(({ message }) => message.startsWith('forgot'))
    .map(({ message }) => /node (\S+):/.exec(message)?.[1] ?? '')
}

function holders(world: World, owner: string): string {
  return world
    .running()
    .filter(({ live }) => live.read.digest().documents.some((document) => document.owner === owner))
    .map(({ name }) => name)
    .join('')
}

/** A cluster in which `d` is dead, and each of the others counted three days but for some minutes, then started again. */
function almostForgotten(minutes: number): World {
  const world = cluster('abcd')
  registered(world, 'd', 'x')
  done(world, world.define('d', 'kept'))
  agree(world)
  world.crash('d')
  world.run(10_000)
  for (const name of 'abc') {
    world.crash(name)
    counted(world, name, { d: forgetAfter_ms - minutes * minute_ms })
    world.start(name)
    agree(world)
  }
  return world
}

test('D7: a node dead for three days is forgotten by everybody; one of its observers says so for all', () => {
  const world = almostForgotten(5)
  world.run(4 * minute_ms)
  expect(holders(world, 'd')).toBe('abc')
  world.until(() => holders(world, 'd') === '', 5 * minute_ms, 'the forgetting', second_ms)
  expect([...'abc'].flatMap((name) => forgets(world, name))).toEqual(['node-d'])
  agree(world)
  for (const name of 'abc') {
    expect(rows(world, name, 'x')).toEqual([])
    expect(world.definitions(name)).toEqual(['kept'])
  }
})

test('D7: where the first observer does not forget, the next one does, half an hour later', () => {
  const world = almostForgotten(5)
  const [first = ''] = world.machine('a').live.read.observers('d')
  world.machine(first).disk.failure = 'no space left'
  const others = [...'abc'].filter((name) => name !== first)
  world.until(() => others.some((name) => forgets(world, name).length > 0), 40 * minute_ms, 'it', second_ms)
  expect(world.now).toBeGreaterThan(30 * minute_ms)
})

test('D7: one word of it, and silence is counted from the beginning', () => {
  const world = almostForgotten(5)
  world.start('d')
  agree(world)
  world.run(5 * minute_ms)
  world.crash('d')
  world.run(70 * minute_ms)
  expect(holders(world, 'd')).toBe('abc')
  expect(showing(world, 'x')).toBe('')
})

test('D7: only silence that somebody was there for counts: after a week off, all come back to each other', () => {
  const world = cluster('abc')
  for (const name of 'abc') registered(world, name, `of-${name}`)
  agree(world)
  world.run(20 * minute_ms)
  for (const name of 'abc') world.crash(name)
  world.passDays(7)
  world.start('a')
  world.run(90 * minute_ms) // alone for a while, with the others dead
  expect(forgets(world, 'a')).toEqual([])
  world.startAll('b', 'c')
  agree(world)
  for (const name of 'abc') expect(world.instances(name)).toEqual(['of-a', 'of-b', 'of-c'])
})

test('D7: what was counted outlives a stop and a start', () => {
  const world = cluster('ab')
  agree(world)
  world.crash('b')
  world.run(25 * minute_ms)
  const countedSoFar = (): number =>
    (JSON.parse(world.machine('a').disk.load().notes.silence ?? '{}') as Record<string, number>)['b'] ?? 0
  const before = countedSoFar()
  expect(before).toBeGreaterThan(15 * minute_ms)
  world.leave('a')
  world.start('a')
  world.run(25 * minute_ms)
  expect(countedSoFar()).toBeGreaterThan(before + 15 * minute_ms)
})

test('D7: who said goodbye is forgotten after the same time, and comes back as anybody new', () => {
  const world = cluster('abc')
  registered(world, 'c', 'x')
  agree(world)
  world.leave('c')
  for (const name of 'ab') {
    world.crash(name)
    counted(world, name, { c: forgetAfter_ms - minute_ms })
    world.start(name)
  }
  agree(world)
  world.until(() => holders(world, 'c') === '', 10 * minute_ms, 'the forgetting', second_ms)
  world.start('c')
  agree(world)
  world.run(2000)
  expect(showing(world, 'x')).toBe('abc')
})

test('D7: in a large cluster, too, one observer forgets for all, and nobody living is forgotten', () => {
  const world = clusterOf(14)
  world.crash('m00')
  world.run(10_000)
  for (const { name } of world.running()) {
    world.crash(name)
    counted(world, name, { m00: forgetAfter_ms })
    world.start(name)
  }
  const forgotten = (): string[] => world.running().flatMap(({ name }) => forgets(world, name))
  world.until(() => forgotten().length > 0, 15 * minute_ms, 'the forgetting', second_ms)
  world.run(5 * minute_ms)
  expect(forgotten()).toEqual(['node-m00'])
  agree(world)
  expect(new Set(world.running().map(({ live }) => live.read.digest().documents.length))).toEqual(new Set([13]))
})

function troubles(world: World, by: string, peer: string): string | undefined {
  const members = world.machine(by).live.read.members(world.moment(by))
  return members.find((member) => member.peer === peer)?.trouble
}

test('D7: a node started from a backup is told of for a while', () => {
  const world = cluster('abc')
  registered(world, 'c', 'x')
  agree(world)
  const backup = world.machine('c').disk.copy()
  registered(world, 'c', 'y')
  agree(world)
  world.crash('c')
  world.run(5000)
  world.machine('c').disk = backup
  world.partition(['c'], ['a', 'b'])
  world.start('c')
  world.run(6000)
  world.heal()
  agree(world)
  expect(troubles(world, 'a', 'c') ?? troubles(world, 'b', 'c')).toMatch(/older records|backup/)
  expect(showing(world, 'y')).toBe('abc')
  world.run(11 * minute_ms)
  expect([troubles(world, 'a', 'c'), troubles(world, 'b', 'c')]).toEqual([undefined, undefined])
})

test('D7: the trouble with a node is forgotten with the node', () => {
  const world = cluster('abc')
  const backup = world.machine('c').disk.copy()
  registered(world, 'c', 'x')
  agree(world)
  restoredAlone(world, 'c', backup, ['a', 'b'])
  world.heal()
  agree(world)
  const troubled = [...'ab'].filter((name) => troubles(world, name, 'c') !== undefined)
  expect(troubled).not.toEqual([])
  world.crash('c')
  world.run(5000)
  done(world, world.command('a', { type: 'remove-node', owner: 'c' }))
  world.run(1000)
  world.start('c')
  agree(world)
  expect(troubled.filter((name) => troubles(world, name, 'c') !== undefined)).toEqual([])
})

test('D7: two daemons with one key are told of as what they are', () => {
  const world = cluster('abcde')
  registered(world, 'c', 'x')
  agree(world)
  world.crash('c')
  world.clone('c', 'c2')
  world.partition(['a', 'b', 'c'], ['c2', 'd', 'e'])
  world.startAll('c', 'c2')
  world.run(5000)
  world.heal()
  for (let i = 0; i < 20; i++) {
    for (const name of ['c', 'c2'])
      world.register(name, { id: `i${i}`, slug: `${name}-${i}`, url: `http://i${i}.test` })
    world.run(1000)
  }
  const said = [...'abde'].map((name) => troubles(world, name, 'c') ?? '')
  expect(said.join()).toContain('two daemons')
})
