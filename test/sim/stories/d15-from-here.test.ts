// Stories of D15: whom a node does not reach itself its own callers are given last, while all others see it as it is.
import { expect, test } from 'vitest'
import type { PickQuery } from '../../../src/core/lookup/chooser.js'
import { strategies } from '../../../src/core/lookup/strategies.js'
import type { FromHere } from '../../../src/core/views.js'
import type { World } from '../world.js'
import { agree, cluster, done, urlOf } from './cluster.js'

/** Instances of `web`, one at each of these, called like it. */
function withWeb(world: World, names: string): World {
  for (const id of names) {
    world.service(`http://${id}.test:80`, 'Healthy')
    done(world, world.register(id, { id, slug: 'web', url: `http://${id}.test:80` }))
  }
  agree(world)
  world.run(2000)
  return world
}

/** All that callers at a machine are given, by whatever way they ask. */
function given(world: World, name: string, query: PickQuery = {}): string {
  const { read } = world.machine(name).live
  const [picked, named] = [new Set<string>(), new Set<string>()]
  for (let i = 0; i < 60; i += 1) {
    const asked = query.strategy === 'hash' ? { ...query, key: `k${i}` } : query
    picked.add(read.picked('web', asked)?.id ?? '')
    picked.add(read.pickOnce('web', world.moment(name), asked).picked?.id ?? '')
    named.add(read.lookup('web', world.moment(name), asked).picked?.id ?? '')
  }
  const ids = [...picked].sort().join('')
  expect([...named].sort().join('')).toBe(ids)
  if (Object.keys(query).length === 0) expect(pickable(world, name)).toBe(ids)
  return ids
}

/** Those whose rows say that a pick may give them. */
function pickable(world: World, name: string): string {
  const rows = world.machine(name).live.read.rows(world.moment(name))
  return rows.flatMap((row) => (row.pickable === true ? [row.id] : [])).join('')
}

function fromHere(world: World, name: string, id: string): FromHere | undefined {
  const { read } = world.machine(name).live
  return read.rows(world.moment(name)).find((row) => row.id === id)?.fromHere
}

function suspect(world: World, name: string, id: string, caller = 'me'): void {
  done(world, world.command(name, { type: 'act', id, act: { type: 'suspect', caller } }))
}

test('D15: whom a node reports silent it picks last, while the cluster sees it alive', () => {
  const world = withWeb(cluster('abcde'), 'bcd')
  expect(fromHere(world, 'a', 'b')).toMatchObject({ reached: true, how: 'heartbeats' })
  expect(fromHere(world, 'b', 'b')).toEqual({ reached: true, how: 'home' })
  expect(given(world, 'a')).toBe('bcd')
  world.cut('a', 'b')
  world.until(() => fromHere(world, 'a', 'b')?.how === 'silence', 4000, 'the silence')
  world.run(3000)
  expect(world.lookup('a', 'web')).toHaveLength(3)
  for (const strategy of strategies) expect(given(world, 'a', { strategy }), strategy).toBe('cd')
  expect(given(world, 'a')).toBe('cd')
  expect(given(world, 'a', { exclude: ['c', 'd'] })).toBe('b') // nobody else is left
  expect(given(world, 'c')).toBe('bcd')
  const { age_ms, ...rest } = fromHere(world, 'a', 'b') as FromHere
  expect(rest).toEqual({ reached: false, how: 'silence' })
  expect(Math.abs((age_ms as number) - 3000)).toBeLessThan(300)
  world.heal()
  world.until(() => fromHere(world, 'a', 'b')?.reached === true, 10_000, 'b heard again')
  expect(given(world, 'a')).toBe('bcd')
})

test('D15: of what is not checked nobody says at its home that a check has reached it', () => {
  const world = cluster('ab')
  done(world, world.register('a', { id: 'unchecked', slug: 'web', url: urlOf('web'), check: 'none' }))
  world.until(() => fromHere(world, 'b', 'unchecked') !== undefined, 5000, 'b shows it')
  expect(fromHere(world, 'a', 'unchecked')).toEqual({ how: 'home' })
  expect(fromHere(world, 'b', 'unchecked')).toMatchObject({ reached: true, how: 'heartbeats' })
})

