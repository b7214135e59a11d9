// Stories of D4: a daemon that went mute before another one with its key comes back by itself once nobody hears of that one any more.
import { expect, test } from 'vitest'
import { parseRegistration } from '../../../src/core/model/model.js'
import { decodeSyncResponse } from '../../../src/core/wire/sync.js'
import type { World } from '../world.js'
import { agree, cluster, done, refused, registered, rows, urlOf } from './cluster.js'

const low = '1111111111111111'
const high = '2222222222222222'
/** Of few members. */
const firstWait_ms = 16_000
/** Peers are asked every three seconds, and what follows is a join. */
const soon_ms = 8000

function phaseOf(world: World, name: string): string {
  return world.machine(name).live.toJSON().phase
}

/** Registers `id` where that is taken. @returns whether it was acknowledged */
function tried(world: World, name: string, id: string): boolean {
  const answer = world.register(name, { id, slug: id, url: urlOf(id) })
  world.run(250)
  return answer.result?.ok === true
}

/** Writes to both until the one of the lesser boot id, machine a, is mute. @returns what was acknowledged, by either */
function fought(world: World): string[] {
  const acknowledged: string[] = []
  for (let i = 0; phaseOf(world, 'a') !== 'muted'; i++) {
    expect(i).toBeLessThan(100)
    for (const name of ['a', 'a2']) {
      const id = `${name}-${world.now}`
      if (tried(world, name, id)) acknowledged.push(id)
    }
  }
  expect(phaseOf(world, 'a2')).toBe('ready')
  world.run(5000) // what the other one still takes over is with all
  return acknowledged
}

/** Machine a and its copy a2 run beside these others. */
function cloned(others: string, options: Parameters<typeof cluster>[1] = {}): World {
  const world = cluster(`a${others}`, options)
  registered(world, 'a', 'before')
  agree(world)
  world.crash('a')
  world.clone('a', 'a2')
  world.start('a', { boot: low })
  world.start('a2', { boot: high })
  return world
}

/** The other one is gone: a takes writes again. @returns after how long */
function backAfter(world: World): number {
  const took_ms = world.until(() => phaseOf(world, 'a') === 'ready', 700_000, 'a comes back', 100)
  agree(world)
  world.run(1000)
  return took_ms
}

function expectAll(world: World, names: string, ids: readonly string[]): void {
  for (const name of names) expect({ name, ids: world.instances(name).sort() }).toEqual({ name, ids: [...ids].sort() })
}

test.each(['crash', 'vanish', 'leave'] as const)(
  'D4: who went mute comes back once the other one has ended by %s, as a new start; nothing that either acknowledged is lost',
  (end) => {
    const world = cloned('bc')
    const acknowledged = fought(world)
    world.run(20_000)
    expect(phaseOf(world, 'a')).toBe('muted')
    registered(world, 'a2', 'late')
    world.run(1000)
    done(world, world.deregister('a2', 'before'))
    world.run(1000)
    const { generation } = world.machine('a2').live
    world[end]('a2')
    const took_ms = backAfter(world)
    expect(took_ms).toBeGreaterThan(firstWait_ms - 2000)
    expect(took_ms).toBeLessThan(firstWait_ms + soon_ms)
    expect(world.machine('a').live.generation).toBeGreaterThan(generation)
    expectAll(world, 'abc', [...acknowledged, 'late'])
    registered(world, 'a', 'after')
    done(world, world.deregister('b', 'late'))
    agree(world)
    world.crash('a')
    world.start('a')
    agree(world)
    world.run(1000)
    expectAll(world, 'abc', [...acknowledged, 'after'])
    expect(world.machine('a').eventsOf('muted')).toHaveLength(1)
  },
)

test('D4: while the other one lives who went mute stays so, and is not brought the same records again and again', () => {
  const world = cloned('bc')
  fought(world)
  const brought: string[] = []
  world.wires.tap = ({ kind, to, bytes }) => {
    const answer = kind === 'reply' && to === 'a' ? decodeSyncResponse(bytes) : undefined
    if (answer?.type === 'documents') brought.push(...answer.parcels.map(({ signed }) => signed.head.owner))
  }
  for (let i = 0; i < 12; i++) {
    world.run(10_000)
    expect([phaseOf(world, 'a'), phaseOf(world, 'a2')]).toEqual(['muted', 'ready'])
  }
  expect(brought.length).toBeLessThanOrEqual(2)
})

