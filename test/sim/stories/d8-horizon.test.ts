// Stories of the horizon (D8): who was away for longer than removals live must not bring back what they removed.
import { expect, test } from 'vitest'
import { decodeSyncResponse, encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { World } from '../world.js'
import { agree, cluster, done, offTooLong, refused, registered, showing } from './cluster.js'

/** By somebody who is no machine. */
const asked = 1_000_000
const note_ms = 11 * 60_000 // notes on disk are at most ten minutes old

function owners(world: World, name: string): string {
  return world
    .machine(name)
    .live.read.digest()
    .documents.map(({ owner }) => owner)
    .sort()
    .join('')
}

test('D8: since when a node exists is noted once, and kept over its starts', () => {
  const world = cluster('ab')
  const born = (): string | undefined => world.machine('a').disk.copy().load().notes['born']
  const first = born()
  expect(first).toBeDefined()
  world.run(5000)
  world.crash('a')
  world.start('a')
  agree(world)
  expect(born()).toBe(first)
})

test.each([false, true])(
  'D8: whose absence was confirmed gives nothing until it is blank, also where it is killed before that: %s',
  (isKilled) => {
    const world = offTooLong()
    world.cut('b', 'c') // c waits for b, whom it knows
    world.start('c')
    world.run(1500)
    expect(world.machine('c').live.readiness().ready).toBe(false)
    if (isKilled) {
      world.crash('c')
      world.start('c')
    } else world.start('e')
    world.run(5000)
    world.heal()
    agree(world)
    world.run(3000)
    for (const { name } of world.running()) expect(world.instances(name)).toEqual([])
  },
)

test('D8: a node off for longer than the horizon goes blank once a member confirms it, and takes the cluster’s records', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  registered(world, 'c', 'y')
  done(world, world.define('c', 'old'))
  agree(world)
  world.run(note_ms)
  world.crash('c')
  world.run(10_000)
  registered(world, 'a', 'z')
  world.passDays(31)
  world.run(note_ms)
  world.start('c')
  world.until(() => world.machine('c').live.readiness().ready, 5000, 'readiness')
  agree(world)
  world.run(1000)
  for (const name of 'abc') {
    expect(world.instances(name)).toEqual(['x', 'z'])
    expect(world.definitions(name)).toEqual([])
  }
  expect(
    world
      .machine('c')
      .eventsOf('warning')
      .map(({ message }) => message)
      .join(),
  ).toMatch(/30 days/)
})

test('D8: neither a fenced owner nor its instances come back with a node that was off until the fence expired', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.run(note_ms)
  world.crash('c')
  world.crash('a')
  world.run(10_000)
  done(world, world.command('b', { type: 'remove-node', owner: 'a' }))
  world.run(1000)
  for (let days = 0; days < 36; days += 6) {
    world.passDays(6)
    world.run(note_ms)
  }
  expect(
    world
      .machine('b')
      .disk.entriesOf('b')
      .filter(({ map }) => map === 'fences'),
  ).toEqual([])
  world.start('c')
  world.run(5000)
  agree(world)
  for (const name of 'bc') {
    expect(owners(world, name)).toBe('bc')
    expect(world.lookup(name, 'x')).toBeUndefined()
  }
})

test('D8: the whole cluster off for longer than the horizon keeps its content', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  done(world, world.define('b', 'd'))
  agree(world)
  world.run(note_ms)
  for (const name of 'abc') world.crash(name)
  world.passDays(40)
  world.startAll(...'abc')
  agree(world)
  world.run(1000)
  for (const name of 'abc') {
    expect(world.instances(name)).toEqual(['x'])
    expect(world.definitions(name)).toEqual(['d'])
  }
})

test('D8: a member that is too new has no word in it', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  world.run(note_ms)
  world.crash('a')
  world.crash('b')
  world.passDays(40)
  world.start('n')
  world.run(1000)
  world.start('a')
  agree(world)
  world.run(1000)
  expect(showing(world, 'x')).toBe('an')
})

