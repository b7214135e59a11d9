// Stories of D14: how long a registration lives, and what ends it: sessions, ttls, illness, home nodes that stay away.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/core/effects.js'
import type { World } from '../world.js'
import { agree, cluster, done, refused, rows, showing, shownStatus, urlOf } from './cluster.js'

type Opening = Extract<Command, { type: 'open-session' }>

let lines = 0

/** Opens a session, by default with the secret `s`. @returns its public id, and the line that it stands on */
function opened(world: World, name: string, options: Partial<Opening> = {}): { id: string; line: number } {
  const line = (lines += 1)
  const command = { type: 'open-session', secret: 's', line, isNew: true, ...options } as const
  return { id: done(world, world.command(name, command)) as string, line }
}

/** Registers `id` as slug `id`, living with the session of that secret. */
function living(world: World, name: string, id: string, said: object = {}): void {
  done(world, world.register(name, { id, slug: id, url: urlOf(id), session: 's', lifetime: 'session', ...said }))
}

function lose(world: World, name: string, { id, line }: { id: string; line: number }): void {
  done(world, world.command(name, { type: 'lose-session', id, line }))
}

function gone(world: World, id: string, limit_ms: number): number {
  return world.until(
    () => world.running().every(({ name }) => rows(world, name, id).length === 0),
    limit_ms,
    `${id} gone`,
  )
}

/** The program speaks every 3 s. */
function speaking(world: World, name: string, id: string, duration_ms: number): void {
  for (let passed = 0; passed < duration_ms; passed += 3000) {
    done(world, world.command(name, { type: 'hear-session', id, secret: 's' }))
    world.run(3000)
  }
}

/** How many entries its own document has. */
function entries(world: World, name: string): number {
  return world.machine(name).live.toJSON().entries
}

test('D14: a service that is killed is out of every pick at once, and its record is gone after the grace', () => {
  const world = cluster('abc')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  expect(shownStatus(world, 'c', 'x')).toBe('Healthy')
  world.service(urlOf('x'), 'Unreachable')
  lose(world, 'a', session)
  const took_ms = world.until(() => shownStatus(world, 'c', 'x') === 'Unreachable', 500, 'the news')
  expect(took_ms).toBeLessThan(150)
  expect(world.machine('c').live.read.pick('x')).toBeUndefined()
  gone(world, 'x', 5500)
  for (const name of 'abc') expect(world.lookup(name, 'x')).toBeUndefined()
})

test('D14: the end of a session writes no removal, and its number is not used again', () => {
  const world = cluster('ab')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  const before = entries(world, 'a')
  lose(world, 'a', session)
  gone(world, 'x', 6000)
  expect(entries(world, 'a')).toBe(before - 1)
  opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  expect(rows(world, 'b', 'x')).toEqual(['a#2'])
})