test('D15: whose dials are refused is picked last until it is heard; where that is everybody, nobody is', () => {
  const world = withWeb(cluster('abcde'), 'bcd')
  world.feed('a', { type: 'refused', peer: 'b', isVacant: false })
  expect(given(world, 'a')).toBe('cd')
  expect(fromHere(world, 'a', 'b')).toMatchObject({ reached: false, how: 'refused' })
  for (const peer of 'cd') world.feed('a', { type: 'refused', peer, isVacant: false })
  expect(given(world, 'a')).toBe('bcd')
  world.run(2500)
  expect(given(world, 'a')).toBe('bcd')
  expect(fromHere(world, 'a', 'b')).toMatchObject({ reached: true, how: 'heartbeats' })
})

test('D15: what callers here were not answered by is picked last for a while, whatever its home node finds', () => {
  const world = withWeb(cluster('abc'), 'abc')
  suspect(world, 'a', 'b')
  expect(given(world, 'a')).toBe('ac')
  expect(fromHere(world, 'a', 'b')).toMatchObject({ reached: false, how: 'suspected' })
  expect(given(world, 'b')).toBe('abc')
  world.run(5200)
  expect(given(world, 'a')).toBe('abc')
  suspect(world, 'a', 'b')
  world.run(9000)
  expect(given(world, 'a')).toBe('ac') // ten seconds, the second time
  done(world, world.register('b', { id: 'b', slug: 'web', url: 'http://b.test:81' }))
  world.run(1000)
  suspect(world, 'a', 'a') // its own as well
  expect(given(world, 'a')).toMatch(/b?c/)
  suspect(world, 'a', 'c')
  expect(given(world, 'a')).toContain('c') // more than half: then it is not them
})

test('D15: however often one caller says so, all others are given it again 20 seconds after the last word', () => {
  const world = withWeb(cluster('abc'), 'abc')
  for (let second = 0; second < 120; second += 1) {
    suspect(world, 'a', 'b')
    world.run(1000)
  }
  expect(given(world, 'a')).toBe('ac')
  world.run(20_000)
  expect(given(world, 'a')).toBe('abc')
})

test.each([
  ['once it was removed', true, 80],
  ['at another port', false, 81],
])('D15: what callers said is forgotten as soon as the instance is registered anew, %s', (_, isRemoved, port) => {
  const world = withWeb(cluster('abc'), 'abc')
  suspect(world, 'a', 'b')
  expect(given(world, 'a')).toBe('ac')
  const url = `http://b.test:${port}`
  world.service(url, 'Healthy')
  if (isRemoved) done(world, world.deregister('b', 'b'))
  done(world, world.register('b', { id: 'b', slug: 'web', url }))
  world.until(() => (world.lookup('a', 'web')?.length ?? 0) === 3, 2000, 'b shown again')
  world.run(1000)
  expect(given(world, 'a')).toBe('abc')
})

test('D15: of whom nothing is heard but by others, it is not known', () => {
  const world = withWeb(cluster('abc'), 'b')
  world.run(1000)
  expect(fromHere(world, 'c', 'b')).toMatchObject({ reached: true })
  world.crash('b')
  world.until(() => world.lookup('c', 'web')?.length === 0, 5000, 'b hidden')
  expect(fromHere(world, 'c', 'b')).toMatchObject({ reached: false })
})

test('D15: each row says whether a pick may give it: the best that there are, those without weight after all others, in doubt what was last known', () => {
  const world = withWeb(cluster('abcde'), 'bcd')
  const isSaid = (ids: string): void => expect([given(world, 'a'), pickable(world, 'a')]).toEqual([ids, ids])
  isSaid('bcd')
  done(world, world.command('b', { type: 'act', id: 'b', act: { type: 'patch', weight: 0 } }))
  world.run(1000)
  isSaid('cd')
  done(world, world.command('c', { type: 'act', id: 'c', act: { type: 'maintenance', reason: 'disks' } }))
  world.service('http://gone.test:80', 'Unreachable')
  done(world, world.register('d', { id: 'd', slug: 'web', url: 'http://gone.test:80' }))
  world.run(15_000)
  isSaid('b')
  world.partition(['a'], ['b', 'c', 'd', 'e'])
  world.run(10_000)
  isSaid('b')
  done(world, world.register('a', { id: 'nameless', url: 'http://a.test:80' }))
  isSaid('b')
})
