// Stories of D15: what is about to stop is picked by nobody, while it goes on.
import { expect, test } from 'vitest'
import { drain, endDrain } from '../../../src/core/model/act.js'
import type { World } from '../world.js'
import { agree, cluster, clusterOf, done, registered, rows, showing, urlOf } from './cluster.js'

let line = 0

/** A program at `a` opens a session, and registers with it. */
function start(world: World, id: string, secret: string, said: object = {}): void {
  done(world, world.command('a', { type: 'open-session', secret, line: (line += 1), isNew: true }))
  again(world, id, secret, said)
}

function again(world: World, id: string, secret: string, said: object = {}): void {
  done(world, world.register('a', { id, slug: id, url: urlOf(id), lifetime: 'session', session: secret, ...said }))
}

/** Of these, those that everybody lists. */
function shown(world: World, ids: string): string {
  agree(world)
  const everybody = world.running().map(({ name }) => name)
  return [...ids].filter((id) => showing(world, id) === everybody.join('')).join('')
}

const setDraining = (world: World, name: string, isDraining: boolean): string | undefined =>
  done(world, world.command(name, { type: 'drain', isDraining }))

const act = (world: World, name: string, id: string, what: object): void =>
  void done(world, world.command(name, { type: 'act', id, act: { type: 'maintenance', ...what } }))

test('D15: a program that drains stays out until it says otherwise, also where it has to register anew; whoever starts anew is called', () => {
  const world = cluster('ab')
  start(world, 'x', 'one')
  world.until(() => shown(world, 'x') === 'x', 5000, 'x is called')
  act(world, 'b', 'x', drain) // wherever it is said
  expect([shown(world, 'x'), rows(world, 'b', 'x')]).toEqual(['', ['a#1 in maintenance: draining']])
  again(world, 'x', 'one', { tags: ['t'] })
  expect(shown(world, 'x')).toBe('')
  start(world, 'x', 'two', { draining: true }) // the same program, whose daemon has forgotten it
  expect(shown(world, 'x')).toBe('')
  act(world, 'a', 'x', endDrain)
  expect(shown(world, 'x')).toBe('x')
  start(world, 'x', 'three', { draining: true })
  expect(shown(world, 'x')).toBe('')
  start(world, 'x', 'four')
  expect(shown(world, 'x')).toBe('x')
})

test('D15: of an operator, a program and a node each takes back what it wanted itself', () => {
  const world = cluster('ab')
  for (const id of 'xyz') start(world, id, id)
  registered(world, 'b', 'other')
  world.until(() => shown(world, 'xyz') === 'xyz', 5000, 'all are called')
  act(world, 'a', 'x', { reason: 'new disk' })
  act(world, 'a', 'y', drain)
  expect(setDraining(world, 'a', true)).toBe('3')
  expect(shown(world, 'xyz')).toBe('')
  expect([...'xyz'].map((id) => rows(world, 'b', id)[0])).toEqual([
    'a#1 in maintenance: new disk',
    'a#1 in maintenance: draining',
    'a#1 in maintenance: its node is draining',
  ])
  act(world, 'b', 'z', { reason: 'mine' })
  act(world, 'b', 'z', {})
  act(world, 'b', 'y', {})
  expect(shown(world, 'xyz')).toBe('')
  act(world, 'b', 'y', drain)
  setDraining(world, 'a', false)
  expect(shown(world, 'xyz')).toBe('z')
  act(world, 'b', 'x', {})
  act(world, 'b', 'y', endDrain)
  expect([shown(world, 'xyz'), showing(world, 'other')]).toEqual(['xyz', 'ab'])
})

test('D15: a node that drains goes on: it checks, it takes registrations, and lists none until it has said goodbye and starts again', () => {
  const world = cluster('abc')
  const status = (id: string): string | undefined =>
    world
      .machine('b')
      .live.read.rows(world.moment('b'))
      .find((row) => row.id === id)?.status
  for (const id of 'xy') registered(world, 'a', id)
  expect(shown(world, 'xy')).toBe('xy')
  setDraining(world, 'a', true)
  expect(shown(world, 'xy')).toBe('')
  expect(
    world
      .machine('c')
      .live.read.members(world.moment('c'))
      .filter(({ draining }) => draining),
  ).toHaveLength(1)
  world.service(urlOf('x'), 'Unreachable')
  world.until(() => status('x') === 'Unreachable', 30_000, 'a check finds it')
  world.service(urlOf('x'), 'Healthy')
  registered(world, 'a', 'z')
  expect(shown(world, 'xyz')).toBe('')
  world.crash('a') // nobody meant that to end it
  world.start('a')
  expect(shown(world, 'xyz')).toBe('')
  done(world, world.command('a', { type: 'leave', restart: true }))
  world.run(1000)
  expect([...'xyz'].map((id) => showing(world, id))).toEqual(['', '', ''])
  world.crash('a')
  world.start('a')
  world.until(() => shown(world, 'xyz') === 'xyz', 60_000, 'all are called again')
  world.crash('a')
  world.start('a')
  expect(shown(world, 'xyz')).toBe('xyz')
})

test('D15: beyond nine nodes not everybody can be asked, and all know it long before those 2 s are over', () => {
  const world = clusterOf(18)
  registered(world, 'm00', 'x')
  agree(world)
  const asked = world.command('m00', { type: 'drain', isDraining: true })
  done(world, asked)
  const begun = world.now
  const acked = world.command('m00', { type: 'acknowledge', acks: 'all', patience_ms: 2000 })
  const holders = Number(done(world, acked))
  expect(holders).toBeGreaterThan(8)
  expect(holders).toBeLessThan(18)
  world.until(() => showing(world, 'x') === '', 2000 - (world.now - begun), 'all hide it')
})
