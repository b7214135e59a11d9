// Stories of D9: an instance that its owner hides, and how an instance wants to be checked.
import { expect, test } from 'vitest'
import type { World } from '../world.js'
import { agree, cluster, done, refused, registered, rows, showing, urlOf } from './cluster.js'

function hide(world: World, name: string, id: string, reason: string): void {
  done(world, world.command(name, { type: 'act', id, act: { type: 'maintenance', reason } }))
}

function show(world: World, name: string, id: string): void {
  done(world, world.command(name, { type: 'act', id, act: { type: 'maintenance' } }))
}

function statusAt(world: World, name: string, id: string): string | undefined {
  return world
    .machine(name)
    .live.read.rows(world.moment(name))
    .find((row) => row.id === id)?.status
}

test('D9: an instance in maintenance is in no lookup, no list and no pick, and the rows say why', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  hide(world, 'a', 'x', 'new disk')
  expect(world.lookup('a', 'x')).toEqual([])
  world.until(() => showing(world, 'x') === '', 100, 'x hidden on all')
  agree(world)
  for (const name of 'abc') {
    expect(world.lookup(name, 'x')).toEqual([])
    expect(world.instances(name)).toEqual([])
    expect(world.machine(name).live.read.pick('x')).toBeUndefined()
    expect(rows(world, name, 'x')).toEqual(['a#1 in maintenance: new disk'])
  }
  show(world, 'a', 'x')
  world.until(() => showing(world, 'x') === 'abc', 100, 'x shown on all')
  expect(rows(world, 'b', 'x')).toEqual(['a#1'])
})

test('D9: how many are shown, and how many are not, is what the rows say', () => {
  const world = cluster('abc')
  for (const id of ['w', 'x', 'y']) registered(world, 'a', id)
  registered(world, 'b', 'z')
  agree(world)
  registered(world, 'c', 'w') // it has moved: its record at a is superseded until a has seen that
  hide(world, 'a', 'x', 'new disk')
  const isCounted = (): void => {
    for (const name of 'abc') {
      const { live } = world.machine(name)
      const all = live.read.rows(world.moment(name))
      const visible = all.filter((row) => row.visible)
      const counts: Record<string, number> = {}
      for (const { status } of visible) counts[status] = (counts[status] ?? 0) + 1
      const notVisible = new Set(all.map(({ id }) => id)).size - visible.length
      expect(live.figures.instances()).toEqual({ visible: counts, notVisible })
    }
  }
  isCounted()
  agree(world)
  isCounted()
  world.crash('b')
  world.until(() => !world.instances('a').includes('z'), 20_000, 'z is gone with b')
  const { visible, notVisible } = world.machine('a').live.figures.instances()
  expect([Object.values(visible).reduce((sum, count) => sum + count, 0), notVisible]).toEqual([2, 2])
})

test('D9: registering again ends maintenance, also where nothing else changed, and also elsewhere', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  hide(world, 'a', 'x', 'for a while')
  registered(world, 'a', 'x')
  agree(world)
  expect(showing(world, 'x')).toBe('abc')
  expect(rows(world, 'b', 'x')).toEqual(['a#1'])
  hide(world, 'a', 'x', 'moving')
  agree(world)
  registered(world, 'c', 'x')
  agree(world)
  expect(showing(world, 'x')).toBe('abc')
  expect(rows(world, 'b', 'x')).toEqual(['c#2'])
})

test('D9: health is followed during maintenance, and changes nothing about it', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  hide(world, 'a', 'x', 'repair')
  world.service(urlOf('x'), 'Unreachable')
  world.run(20_000)
  expect(statusAt(world, 'b', 'x')).toBe('Unreachable')
  expect(rows(world, 'b', 'x')).toEqual(['a#1 in maintenance: repair'])
  world.service(urlOf('x'), 'Healthy')
  world.run(20_000)
  expect(statusAt(world, 'b', 'x')).toBe('Healthy')
  expect(showing(world, 'x')).toBe('')
})

test('D9: maintenance survives a restart and a power cut of its node', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  hide(world, 'a', 'x', 'repair')
  agree(world)
  for (const end of ['crash', 'vanish'] as const) {
    world[end]('a')
    world.run(500)
    world.start('a')
    agree(world)
    world.run(1000)
    expect(showing(world, 'x')).toBe('')
    expect(rows(world, 'c', 'x')).toEqual(['a#1 in maintenance: repair'])
  }
})

test('D9: not even a degraded lookup shows what is in maintenance', () => {
  const world = cluster('abcde')
  for (const name of 'abcde') registered(world, name, `of-${name}`)
  agree(world)
  world.run(61_000)
  hide(world, 'b', 'of-b', 'repair')
  agree(world)
  for (const name of 'bcde') world.vanish(name)
  world.run(15_000)
  expect(world.lookup('a', 'of-b')).toEqual([])
  expect(world.machine('a').live.read.pick('of-b')).toBeUndefined()
  expect(world.lookup('a', 'of-c')).toEqual([urlOf('of-c')])
})

test('D9: the same maintenance said twice writes nothing, another reason does', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  hide(world, 'a', 'x', 'one')
  agree(world)
  const before = world.machine('a').live.read.digest()
  hide(world, 'a', 'x', 'one')
  world.run(500)
  expect(world.machine('a').live.read.digest()).toEqual(before)
  hide(world, 'a', 'x', 'two')
  agree(world)
  expect(rows(world, 'b', 'x')).toEqual(['a#1 in maintenance: two'])
  show(world, 'a', 'x')
  agree(world)
  const shown = world.machine('a').live.read.digest()
  show(world, 'a', 'x')
  world.run(500)
  expect(world.machine('a').live.read.digest()).toEqual(shown)
})

test('D9: an instance in maintenance can be removed, and stays removed', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  hide(world, 'a', 'x', 'last')
  agree(world)
  done(world, world.deregister('b', 'x'))
  agree(world)
  expect(rows(world, 'c', 'x')).toEqual([])
  expect(refused(world, world.command('a', { type: 'act', id: 'x', act: { type: 'maintenance' } }))).toBe('not-found')
})

test('a check is a fact of the record: kept, checked by, changed by registering, and equal ones write nothing', () => {
  const world = cluster('ab')
  const register = (check?: string): void => {
    const facts = { id: 'x', slug: 'x', url: urlOf('x') }
    done(world, world.register('a', check === undefined ? facts : { ...facts, check }))
    world.run(100)
  }
  world.service(urlOf('x'), 'Error', 'http:/healthz')
  register()
  expect(statusAt(world, 'b', 'x')).toBe('Healthy')
  const before = world.machine('a').live.read.digest()
  register('tcp') // what nothing means, said in words
  expect(world.machine('a').live.read.digest()).toEqual(before)
  register('http:/healthz')
  expect(statusAt(world, 'b', 'x')).toBe('Error')
  expect(rows(world, 'b', 'x')).toEqual(['a#2'])
  register() // what is not said again stays
  expect(rows(world, 'b', 'x')).toEqual(['a#2'])
  world.crash('a')
  world.start('a')
  agree(world)
  world.run(20_000)
  expect(statusAt(world, 'b', 'x')).toBe('Error')
  register('tcp')
  expect(statusAt(world, 'b', 'x')).toBe('Healthy')
  expect(rows(world, 'b', 'x')).toEqual(['a#3'])
})
