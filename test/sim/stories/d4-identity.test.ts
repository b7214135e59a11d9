// Stories of D4: one key, many starts; lost stores, restored backups, clones, and clocks that lie.
import { expect, test } from 'vitest'
import { decodeBeat } from '../../../src/core/wire/beat.js'
import { decodeGossip } from '../../../src/core/wire/gossip.js'
import {
  agree,
  cluster,
  done,
  lostAlone,
  refused,
  registered,
  restoredAlone,
  rows,
  showing,
  shownStatus,
} from './cluster.js'
import { World } from '../world.js'

const unixSeconds = Date.UTC(2026, 0, 1) / 1000

test('D4: the generation is on disk before anything is sent in its name', () => {
  const world = cluster('ab', { fsync_ms: 300 })
  world.crash('a')
  world.run(1000)
  const early: string[] = []
  world.wires.tap = ({ kind, from, bytes }) => {
    if (from !== 'a') return
    const onDisk = world.machine('a').disk.generation
    const gossip = kind === 'gossip' ? decodeGossip(bytes) : undefined
    const beat = kind === 'beat' ? decodeBeat(bytes) : undefined
    const beating = beat?.type === 'heartbeat' ? beat.generation : undefined
    const generation = gossip?.type === 'update' ? gossip.signed.head.generation : beating
    if (generation !== undefined && generation > onDisk) early.push(`${kind} of ${generation}, on disk ${onDisk}`)
  }
  world.start('a')
  agree(world)
  expect(early).toEqual([])
  expect(world.machine('a').disk.generation).toBe(
    world.machine('a').live.read.members(world.moment('a'))[0]?.generation,
  )
})

test('D4: the first packet of a start goes out after its generation is on disk', () => {
  const world = cluster('ab', { fsync_ms: 300 })
  world.crash('a')
  world.run(1000)
  const before = world.machine('a').disk.generation
  let early = 0
  world.wires.tap = ({ from }) => void (from === 'a' && world.machine('a').disk.generation === before && (early += 1))
  world.start('a')
  agree(world)
  expect(early).toBe(0)
})

test('D4: the generation is the greater of stored + 1 and the wall clock at the start', () => {
  const world = new World({ seed: 1 })
  const generation = (): number => world.machine('a').live.read.members(world.moment('a'))[0]?.generation ?? 0
  world.start('a')
  expect(generation()).toBe(unixSeconds)
  world.run(5000)
  world.crash('a')
  world.machine('a').wallOffset_ms = -3600_000
  world.start('a')
  expect(generation()).toBe(unixSeconds + 1)
  world.run(5000)
  world.crash('a')
  world.machine('a').wallOffset_ms = 3600_000
  world.start('a')
  expect(generation()).toBe(unixSeconds + 3610)
})

test('D4: a node that has said nothing yet shows itself in version 0', () => {
  const world = new World({ seed: 1 })
  const version = (): number | undefined => world.machine('a').live.read.members(world.moment('a'))[0]?.version
  world.start('a')
  expect(version()).toBe(0)
  agree(world)
  expect(version()).toBeGreaterThan(0)
})

test('D4: a key made in this very start asks nobody', () => {
  const world = cluster('ab')
  world.start('c')
  world.until(() => world.machine('c').live.readiness().ready, 300, 'readiness')
})

test('D4: writes during the join wait for its end, and reads do not', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('a')
  world.crash('b')
  world.start('a')
  world.run(500)
  const answer = world.register('a', { id: 'y', slug: 'y', url: 'http://y.test:80' })
  world.run(500)
  expect(answer.result).toBeUndefined()
  expect(world.lookup('a', 'x')).toEqual(['http://x.test:80'])
  done(world, answer)
  expect(answer.at).toBeLessThan(world.now + 4000)
  expect(world.lookup('a', 'y')).toEqual(['http://y.test:80'])
})