test('D4: where both run on two sides of a cut the same one stops again once it heals, and waits twice as long each time', () => {
  const world = cloned('bcd')
  const acknowledged = ['before', ...fought(world)]
  const waits_ms: number[] = []
  for (let i = 0; i < 3; i++) {
    world.partition(['a', 'b'], ['a2', 'c', 'd'])
    waits_ms.push(world.until(() => phaseOf(world, 'a') === 'ready', 700_000, 'a comes back', 100))
    for (const name of ['a', 'a2']) if (tried(world, name, `${name}-${i}`)) acknowledged.push(`${name}-${i}`)
    world.heal()
    world.until(() => phaseOf(world, 'a') === 'muted', 30_000, 'one of them stops')
    expect(phaseOf(world, 'a2')).toBe('ready')
    world.run(10_000)
  }
  expect(world.machine('a2').eventsOf('muted')).toEqual([])
  for (const [i, wait_ms] of waits_ms.entries()) {
    const least_ms = firstWait_ms * 2 ** i
    expect(wait_ms).toBeGreaterThan(least_ms - 2000)
    expect(wait_ms).toBeLessThan(least_ms + soon_ms)
  }
  expectAll(world, 'bcd', acknowledged)
  world.crash('a2')
  backAfter(world)
  expectAll(world, 'abcd', acknowledged)
})

test('D4: with nobody to ask, and with none who ever heard of it, who went mute stays so', () => {
  const world = cloned('b')
  fought(world)
  world.crash('b')
  world.crash('a2')
  world.run(60_000)
  expect(phaseOf(world, 'a')).toBe('muted')
  world.start('n')
  world.run(60_000)
  expect(phaseOf(world, 'a')).toBe('muted')
  world.crash('n')
  world.start('b')
  backAfter(world)
})

test('D4: what was on its way to the disk of a daemon that went mute is told by it once it is back, and its disk has to take it', () => {
  const world = cloned('bc')
  world.until(() => phaseOf(world, 'a') === 'ready', 5000, 'readiness')
  world.machine('a').disk.failure = 'ENOSPC: no space left'
  const full = world.register('a', { id: 'x', slug: 'x', url: urlOf('x') })
  world.run(100)
  expect(full.result?.error?.message).toMatch(/may still happen/)
  const acknowledged = fought(world)
  world.crash('a2')
  world.run(60_000)
  expect(phaseOf(world, 'a')).toBe('muted')
  world.machine('a').disk.failure = undefined
  backAfter(world)
  expectAll(world, 'abc', ['before', 'x', ...acknowledged])
})

test('D4: what was refused while it was mute does not happen once it is back', () => {
  const world = cloned('bc')
  const acknowledged = fought(world)
  expect(refused(world, world.register('a', { id: 'no', slug: 'no', url: urlOf('no') }))).toBe('unavailable')
  world.crash('a2')
  backAfter(world)
  expectAll(world, 'abc', ['before', ...acknowledged])
})

test('D4: what lives with a program that is here is registered again where the other daemon alone has ended it', () => {
  const world = cloned('bc')
  const embedded = (id: string): void => {
    const registration = parseRegistration({ id, slug: id, url: urlOf(id) }, 'own')
    done(world, world.command('a', { type: 'register', registration, embedded: true }))
  }
  for (const id of ['stays', 'moved', 'removed']) embedded(id)
  const acknowledged = fought(world)
  world.run(10_000)
  for (const name of 'bc') expect(rows(world, name, 'stays').filter((row) => row.startsWith('a#'))).toEqual([])
  for (const id of ['moved', 'removed']) registered(world, 'b', id)
  world.run(1000)
  world.crash('b')
  done(world, world.deregister('c', 'removed'))
  world.start('b')
  world.crash('a2')
  backAfter(world)
  expectAll(world, 'abc', ['before', 'stays', 'moved', ...acknowledged])
  for (const name of 'abc') expect(rows(world, name, 'moved')).toEqual(['b#2'])
})

test('D4: what lived with a session is registered again once its program has spoken, and not before', () => {
  const world = cloned('bc')
  const secrets = ['s'.repeat(32), 't'.repeat(32)]
  const [spoken, silent] = secrets.map((secret, line) =>
    done(world, world.command('a', { type: 'open-session', secret, line, isNew: true })),
  )
  for (const [i, id] of ['spoken', 'silent'].entries())
    done(world, world.register('a', { id, url: urlOf(id), lifetime: 'session', session: secrets[i] as string }))
  const acknowledged = fought(world)
  world.run(40_000)
  expectAll(world, 'bc', ['before', ...acknowledged])
  world.crash('a2')
  backAfter(world)
  expectAll(world, 'abc', ['before', ...acknowledged])
  expect(
    world
      .machine('a')
      .live.read.sessions(world.moment('a'))
      .map(({ id }) => id),
  ).toEqual([spoken, silent])
  done(world, world.command('a', { type: 'hear-session', id: spoken as string, secret: secrets[0] as string }))
  agree(world)
  expectAll(world, 'abc', ['before', 'spoken', ...acknowledged])
})