test('D14: a number is not used twice, also not after a restart', () => {
  const world = cluster('ab')
  for (let i = 0; i < 3; i += 1) {
    opened(world, 'a', { secret: `s${i}` })
    living(world, 'a', 'x', { session: `s${i}` })
    const id = world
      .machine('a')
      .live.read.rows(world.moment('a'))
      .find((row) => row.id === 'x')?.session as string
    done(world, world.command('a', { type: 'end-session', id, secret: `s${i}` }))
  }
  world.run(500)
  world.crash('a')
  world.start('a')
  agree(world)
  opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  expect(Number(/#(\d+)/.exec(rows(world, 'b', 'x')[0] ?? '')?.[1])).toBeGreaterThan(3)
})

test('D14: a session that is opened again in time has changed nothing', () => {
  const world = cluster('abc')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  lose(world, 'a', session)
  world.run(3000)
  const state = (): unknown => world.machine('a').live.read.sessions(world.moment('a'))[0]?.state
  expect(state()).toBe('lost')
  opened(world, 'a', { isNew: false })
  expect(state()).toBe('open')
  speaking(world, 'a', session.id, 20_000)
  expect(showing(world, 'x')).toBe('abc')
  expect(rows(world, 'c', 'x')).toEqual(['a#1'])
  expect(shownStatus(world, 'c', 'x')).toBe('Healthy')
})

test('D14: whoever draws the port of a service that was killed is not taken for it', () => {
  const world = cluster('abc')
  const session = opened(world, 'a')
  living(world, 'a', 'x', { check: { tcp: {}, failureThreshold: 3 } })
  agree(world)
  world.service(urlOf('x'), 'Unreachable')
  lose(world, 'a', session)
  world.until(() => shownStatus(world, 'c', 'x') === 'Unreachable', 500, 'the news')
  world.service(urlOf('x'), 'Healthy')
  for (let passed = 0; passed < 4500; passed += 100) {
    world.run(100)
    expect(shownStatus(world, 'c', 'x')).toBe('Unreachable')
  }
  gone(world, 'x', 1500)
})

test('D14: what did not answer while its session was lost is well again once that is opened again', () => {
  const world = cluster('ab')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  world.service(urlOf('x'), 'Unreachable')
  lose(world, 'a', session)
  world.run(1000)
  expect(world.machine('b').live.read.rows(world.moment('b'))[0]?.details).toMatch(/its session is lost$/)
  world.service(urlOf('x'), 'Healthy')
  opened(world, 'a', { isNew: false })
  world.until(() => shownStatus(world, 'b', 'x') === 'Healthy', 1500, 'the good news')
})

test('D14: registered anew it is well whatever became of the session of before', () => {
  const world = cluster('ab')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  world.service(urlOf('x'), 'Unreachable')
  lose(world, 'a', session)
  world.run(1000)
  world.service(urlOf('x'), 'Healthy')
  const { id } = opened(world, 'a', { secret: 't' })
  living(world, 'a', 'x', { session: 't' })
  world.until(() => shownStatus(world, 'b', 'x') === 'Healthy', 1500, 'the good news')
  for (let passed = 0; passed < 9000; passed += 3000) {
    done(world, world.command('a', { type: 'hear-session', id, secret: 't' }))
    world.run(3000)
  }
  expect(shownStatus(world, 'b', 'x')).toBe('Healthy')
})

test('D14: the line of before closes late, and ends nothing', () => {
  const world = cluster('ab')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  opened(world, 'a', { isNew: false })
  lose(world, 'a', session)
  speaking(world, 'a', session.id, 12_000)
  expect(showing(world, 'x')).toBe('ab')
})

test('D14: what nobody can check is not picked once its session has no line for 200 ms, and is again when it has', () => {
  const world = cluster('ab')
  const session = opened(world, 'a', { grace_ms: 10_000 })
  living(world, 'a', 'x', { check: 'none' })
  agree(world)
  lose(world, 'a', session)
  world.run(100)
  expect(shownStatus(world, 'b', 'x')).toBe('Healthy')
  world.until(() => shownStatus(world, 'b', 'x') === 'Unreachable', 400, 'the news')
  opened(world, 'a', { isNew: false })
  world.until(() => shownStatus(world, 'b', 'x') === 'Healthy', 400, 'the good news')
})

test('D14: 10 s without a word end a session as a closed line does', () => {
  const world = cluster('ab')
  const { id } = opened(world, 'a')
  living(world, 'a', 'x')
  speaking(world, 'a', id, 9000)
  expect(showing(world, 'x')).toBe('ab')
  world.service(urlOf('x'), 'Unreachable')
  world.run(8000)
  world.until(() => shownStatus(world, 'b', 'x') === 'Unreachable', 3000, 'the silence')
  gone(world, 'x', 5500)
})

test('D14: time in which the daemon slept counts against no session and no ttl', () => {
  const world = cluster('ab')
  const { id } = opened(world, 'a')
  living(world, 'a', 'x')
  done(world, world.register('a', { id: 'y', slug: 'y', url: urlOf('y'), lifetime: 'ttl', ttl: '20s' }))
  world.pause('a', 60_000)
  world.run(60_500)
  speaking(world, 'a', id, 9000)
  agree(world)
  expect(rows(world, 'a', 'x')).toEqual(['a#1'])
  expect(rows(world, 'a', 'y')).toEqual(['a#1'])
})

test('D14: a clean end removes at once', () => {
  const world = cluster('abc')
  const { id } = opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  done(world, world.command('a', { type: 'end-session', id, secret: 's' }))
  expect(gone(world, 'x', 1000)).toBeLessThan(300)
})

test('D14: after a start of the daemon the programs have 30 s to open their sessions again', () => {
  const world = cluster('ab')
  const { id } = opened(world, 'a')
  living(world, 'a', 'x')
  opened(world, 'a', { secret: 'other' })
  living(world, 'a', 'y', { session: 'other' })
  world.run(1500)
  world.crash('a')
  world.start('a')
  agree(world)
  world.run(20_000)
  expect([showing(world, 'x'), showing(world, 'y')]).toEqual(['ab', 'ab'])
  expect(opened(world, 'a', { isNew: false }).id).toBe(id)
  speaking(world, 'a', id, 15_000)
  expect([showing(world, 'x'), showing(world, 'y')]).toEqual(['ab', ''])
})

test('D14: what lived with a session that the disk has lost ends as well', () => {
  const world = cluster('ab')
  opened(world, 'a')
  living(world, 'a', 'x')
  world.crash('a') // before the note of the session was written
  world.start('a')
  agree(world)
  expect(refused(world, world.command('a', { type: 'open-session', secret: 's', line: 99, isNew: false }))).toBe(
    'not-found',
  )
  world.run(31_000)
  gone(world, 'x', 1000)
})

test('D14: a session is demanded, known, and one’s own', () => {
  const world = cluster('a')
  const { id } = opened(world, 'a', { holder: 'ci' })
  const register = (said: object, holder?: string): string | undefined =>
    refused(
      world,
      world.command('a', {
        type: 'register',
        registration: { id: 'x', url: urlOf('x'), lifetime: 'session', ...said },
        ...(holder !== undefined && { holder }),
      }),
    )
  expect(register({})).toBe('malformed')
  expect(register({ session: 'unknown' })).toBe('not-found')
  expect(register({ session: id }, 'ci')).toBe('not-found')
  expect(register({ session: 's' }, 'other')).toBe('forbidden')
  expect(register({ session: 's' }, 'ci')).toBeUndefined()
  expect(refused(world, world.command('a', { type: 'end-session', id, secret: 'wrong', holder: 'ci' }))).toBe(
    'forbidden',
  )
})

test('D14: a word saves no session whose line is gone, and says so: it has to be opened again', () => {
  const world = cluster('a')
  const session = opened(world, 'a')
  const hear = { type: 'hear-session', id: session.id, secret: 's' } as const
  expect(refused(world, world.command('a', hear))).toBeUndefined()
  lose(world, 'a', session)
  expect(refused(world, world.command('a', hear))).toBe('conflict')
  opened(world, 'a', { isNew: false })
  expect(refused(world, world.command('a', hear))).toBeUndefined()
})

test('D14: what is registered again by somebody else stays lost with its session', () => {
  const world = cluster('a')
  const session = opened(world, 'a')
  living(world, 'a', 'x', { check: 'none' })
  lose(world, 'a', session)
  world.run(500)
  done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x'), tags: ['new'] }))
  world.run(500)
  expect(shownStatus(world, 'a', 'x')).toBe('Unreachable')
})

test('D14: a session has one grace, the longest that was said', () => {
  const world = cluster('a')
  const session = opened(world, 'a', { grace_ms: 2000 })
  living(world, 'a', 'short', { grace: '1s' })
  living(world, 'a', 'x', { grace: '20s' })
  lose(world, 'a', session)
  world.run(18_000)
  expect([showing(world, 'x'), showing(world, 'short')]).toEqual(['a', 'a'])
  gone(world, 'x', 3000)
})

test('D14: registered elsewhere without a session it has none, and stays', () => {
  const world = cluster('ab')
  opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  done(world, world.register('b', { id: 'x', slug: 'x', url: urlOf('x') }))
  agree(world)
  const row = world
    .machine('a')
    .live.read.rows(world.moment('a'))
    .find(({ owner }) => owner === 'b')
  expect(row?.lifetime).toBe('persistent')
})

test('D14: a session that is full takes what lives with it already again', () => {
  const world = cluster('a')
  opened(world, 'a')
  for (let i = 0; i < 1024; i += 1)
    world.command('a', {
      type: 'register',
      registration: { id: `x${i}`, url: urlOf('x'), session: 's', lifetime: 'session', check: 'none' },
    })
  world.run(500)
  const again = { url: urlOf('x'), session: 's', lifetime: 'session', tags: ['new'] } as const
  expect(refused(world, world.register('a', { id: 'x5', ...again }))).toBeUndefined()
  expect(refused(world, world.register('a', { id: 'more', ...again }))).toBe('too-large')
})

test('D14: registered in another session it lives with that one', () => {
  const world = cluster('ab')
  const first = opened(world, 'a')
  living(world, 'a', 'x')
  const second = opened(world, 'a', { secret: 't' })
  living(world, 'a', 'x', { session: 't' })
  lose(world, 'a', first)
  for (let i = 0; i < 4; i += 1) {
    done(world, world.command('a', { type: 'hear-session', id: second.id, secret: 't' }))
    world.run(3000)
  }
  expect(rows(world, 'b', 'x')).toEqual(['a#1'])
})

/** What it says of itself, without an end. */
function tell(world: World, id: string, status: 'Degraded' | 'Healthy'): void {
  done(world, world.command('a', { type: 'act', id, act: { type: 'status', status } }))
}

test('D14: what an instance says of itself outlives a line that closes, and a registration by the same program', () => {
  const world = cluster('ab')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  world.run(500)
  tell(world, 'x', 'Degraded')
  lose(world, 'a', session)
  world.run(2000)
  opened(world, 'a', { isNew: false })
  living(world, 'a', 'x')
  speaking(world, 'a', session.id, 9000)
  expect(shownStatus(world, 'b', 'x')).toBe('Degraded')
})

test.each([
  ['in another session', { session: 't' }],
  ['to stay', { session: undefined, lifetime: 'persistent' }],
  ['by a ttl, in other words', { session: undefined, lifetime: 'ttl', ttl: '1m', weight: 7 }],
])('D14: what an instance says of itself ends with its session: it is registered %s', (_, said) => {
  const world = cluster('ab')
  opened(world, 'a')
  for (const [id, check] of Object.entries({ x: 'tcp', y: 'reported', z: 'none' }))
    living(world, 'a', id, { check, grace: '20s' })
  world.run(500)
  for (const id of 'xz') tell(world, id, 'Degraded')
  tell(world, 'y', 'Healthy')
  agree(world)
  const statuses = (): (string | undefined)[] => [...'xyz'].map((id) => shownStatus(world, 'b', id))
  expect(statuses()).toEqual(['Degraded', 'Healthy', 'Degraded'])
  opened(world, 'a', { secret: 't' })
  for (const id of 'xyz') living(world, 'a', id, said)
  world.run(1000)
  expect(statuses()).toEqual(['Healthy', 'Unknown', 'Healthy'])
})

test('D14: what an instance without a session says of itself stands when it is registered again', () => {
  const world = cluster('ab')
  const register = (): string | undefined => done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x') }))
  register()
  world.run(500)
  tell(world, 'x', 'Degraded')
  register()
  world.run(10_000)
  expect(shownStatus(world, 'b', 'x')).toBe('Degraded')
})

test('D14: removed by somebody else it stays removed, whatever its session does', () => {
  const world = cluster('ab')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  done(world, world.deregister('b', 'x'))
  opened(world, 'a', { isNew: false })
  lose(world, 'a', session)
  world.run(7000)
  for (const name of 'ab') expect(world.lookup(name, 'x')).toBeUndefined()
})

test('D14: registered elsewhere it outlives the session that it had here', () => {
  const world = cluster('ab')
  const session = opened(world, 'a')
  living(world, 'a', 'x')
  agree(world)
  done(world, world.register('b', { id: 'x', slug: 'x', url: urlOf('x'), lifetime: 'persistent' }))
  agree(world)
  lose(world, 'a', session)
  world.run(7000)
  expect(showing(world, 'x')).toBe('ab')
  expect(rows(world, 'a', 'x')).toEqual(['b#2'])
})

test('D14: a ttl that is not renewed makes an instance Unreachable, then takes it away', () => {
  const world = cluster('ab')
  done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x'), lifetime: 'ttl', ttl: '10s' }))
  world.run(9000)
  expect(shownStatus(world, 'b', 'x')).toBe('Healthy')
  world.until(() => shownStatus(world, 'b', 'x') === 'Unreachable', 2000, 'the end of the ttl')
  expect(world.machine('b').live.read.rows(world.moment('b'))[0]?.details).toBe('not renewed within 10s')
  // Its port answers all the while: nobody says that it does not.
  expect(world.machine('a').live.read.rows(world.moment('a'))[0]?.fromHere).toEqual({ how: 'home' })
  gone(world, 'x', 5500)
})

test('D14: registering again renews a ttl, writes nothing, and brings back what was late', () => {
  const world = cluster('ab')
  const register = (): void =>
    void done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x'), lifetime: 'ttl', ttl: '10s' }))
  register()
  world.run(500)
  const { version } = world.machine('a').live.toJSON()
  for (let i = 0; i < 4; i += 1) {
    world.run(8000)
    register()
  }
  expect(world.machine('a').live.toJSON().version).toBe(version)
  world.until(() => shownStatus(world, 'b', 'x') === 'Unreachable', 11_000, 'the end of the ttl')
  register()
  world.until(() => shownStatus(world, 'b', 'x') === 'Healthy', 500, 'its return')
  world.run(8000)
  expect(showing(world, 'x')).toBe('ab')
})

test('D14: after a start of the daemon a ttl begins anew', () => {
  const world = cluster('ab')
  done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x'), lifetime: 'ttl', ttl: '20s' }))
  world.run(15_000)
  world.crash('a')
  world.start('a')
  agree(world)
  world.run(18_000)
  expect(shownStatus(world, 'b', 'x')).toBe('Healthy')
  gone(world, 'x', 10_000)
})

test('D14: ill for as long as it wanted to be kept, an instance goes; well in between it stays', () => {
  const world = cluster('ab')
  done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x'), deregisterAfter: '40s' }))
  world.service(urlOf('x'), 'Error')
  world.run(35_000)
  world.service(urlOf('x'), 'Healthy')
  world.until(() => shownStatus(world, 'b', 'x') === 'Healthy', 16_000, 'its recovery')
  world.service(urlOf('x'), 'Unreachable')
  world.run(38_000)
  expect(showing(world, 'x')).toBe('ab')
  gone(world, 'x', 20_000)
})

test('D14: its home node away for so long, an instance is removed by those who live, and does not come back', () => {
  const world = cluster('abcd')
  done(world, world.register('d', { id: 'x', slug: 'x', url: urlOf('x'), deregisterAfter: '1m' }))
  done(world, world.register('d', { id: 'y', slug: 'y', url: urlOf('y') }))
  agree(world)
  world.crash('d')
  world.run(50_000)
  expect(rows(world, 'a', 'x')).toEqual(['d#1 node dead'])
  world.run(25_000)
  expect(rows(world, 'a', 'x')).toEqual(['d#1 removed'])
  expect(rows(world, 'a', 'y')).toEqual(['d#1 node dead'])
  world.start('d')
  agree(world)
  expect([showing(world, 'x'), showing(world, 'y')]).toEqual(['', 'abcd'])
})

test('D14: a node that is cut off removes nothing of those that it cannot see', () => {
  const world = cluster('abcde')
  for (const name of 'bcde')
    done(world, world.register(name, { id: name, slug: name, url: urlOf(name), deregisterAfter: '30s' }))
  agree(world)
  world.run(61_000)
  world.partition(['a'], [...'bcde'])
  world.run(120_000)
  for (const name of 'bcde') expect(rows(world, 'a', name)[0]).not.toContain('removed')
})

test('D14: what a program with a node of its own registers lives with that start of it', () => {
  const world = cluster('ab')
  const register = (id: string, said: object = {}): string | undefined =>
    done(
      world,
      world.command('a', {
        type: 'register',
        embedded: true,
        registration: { id, slug: id, url: urlOf(id), ...said },
      }),
    )
  for (const id of ['x', 'y']) register(id)
  register('z', { lifetime: 'persistent' })
  agree(world)
  world.crash('a')
  world.service(urlOf('y'), 'Unreachable')
  world.start('a')
  agree(world)
  world.service(urlOf('y'), 'Healthy') // somebody else has drawn its port
  register('x')
  world.run(3000)
  expect([shownStatus(world, 'b', 'x'), shownStatus(world, 'b', 'y')]).toEqual(['Healthy', 'Unreachable'])
  expect([showing(world, 'x'), showing(world, 'y'), showing(world, 'z')]).toEqual(['ab', 'ab', 'ab'])
  gone(world, 'y', 4000)
  world.run(10_000)
  expect([showing(world, 'x'), showing(world, 'z')]).toEqual(['ab', 'ab'])
  expect(rows(world, 'b', 'x')).toEqual(['a#1'])
})