test('D4: a lost store (the key was kept) gets its records back from its peers', () => {
  const world = cluster('abc')
  for (let i = 0; i < 10; i++) registered(world, 'a', `s${i}`)
  done(world, world.define('a', 'def'))
  done(world, world.deregister('a', 's9'))
  agree(world)
  const generation = world.machine('a').live.generation
  world.crash('a')
  world.machine('a').disk.loseStore()
  world.start('a')
  agree(world)
  world.run(500)
  for (const name of 'abc') {
    expect(world.instances(name)).toHaveLength(9)
    expect(world.definitions(name)).toEqual(['def'])
  }
  expect(world.machine('a').live.generation).toBeGreaterThan(generation)
  expect(world.machine('a').eventsOf('generation')).toMatchObject([{ why: expect.stringContaining('newer version') }])
})

test('D4: who begins in the same second as its former start, of which it knows nothing, goes ahead of it', () => {
  const world = new World({ seed: 1 })
  world.startAll(...'abc')
  agree(world)
  registered(world, 'a', 's')
  agree(world)
  world.crash('a')
  world.machine('a').disk.loseAll()
  world.machine('a').wallOffset_ms = -world.now
  world.start('a')
  expect(world.machine('a').live.generation).toBe(unixSeconds)
  agree(world)
  expect(world.machine('a').live.generation).toBe(unixSeconds + 1)
  expect(showing(world, 's')).toBe('abc')
})

test('D4: a lost store and a lost generation file do not make a node younger than itself', () => {
  const world = cluster('abc')
  registered(world, 'a', 's')
  agree(world)
  world.crash('a')
  world.machine('a').disk.loseAll()
  world.machine('a').wallOffset_ms = -7200_000
  world.start('a')
  agree(world)
  world.run(500)
  expect(showing(world, 's')).toBe('abc')
})

test('D4: a lost store whose peers answer only later gets its records back, and keeps what it wrote meanwhile', () => {
  const world = cluster('abc')
  for (let i = 0; i < 5; i++) registered(world, 'a', `s${i}`)
  done(world, world.define('a', 'old'))
  agree(world)
  lostAlone(world, 'a', ['b', 'c'])
  registered(world, 'a', 'fresh')
  registered(world, 'a', 's0', 8080)
  done(world, world.define('a', 'new'))
  world.heal()
  agree(world)
  world.run(500)
  for (const name of 'abc') {
    expect(world.instances(name).sort()).toEqual(['fresh', 's0', 's1', 's2', 's3', 's4'])
    expect(world.lookup(name, 's0')).toEqual(['http://s0.test:8080'])
    expect(world.definitions(name)).toEqual(['new', 'old'])
  }
})

test('D4: a backup restored in isolation keeps both its new writes and the newer published ones', () => {
  const world = cluster('abc')
  for (const id of ['both', 'gone', 'mine']) registered(world, 'a', id)
  done(world, world.define('a', 'def', { v: 1 }))
  agree(world)
  const backup = world.machine('a').disk.copy()
  registered(world, 'a', 'newer')
  registered(world, 'a', 'both', 2222)
  done(world, world.deregister('a', 'gone'))
  done(world, world.define('a', 'def', { v: 2 }))
  done(world, world.define('a', 'later'))
  agree(world)
  restoredAlone(world, 'a', backup, ['b', 'c'])
  expect(world.instances('a').sort()).toEqual(['both', 'gone', 'mine'])
  registered(world, 'a', 'isolated')
  done(world, world.deregister('a', 'mine'))
  world.heal()
  agree(world)
  world.run(500)
  for (const name of 'abc') {
    expect(world.instances(name).sort()).toEqual(['both', 'isolated', 'newer'])
    expect(world.lookup(name, 'both')).toEqual(['http://both.test:2222'])
    expect(world.definitions(name)).toEqual(['def', 'later'])
    expect(world.machine(name).live.read.definitions()[0]).toEqual({ id: 'def', body: { v: 2 } })
  }
})

