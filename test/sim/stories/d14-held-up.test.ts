// Stories of D14: nothing ends for want of words that could not be said, since the disk refused them, or the daemon had just started.
import { expect, test } from 'vitest'
import type { World } from '../world.js'
import { agree, cluster, done, refused, rows, showing, shownStatus, urlOf } from './cluster.js'

const living = { session: 's', lifetime: 'session' } as const
let line = 0

function open(world: World, isNew = true): string {
  return done(world, world.command('a', { type: 'open-session', secret: 's', line: (line += 1), isNew })) as string
}

function register(world: World, id: string, said: object): void {
  done(world, world.register('a', { id, slug: id, url: urlOf(id), ...said }))
}

/** From now on a write is known to be refused. */
function fail(world: World): void {
  world.machine('a').disk.failure = 'ENOSPC: no space left'
  expect(refused(world, world.register('a', { id: 'refused', url: urlOf('refused') }))).toBe('unavailable')
}

/** The program speaks every 3 s, and registers again what it renews by that. */
function pass(world: World, session: string, duration_ms: number): void {
  for (let passed = 0; passed < duration_ms; passed += 3000) {
    world.command('a', { type: 'hear-session', id: session, secret: 's' })
    world.register('a', { id: 't', slug: 't', url: urlOf('t'), ttl: '10s' })
    world.run(3000)
  }
}

test('D14: a disk that refuses ends nothing that lives: words of sessions count, and what could not be written has its time anew', () => {
  const world = cluster('ab')
  const session = open(world)
  register(world, 's', living)
  register(world, 't', { ttl: '10s' })
  agree(world)
  fail(world)
  pass(world, session, 60_000)
  expect([showing(world, 's'), showing(world, 't')]).toEqual(['ab', 'ab'])
  expect(shownStatus(world, 'a', 't')).toBe('Healthy')
  world.machine('a').disk.failure = undefined
  pass(world, session, 30_000)
  expect([rows(world, 'b', 's'), rows(world, 'b', 't')]).toEqual([['a#1'], ['a#1']])
})

test('D14: opened again while the disk refuses a session has changed nothing; who does not come back is gone after it, a grace later', () => {
  const world = cluster('ab')
  const session = open(world)
  register(world, 's', living)
  agree(world)
  fail(world)
  done(world, world.command('a', { type: 'lose-session', id: session, line }))
  world.run(3000)
  open(world, false)
  pass(world, session, 12_000)
  done(world, world.command('a', { type: 'lose-session', id: session, line }))
  world.service(urlOf('s'), 'Unreachable')
  world.run(30_000)
  expect(shownStatus(world, 'a', 's')).toBe('Unreachable') // not called meanwhile
  world.machine('a').disk.failure = undefined
  world.run(4000)
  expect(showing(world, 's')).toBe('ab')
  world.run(4000)
  expect(showing(world, 's')).toBe('')
})

test('D14: restored from disk at a disk that refuses, programs have their 30 s from when it takes writes', () => {
  const world = cluster('ab')
  open(world)
  register(world, 's', living)
  world.run(1500)
  world.crash('a')
  world.start('a')
  agree(world)
  world.run(5000)
  fail(world)
  world.run(60_000)
  world.machine('a').disk.failure = undefined
  world.run(25_000)
  expect(showing(world, 's')).toBe('ab')
  world.run(10_000)
  expect(showing(world, 's')).toBe('')
})

test('D14: a daemon that waits for its peers gives each ttl its whole time from when it is ready', () => {
  const world = cluster('ab')
  register(world, 't', { ttl: '2s', grace: '1s' })
  world.crash('a')
  world.partition(['a'], ['b'])
  world.start('a')
  world.until(() => world.machine('a').live.readiness().ready, 10_000, 'readiness')
  world.run(1800)
  expect(shownStatus(world, 'a', 't')).not.toBe('Unreachable')
  expect(rows(world, 'a', 't')).toEqual(['a#1'])
})

test('D14: a clean end is told, so that whoever holds the line of the session lets it go', () => {
  const world = cluster('a')
  const session = open(world)
  register(world, 's', living)
  done(world, world.command('a', { type: 'end-session', id: session, secret: 's' }))
  const told = world.machine('a').events.map(({ event }) => event)
  expect(told).toContainEqual({ type: 'session', id: session, change: 'ended', instances: 1 })
})

test('D14: what an embedded program does not say again of its instance stays', () => {
  const world = cluster('ab')
  const own = (registration: object): unknown =>
    done(
      world,
      world.command('a', {
        type: 'register',
        registration: { id: 'x', slug: 'x', url: urlOf('x'), ...registration },
        embedded: true,
      }),
    )
  const lifetime = (): unknown =>
    world
      .machine('b')
      .live.read.rows(world.moment('b'))
      .find(({ id }) => id === 'x')?.lifetime
  for (const [said, then] of [
    [{ lifetime: 'persistent' }, 'persistent'],
    [{ tags: ['new'] }, 'persistent'],
    [{ lifetime: 'session' }, 'session'],
    [{ tags: ['newer'] }, 'session'],
    [{ ttl: '10s', lifetime: 'ttl' }, 'ttl'],
    [{ tags: ['newest'] }, 'ttl'],
  ] as const) {
    own(said)
    agree(world)
    expect([said, lifetime()]).toEqual([said, then])
  }
})

test('D14: maintenance of what lives by a session or a ttl outlives its program: only its end by hand, or a registration for good, ends it', () => {
  const world = cluster('ab')
  const hide = (id: string): void =>
    void done(world, world.command('b', { type: 'act', id, act: { type: 'maintenance', reason: 'so' } }))
  const shown = (id: string): string => {
    agree(world)
    return showing(world, id)
  }
  open(world)
  register(world, 's', living)
  register(world, 't', { ttl: '10s' })
  for (const id of 'st') hide(id)
  register(world, 's', living)
  register(world, 't', { ttl: '10s' })
  register(world, 't', {})
  expect([shown('s'), shown('t')]).toEqual(['', ''])
  done(world, world.command('a', { type: 'open-session', secret: 'next', line: (line += 1), isNew: true }))
  register(world, 's', { ...living, session: 'next', tags: ['new'] })
  register(world, 't', { ttl: '10s', tags: ['new'] })
  expect([shown('s'), shown('t')]).toEqual(['', ''])
  // Elsewhere as well, and after its end: programs are started again by whoever.
  done(world, world.command('b', { type: 'open-session', secret: 's', line: (line += 1), isNew: true }))
  done(world, world.register('b', { id: 's', slug: 's', url: urlOf('s'), ...living }))
  expect([shown('s'), rows(world, 'a', 's')]).toEqual(['', ['b#3 in maintenance: so']])
  for (const id of ['s', 't']) done(world, world.deregister('a', id))
  agree(world)
  world.run(2000)
  world.crash('a')
  world.start('a')
  agree(world)
  done(world, world.register('b', { id: 's', slug: 's', url: urlOf('s'), ...living }))
  register(world, 't', { ttl: '10s' })
  expect([shown('s'), shown('t')]).toEqual(['', ''])
  done(world, world.command('b', { type: 'act', id: 't', act: { type: 'maintenance' } }))
  register(world, 's', { lifetime: 'persistent' })
  expect([shown('s'), shown('t')]).toEqual(['ab', 'ab'])
  // Of what is gone it can be ended, too.
  hide('t')
  done(world, world.deregister('a', 't'))
  done(world, world.command('a', { type: 'act', id: 't', act: { type: 'maintenance' } }))
  register(world, 't', { ttl: '10s' })
  expect(shown('t')).toBe('ab')
})