test('D4: what was renewed at the other one while this one was mute lives for its whole ttl from when it is back', () => {
  const world = cloned('bc')
  done(world, world.register('a', { id: 'ttl', url: urlOf('ttl'), ttl: '30s' }))
  const acknowledged = fought(world)
  for (let i = 0; i < 6; i++) {
    done(world, world.command('a2', { type: 'act', id: 'ttl', act: { type: 'renew' } }))
    world.run(10_000)
  }
  world.crash('a2')
  backAfter(world)
  world.run(20_000)
  expectAll(world, 'abc', ['before', 'ttl', ...acknowledged])
})

test('D4: what the other one wrote last comes late, from a node that was cut off: it is taken over, and is no sign of life', () => {
  const world = cloned('bcd')
  const acknowledged = fought(world)
  world.partition(['d', 'a2'], ['a', 'b', 'c'])
  registered(world, 'a2', 'late')
  world.run(1000)
  expect(world.instances('d')).toContain('late')
  world.crash('a2')
  world.until(() => phaseOf(world, 'a') === 'ready', 60_000, 'a comes back')
  world.heal()
  agree(world)
  world.run(1000)
  expectAll(world, 'abcd', ['before', 'late', ...acknowledged])
  expect(world.machine('a').eventsOf('muted')).toHaveLength(1)
})

test.each([0, 3500, 5000])(
  'D4: what the other one wrote may come %i ms later than the join waits, and is no sign of life',
  (slow_ms) => {
    const world = cloned('bc')
    fought(world)
    registered(world, 'a2', 'late')
    world.run(5000)
    world.crash('a2')
    const { self } = world.machine('a')
    world.wires.tap = ({ kind, to, bytes }) => {
      const answer = kind === 'reply' && to === 'a' ? decodeSyncResponse(bytes) : undefined
      const isOurs = answer?.type === 'documents' && answer.parcels.some(({ signed }) => signed.head.owner === self)
      return isOurs ? slow_ms : undefined
    }
    backAfter(world)
    world.run(60_000)
    expect(world.machine('a').eventsOf('muted')).toHaveLength(1)
    for (const name of 'abc') expect(world.instances(name)).toContain('late')
  },
)

test('D4: nor is it where answers to earlier questions end the join before it has come', () => {
  for (let seed = 100; seed < 108; seed++) {
    const world = cloned('bc', { seed, link: { delay_ms: 60, jitter_ms: 60 } })
    fought(world)
    registered(world, 'a2', 'late')
    world.run(3000 + 137 * (seed - 100))
    world.crash('a2')
    world.run(60_000)
    expect({ seed, muted: world.machine('a').eventsOf('muted').length }).toEqual({ seed, muted: 1 })
  }
})

test('D4: what it alone knew of a node that was removed while it was mute is saved once it is back', () => {
  const world = cloned('bcd')
  fought(world)
  world.partition(['a', 'd'], ['a2', 'b', 'c'])
  world.run(3000)
  done(world, world.define('d', 'kept'))
  world.run(2000)
  world.crash('d')
  world.run(2000)
  done(world, world.command('b', { type: 'remove-node', owner: world.machine('d').self }))
  world.run(1000)
  world.heal()
  world.run(15_000)
  expect(phaseOf(world, 'a')).toBe('muted')
  world.crash('a2')
  backAfter(world)
  for (const name of 'abc') expect(world.definitions(name)).toContain('kept')
})

test('D4: of three with one key two are mute; when the third has ended both come back, and one of them stops again', () => {
  const world = cloned('bc')
  world.clone('a', 'a3')
  world.start('a3', { boot: '3'.repeat(16) })
  const acknowledged = ['before']
  const phases = (): string => ['a', 'a2', 'a3'].map((name) => phaseOf(world, name)).join()
  for (let i = 0; phases() !== 'muted,muted,ready'; i++) {
    expect(i).toBeLessThan(100)
    for (const name of ['a', 'a2', 'a3']) {
      const id = `${name}-${world.now}`
      if (tried(world, name, id)) acknowledged.push(id)
    }
  }
  world.run(5000)
  world.crash('a3')
  world.until(() => phaseOf(world, 'a2') === 'ready', 60_000, 'a2 comes back', 100)
  world.run(60_000)
  expect([phaseOf(world, 'a'), phaseOf(world, 'a2')]).toEqual(['muted', 'ready'])
  expectAll(world, 'bc', acknowledged)
})

test('D4: who went mute and is started by hand while the other one runs is one of two again; one of them stops', () => {
  const world = cloned('bc')
  const acknowledged = fought(world)
  world.crash('a')
  world.start('a', { boot: low.replace('1', '0') })
  acknowledged.push(...fought(world))
  world.crash('a2')
  backAfter(world)
  expectAll(world, 'abc', ['before', ...acknowledged])
})