test('D8: a node whose own clock jumped over the horizon keeps its content where a member heard it lately', () => {
  const world = cluster('abc')
  registered(world, 'c', 'y')
  agree(world)
  world.run(note_ms)
  world.crash('c')
  world.machine('c').wallOffset_ms += 400 * 24 * 3600_000
  world.run(10_000)
  world.start('c')
  agree(world)
  world.run(1000)
  expect(showing(world, 'y')).toBe('abc')
})

test('D8: when a member was last heard is known by the others also after they started again', () => {
  const world = cluster('abc')
  registered(world, 'c', 'y')
  agree(world)
  world.passDays(40) // whoever is not known to have been heard counts as silent since then
  agree(world)
  world.run(note_ms)
  world.crash('c')
  world.run(note_ms)
  world.crash('a')
  world.crash('b')
  world.startAll('a', 'b')
  world.run(note_ms)
  world.crash('a')
  world.crash('b')
  world.startAll('a', 'b')
  world.machine('c').wallOffset_ms += 400 * 24 * 3600_000
  world.start('c')
  agree(world)
  world.run(1000)
  expect(showing(world, 'y')).toBe('abc')
})

test('D8: while it is stale a node publishes nothing, gives nothing to whoever asks, adopts nothing, refuses writes and says why', () => {
  const answers: (string | undefined)[] = []
  const world = cluster('abc', {
    watch: (_machine, _now, _input, effects) => {
      for (const effect of effects)
        if (effect.type === 'reply' && effect.id === asked) answers.push(decodeSyncResponse(effect.bytes)?.type)
    },
  })
  registered(world, 'c', 'y')
  agree(world)
  world.run(note_ms)
  world.crash('c')
  world.run(5000)
  registered(world, 'a', 'x')
  world.passDays(31)
  world.run(note_ms)
  const before = [...world.digests()]
  let published = 0
  world.wires.tap = ({ kind, from }) => {
    if (from === 'c' && (kind === 'gossip' || kind === 'beat')) published += 1
    return kind === 'reply' ? false : undefined // nobody's word reaches it
  }
  world.start('c')
  world.run(2500)
  expect(world.machine('c').live.readiness().reasons.join()).toMatch(/30 days/)
  expect(refused(world, world.register('c', { id: 'n', slug: 'n', url: 'http://n' }))).toBe('unavailable')
  expect(world.lookup('c', 'x')).toBeUndefined()
  const bytes = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] })
  world.feed('c', { type: 'request', from: 'empty', id: asked, bytes })
  world.run(100)
  expect(answers).toEqual(['end'])
  expect([published, [...new Set(['a', 'b'].map((name) => world.machine(name).live.read.digest().digest))]]).toEqual([
    0,
    before,
  ])
  world.wires.tap = undefined
  agree(world)
  expect(showing(world, 'x')).toBe('abc')
  expect(showing(world, 'y')).toBe('')
})

test('D8: a stale node that reaches nobody stays stale, and its records are still readable', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  world.run(note_ms)
  world.crash('a')
  world.crash('b')
  world.passDays(31)
  world.start('a')
  world.run(60_000)
  expect(world.machine('a').live.readiness().ready).toBe(false)
  expect(world.lookup('a', 'x')).toEqual(['http://x.test:80'])
})

test('D8: a node alone in the world is never stale', () => {
  const world = new World({ seed: 1 })
  world.start('a')
  world.run(1000)
  registered(world, 'a', 'x')
  world.run(note_ms)
  world.crash('a')
  world.passDays(60)
  world.start('a')
  world.until(() => world.machine('a').live.readiness().ready, 10_000, 'readiness')
  expect(showing(world, 'x')).toBe('a')
})