test.each(['among the others', 'in isolation'])(
  'D4: what checks find of a backup restored %s is no registration: what callers did since holds',
  (where) => {
    const world = cluster('abc')
    for (const id of ['both', 'gone', 'same']) registered(world, 'a', id)
    agree(world)
    const backup = world.machine('a').disk.copy()
    registered(world, 'a', 'both', 2222)
    done(world, world.deregister('a', 'gone'))
    done(world, world.command('a', { type: 'act', id: 'same', act: { type: 'maintenance', reason: 'for repair' } }))
    registered(world, 'a', 'late')
    agree(world)
    for (const id of ['both', 'gone', 'same', 'late']) world.service(`http://${id}.test:80`, 'Unreachable')
    if (where === 'in isolation') restoredAlone(world, 'a', backup, ['b', 'c'])
    else {
      world.crash('a')
      world.machine('a').disk = backup
      world.start('a')
    }
    world.run(2000)
    world.heal()
    agree(world)
    world.run(1000)
    for (const name of 'abc') {
      expect(rows(world, name, 'gone')).toEqual([])
      expect(world.lookup(name, 'both')).toEqual(['http://both.test:2222'])
      expect(shownStatus(world, name, 'both')).toBe('Healthy')
      expect(shownStatus(world, name, 'late')).toBe('Unreachable')
      expect(rows(world, name, 'same')).toEqual(['a#1 in maintenance: for repair'])
    }
    done(world, world.deregister('b', 'both'))
    agree(world)
    for (const name of 'abc') expect(rows(world, name, 'both')).toEqual([])
  },
)

test('D4: a backup restored in isolation again and again never loses what was acknowledged in between', () => {
  const world = cluster('abc')
  registered(world, 'a', 'first')
  agree(world)
  const backup = world.machine('a').disk.copy()
  for (let round = 0; round < 3; round++) {
    restoredAlone(world, 'a', backup.copy(), ['b', 'c'])
    registered(world, 'a', `round${round}`)
    world.heal()
    agree(world)
  }
  world.run(500)
  expect(world.instances('b').sort()).toEqual(['first', 'round0', 'round1', 'round2'])
})

test('D4: a head of ours with a foreign boot id is continued once; it mutes nobody', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  const backup = world.machine('a').disk.copy()
  registered(world, 'a', 'y')
  agree(world)
  restoredAlone(world, 'a', backup, ['b'])
  world.heal()
  agree(world)
  world.run(10_000)
  expect(world.machine('a').eventsOf('muted')).toEqual([])
  expect(world.machine('a').live.readiness().ready).toBe(true)
  expect(showing(world, 'y')).toBe('ab')
})

/**
 * Machine a2 runs with the key and the disk of a; other peers reach each first. Both are written to.
 * @returns what each acknowledged
 */
function runClones(boots: readonly [string, string], later_ms: number, pause_ms: number): Clones {
  const world = cluster('abcd')
  registered(world, 'a', 'before')
  agree(world)
  world.crash('a')
  world.clone('a', 'a2')
  world.partition(['a', 'c'], ['a2', 'd'])
  world.start('a', { boot: boots[0] })
  world.run(later_ms)
  world.start('a2', { boot: boots[1] })
  world.run(5000)
  world.heal()
  const kept = new Map<string, string[]>([...'a', 'a2'].map((name) => [name, []]))
  const end = world.now + 60_000
  for (let i = 0; world.now < end; i++) {
    for (const [name, ids] of kept) {
      const id = `${name}-${i}`
      const answer = world.register(name, { id, slug: id, url: `http://${id}.test:80` })
      world.run(pause_ms / 2)
      if (answer.result?.ok === true) ids.push(id)
    }
  }
  return { world, kept }
}

interface Clones {
  readonly world: World
  readonly kept: ReadonlyMap<string, readonly string[]>
}

const low = '1111111111111111'
const high = '2222222222222222'
test.each([
  { what: 'that starts later and is written to now and then', boots: [low, high], later_ms: 10_000, pause_ms: 5000 },
  { what: 'that starts later with the lesser boot id', boots: [high, low], later_ms: 10_000, pause_ms: 5000 },
  { what: 'that is written to all the time', boots: [low, high], later_ms: 10_000, pause_ms: 500 },
  { what: 'that starts in the same second', boots: [low, high], later_ms: 0, pause_ms: 5000 },
  { what: 'that starts in the same second with the lesser boot id', boots: [high, low], later_ms: 0, pause_ms: 500 },
] as const)('D4: of a live clone $what the lesser boot id goes mute and says why; the other loses nothing', (story) => {
  const { world, kept } = runClones(story.boots, story.later_ms, story.pause_ms)
  const [mute, survivor] = story.boots[0] === low ? ['a', 'a2'] : ['a2', 'a']
  expect(world.machine(mute).eventsOf('muted')).toHaveLength(1)
  expect(world.machine(survivor).eventsOf('muted')).toHaveLength(0)
  expect(world.machine(mute).live.readiness().ready).toBe(false)
  expect(world.machine(mute).live.readiness().reasons.join()).toMatch(/another daemon runs with this node's key/)
  const answer = world.register(mute, { id: 'no', slug: 'no', url: 'http://no.test:80' })
  expect(refused(world, answer)).toBe('unavailable')
  world.crash(mute)
  world.run(20_000)
  for (const name of ['b', 'c', 'd']) {
    expect(world.instances(name)).toEqual(expect.arrayContaining(['before', ...(kept.get(survivor) ?? [])]))
  }
  expect(world.digests().size).toBe(1)
})

test('D4: wall clocks an hour apart, and jumping, change nothing', () => {
  const world = new World({ seed: 1 })
  const offsets: Record<string, number> = { a: -3600_000, b: 0, c: 3600_000 }
  world.startAll(...'abc')
  for (const [name, offset] of Object.entries(offsets)) world.machine(name).wallOffset_ms = offset
  agree(world)
  registered(world, 'a', 'x')
  done(world, world.define('c', 'd', 1))
  done(world, world.define('a', 'd', 2))
  for (let i = 0; i < 6; i++) {
    for (const name of 'abc') world.machine(name).wallOffset_ms += (i % 2 === 0 ? 1 : -1) * 3600_000
    world.run(3000)
  }
  agree(world)
  for (const name of 'abc') {
    expect(
      world
        .machine(name)
        .eventsOf('member')
        .filter(({ to }) => to !== 'alive'),
    ).toEqual([])
    expect(showing(world, 'x')).toBe('abc')
    expect(world.machine(name).live.read.definitions()).toEqual([{ id: 'd', body: 2 }])
  }
})

test('D4: a node whose clock went back an hour while it was off is still believed', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('a')
  world.machine('a').wallOffset_ms = -3600_000
  world.run(2000)
  world.start('a')
  registered(world, 'a', 'y')
  agree(world)
  world.run(500)
  expect(showing(world, 'x') + showing(world, 'y')).toBe('abcabc')
})

test('D4: a shown lastHeartbeat is in the clock of whoever shows it, and stands still while nothing is heard', () => {
  const world = cluster('ab')
  world.machine('b').wallOffset_ms = 3600_000
  registered(world, 'a', 'x')
  agree(world)
  world.run(1000)
  const shown = (): string | undefined => world.machine('b').live.read.instances(world.moment('b'))[0]?.lastHeartbeat
  const age_ms = world.moment('b').wall - Date.parse(shown() ?? '')
  expect(age_ms).toBeGreaterThanOrEqual(0)
  expect(age_ms).toBeLessThan(2500)
  world.vanish('a')
  world.run(100) // the last word arrives
  const last = shown()
  expect(last).toBeDefined()
  world.run(1000)
  expect(shown()).toBe(last)
})