test('D8: deletion marks and fences live as long as removals, and a copier counts anew', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  done(world, world.define('d', 'def'))
  agree(world)
  world.crash('a')
  world.run(10_000)
  done(world, world.deregister('d', 'x'))
  done(world, world.undefine('d', 'def'))
  agree(world)
  world.passDays(20)
  world.run(note_ms)
  world.crash('d')
  world.run(10_000)
  done(world, world.command('b', { type: 'remove-node', owner: 'd' }))
  agree(world)
  const marks = (): string[] =>
    world
      .machine('b')
      .disk.entriesOf('b')
      .filter(({ map }) => map !== 'node')
      .map(({ map, key }) => `${map} ${key}`)
  const notedFences = (): string[] =>
    Object.keys(JSON.parse(world.machine('b').disk.load().notes.fences ?? '{}') as Record<string, unknown>)
  expect(marks()).toEqual(['definitions def', 'removals x', 'fences d'])
  world.passDays(16) // 36 since the removal, 16 since the copy
  world.run(note_ms)
  expect(marks()).toEqual(['definitions def', 'removals x', 'fences d'])
  expect(notedFences()).toEqual(['d'])
  world.passDays(20)
  world.run(note_ms)
  expect(marks()).toEqual([])
  expect(notedFences()).toEqual([])
})

/** A cluster whose `c` starts from a backup of so many days ago, though the others heard it until a moment ago. */
function restoredAfter(days: number): World {
  const world = cluster('abcd')
  registered(world, 'd', 'gone')
  registered(world, 'a', 'removed')
  registered(world, 'c', 'first')
  done(world, world.define('d', 'deleted'))
  agree(world)
  world.run(note_ms)
  const backup = world.machine('c').disk.copy()
  registered(world, 'c', 'second')
  done(world, world.deregister('c', 'first'))
  done(world, world.deregister('a', 'removed'))
  done(world, world.undefine('d', 'deleted'))
  agree(world)
  world.crash('d')
  world.run(10_000)
  done(world, world.command('b', { type: 'remove-node', owner: 'd' }))
  agree(world)
  world.passDays(days)
  agree(world)
  world.crash('c')
  world.machine('c').disk = backup
  world.run(10_000)
  world.start('c')
  world.run(5000)
  agree(world)
  return world
}

test.each([20, 31, 40])('D8: a backup of %i days ago brings nothing back and loses nothing', (days) => {
  const world = restoredAfter(days)
  for (const name of 'abc') {
    expect(owners(world, name)).toBe('abc')
    expect(world.instances(name)).toEqual(['second'])
    expect(world.definitions(name)).toEqual([])
  }
  expect(
    world
      .machine('c')
      .eventsOf('warning')
      .some(({ message }) => message.includes('over 30 days old')),
  ).toBe(days > 30)
})

test('D8: six nodes that were off for 32 days and start one after the other keep all that they hold', () => {
  const world = cluster('abcdef')
  for (const name of 'abcdef') registered(world, name, `of-${name}`)
  done(world, world.define('f', 'kept'))
  agree(world)
  world.run(note_ms)
  for (const name of 'abcdef') world.crash(name)
  world.passDays(32)
  for (const name of 'abcdef') {
    world.start(name)
    world.run(2000)
  }
  agree(world)
  for (const name of 'abcdef') {
    expect(world.instances(name)).toEqual(['of-a', 'of-b', 'of-c', 'of-d', 'of-e', 'of-f'])
    expect(world.definitions(name)).toEqual(['kept'])
  }
})

test('D8: what must not come back is remembered for 35 days that its holder was up, whatever its clock shows and however long it was off', () => {
  const world = cluster('ab')
  done(world, world.define('a', 'd'))
  registered(world, 'a', 'x')
  agree(world)
  registered(world, 'b', 'x', 81)
  done(world, world.undefine('a', 'd'))
  done(world, world.deregister('b', 'x'))
  agree(world)
  const marks = (): string[] =>
    world
      .machine('a')
      .disk.entriesOf('a')
      .filter(({ map }) => map === 'definitions')
      .map(({ key }) => key)
  world.run(note_ms)
  for (const days of [36, 400, -3000]) {
    world.crash('a')
    world.machine('a').wallOffset_ms += days * 24 * 3600_000
    world.start('a')
    world.run(note_ms)
    expect(marks()).toEqual(['d'])
  }
  for (const days of [34, 2]) {
    world.crash('a')
    world.machine('a').disk.live(days * 24 * 3600_000)
    world.start('a')
    world.run(note_ms)
    expect(marks()).toEqual(days === 34 ? ['d'] : [])
  }
})
