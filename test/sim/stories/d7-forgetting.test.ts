// Stories of D7: fences. What a forgotten node wrote goes everywhere and stays away; wrong forgetting is harmless.
import { expect, test } from 'vitest'
import type { World } from '../world.js'
import { agree, cluster, done, refused, registered, rows, showing, shownStatus } from './cluster.js'

function fence(world: World, by: string, owner: string): void {
  done(world, world.command(by, { type: 'remove-node', owner }))
}

function owners(world: World, name: string): string {
  return world
    .machine(name)
    .live.read.digest()
    .documents.map(({ owner }) => owner)
    .sort()
    .join('')
}

test('D7: a fenced dead node is dropped by everybody, with its instances and its membership', () => {
  const world = cluster('abcd')
  registered(world, 'd', 'x')
  agree(world)
  world.crash('d')
  world.run(10_000)
  fence(world, 'a', 'd')
  world.until(() => [...'abc'].every((name) => owners(world, name) === 'abc'), 1000, 'the drop')
  agree(world)
  for (const name of 'abc') {
    expect(rows(world, name, 'x')).toEqual([])
    expect(world.beliefs(name)).not.toContain('d')
    expect(world.lookup(name, 'x')).toBeUndefined()
  }
})

test('D7: a fenced document does not come back with a peer that was away', () => {
  const world = cluster('abcd')
  registered(world, 'd', 'x')
  agree(world)
  world.crash('d')
  world.crash('c')
  world.run(10_000)
  fence(world, 'a', 'd')
  world.run(5000)
  world.start('c')
  agree(world)
  world.run(5000)
  for (const name of 'abc') expect(owners(world, name)).toBe('abc')
})

test('D7: a fence is kept when the document that brought it goes', () => {
  const world = cluster('abcd')
  registered(world, 'd', 'x')
  agree(world)
  const backup = world.machine('d').disk.copy()
  world.crash('d')
  world.run(10_000)
  fence(world, 'a', 'd')
  world.run(1000)
  world.crash('a')
  world.run(10_000)
  fence(world, 'b', 'a')
  world.run(1000)
  world.machine('d').disk = backup
  world.partition(['d'], ['b', 'c'])
  world.start('d')
  world.run(5000)
  world.heal()
  agree(world)
  for (const name of 'bcd') expect(owners(world, name)).toBe('bcd')
  expect(world.machine('d').live.generation).toBeGreaterThan(0)
})

test.each([
  ['knew of all of them', 'b'],
  ['was cut off and knew of none: those who did save them', 'a'],
])(
  'D7: definitions, deletion marks and removals survive the node that wrote them, where its fencer %s',
  (_, fencer) => {
    const world = cluster('abcd')
    registered(world, 'a', 'removed')
    done(world, world.define('b', 'deleted'))
    agree(world)
    world.partition(['a'], ['b', 'c', 'd'])
    world.run(4000)
    done(world, world.deregister('d', 'removed'))
    done(world, world.undefine('d', 'deleted'))
    done(world, world.define('d', 'kept', { by: 'd' }))
    agreeOn(world, 'bcd')
    world.crash('d')
    world.run(10_000)
    fence(world, fencer, 'd')
    world.run(2000)
    world.heal()
    agree(world)
    world.run(1000)
    for (const name of 'abc') {
      expect(owners(world, name)).toBe('abc')
      expect(showing(world, 'removed')).toBe('')
      expect(world.machine(name).live.read.definitions()).toEqual([{ id: 'kept', body: { by: 'd' } }])
    }
  },
)

test('D7: a node that was forgotten while it was off takes back nothing that was registered elsewhere since', () => {
  const world = cluster('abc')
  for (const id of ['moved', 'mine']) for (let i = 0; i < 3; i++) registered(world, 'c', id, 80 + i)
  agree(world)
  world.crash('c')
  world.run(10_000)
  fence(world, 'a', 'c')
  world.run(1000)
  registered(world, 'a', 'moved', 2222)
  world.start('c')
  agree(world)
  world.run(1000)
  for (const name of 'abc') {
    expect(world.lookup(name, 'moved')).toEqual(['http://moved.test:2222'])
    expect(world.lookup(name, 'mine')).toEqual(['http://mine.test:82'])
  }
})

test('D7: who was wrongly forgotten keeps what it removed once and registered again', () => {
  const world = cluster('abc')
  for (let i = 0; i < 3; i++) {
    registered(world, 'c', 'again', 80 + i)
    agree(world)
    if (i < 2) done(world, world.deregister('c', 'again'))
  }
  agree(world)
  fence(world, 'a', 'c')
  agree(world)
  world.run(1000)
  for (const name of 'abc') expect(world.lookup(name, 'again')).toEqual(['http://again.test:82'])
})

test('what a fencer did not know is saved as well by one who learns of it while it starts', () => {
  const world = cluster('abcd')
  world.partition(['a', 'd'], ['b', 'c'])
  world.run(4000)
  done(world, world.define('d', 'kept'))
  agreeOn(world, 'ad')
  world.crash('d')
  world.crash('a')
  world.run(10_000)
  fence(world, 'b', 'd')
  world.run(1000)
  world.heal()
  world.start('a')
  agree(world)
  world.run(1000)
  for (const name of 'abc') {
    expect(owners(world, name)).toBe('abc')
    expect(world.definitions(name)).toEqual(['kept'])
  }
})

test('a removal holds for all who claim the id, also for one who has been dead for over an hour', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  world.partition(['a'], ['b', 'c', 'd'])
  world.run(4000)
  registered(world, 'c', 'x', 2222)
  world.crash('c')
  world.run(3700_000)
  world.heal()
  world.until(() => showing(world, 'x') === 'abd', 60_000, 'the older registration')
  done(world, world.deregister('b', 'x'))
  world.run(1000)
  world.start('c')
  agree(world)
  world.run(1000)
  for (const name of 'abcd') expect(rows(world, name, 'x').filter((row) => !row.includes('removed'))).toEqual([])
})

/** Fences a machine that runs, or one that is off and starts again soon after. */
function forgottenByMistake(world: World, name: string, by: string, how: string): void {
  if (how === 'off') {
    world.crash(name)
    world.run(10_000)
  }
  fence(world, by, name)
  world.run(2000)
  if (how === 'off') world.start(name)
}

test.each(['alive', 'off'])(
  'D7: who registered again what others had removed keeps it when it is forgotten by mistake, %s',
  (how) => {
    const world = cluster('abc')
    registered(world, 'c', 'x')
    agree(world)
    world.partition(['c'], ['a', 'b'])
    world.run(5000)
    done(world, world.deregister('a', 'x'), 20_000)
    world.heal()
    agree(world)
    registered(world, 'c', 'x', 2222)
    agree(world)
    forgottenByMistake(world, 'c', 'b', how)
    agree(world)
    world.run(2000)
    for (const name of 'abc') expect(world.lookup(name, 'x')).toEqual(['http://x.test:2222'])
  },
)

test.each(['a', 'b'])(
  'D7: what was registered and removed again at %s after its node was forgotten stays away when that is back',
  (home) => {
    const world = cluster('abc')
    registered(world, 'c', 'x')
    agree(world)
    world.crash('c')
    world.run(10_000)
    fence(world, 'a', 'c')
    world.run(1000)
    for (const name of 'ab') world.crash(name) // nobody remembers the number
    world.startAll('a', 'b')
    agree(world)
    registered(world, home, 'x', 2222)
    agree(world)
    done(world, world.deregister(home, 'x'))
    agree(world)
    world.start('c')
    agree(world)
    world.run(1000)
    for (const name of 'abc') expect(world.instances(name)).toEqual([])
  },
)

test.each(['alive', 'off'])(
  'D7: an instance that had moved here stays when this node is forgotten by mistake, %s',
  (how) => {
    const world = cluster('abc')
    registered(world, 'b', 'x')
    agree(world)
    world.crash('b')
    world.run(5000)
    registered(world, 'c', 'x', 2222)
    world.run(2000)
    forgottenByMistake(world, 'c', 'a', how)
    world.run(5000)
    world.start('b')
    agree(world)
    world.run(2000)
    for (const name of 'abc') expect(world.lookup(name, 'x')).toEqual(['http://x.test:2222'])
  },
)

test('D7: what is registered just as its node is forgotten exceeds what that one had', () => {
  for (const after_ms of [0, 4, 10, 40]) {
    const world = cluster('abc')
    for (let i = 0; i < 3; i++) registered(world, 'c', 'x', 80 + i)
    agree(world)
    fence(world, 'a', 'c')
    world.run(after_ms)
    registered(world, 'b', 'x', 2222)
    agree(world)
    world.run(2000)
    for (const name of 'abc') expect(world.lookup(name, 'x')).toEqual(['http://x.test:2222'])
  }
})

test('an instance of a node that has been dead for over an hour, or left, can be removed, and stays away', () => {
  const world = cluster('abcd')
  for (const name of 'cd') registered(world, name, `of-${name}`)
  agree(world)
  world.leave('c')
  world.crash('d')
  world.run(3700_000)
  for (const name of 'cd') {
    expect(world.lookup('a', `of-${name}`)).toBeUndefined()
    expect(world.machine('a').live.read.slugOf(`of-${name}`)).toBe(`of-${name}`) // for whom may not remove it
    done(world, world.deregister('a', `of-${name}`), 20_000)
    world.run(1000)
    expect(refused(world, world.deregister('b', `of-${name}`), 20_000)).toBe('not-found')
  }
  world.startAll('c', 'd')
  agree(world)
  world.run(1000)
  for (const name of 'abcd') expect(world.instances(name)).toEqual([])
})

function agreeOn(world: World, names: string): void {
  const digests = (): Set<string> => new Set([...names].map((name) => world.machine(name).live.read.digest().digest))
  world.until(() => digests().size === 1, 20_000, 'agreement')
}

test('D7: copies keep stamp and writer, so an older save elsewhere does not win over them', () => {
  const world = cluster('abcd')
  done(world, world.define('c', 'def', 'old'))
  agree(world)
  world.partition(['c'], ['a', 'b', 'd'])
  done(world, world.define('d', 'def', 'new'))
  agreeOn(world, 'abd')
  world.crash('d')
  world.run(10_000)
  fence(world, 'a', 'd')
  world.run(1000)
  world.heal()
  agree(world)
  for (const name of 'abc') expect(world.machine(name).live.read.definitions()).toEqual([{ id: 'def', body: 'new' }])
})

test('D7: the fences that a fenced node wrote go on', () => {
  const world = cluster('abcd')
  registered(world, 'd', 'x')
  agree(world)
  world.crash('c') // keeps a copy of d
  world.crash('d')
  world.run(10_000)
  fence(world, 'a', 'd')
  world.run(1000)
  world.crash('a')
  world.run(10_000)
  fence(world, 'b', 'a')
  world.run(1000)
  world.start('e') // never saw the first fencer
  agree(world)
  world.partition(['b'], ['c', 'e'])
  world.start('c')
  world.run(20_000)
  world.heal()
  agree(world)
  for (const name of 'bce') expect(owners(world, name)).toBe('bce')
})

test('D7: a node fenced while it was off comes back in a later generation, whoever fenced it is gone', () => {
  const world = cluster('abc')
  registered(world, 'c', 'x')
  agree(world)
  world.crash('c')
  world.run(10_000)
  fence(world, 'a', 'c')
  world.run(1000)
  world.crash('a')
  world.machine('c').wallOffset_ms = -3600_000 // its clock does not help it over the fence
  world.start('c')
  agree(world)
  world.run(2000)
  expect(showing(world, 'x')).toBe('bc')
})

test('D7: a living node that was fenced registers itself again, and its instances show after a check', () => {
  const world = cluster('abc')
  registered(world, 'c', 'x')
  registered(world, 'c', 'y')
  done(world, world.define('c', 'def'))
  agree(world)
  const generation = world.machine('c').live.generation
  world.service('http://y.test:80', 'Unreachable')
  fence(world, 'a', 'c')
  world.until(() => showing(world, 'x') === 'abc', 5000, 'the return')
  agree(world)
  world.run(2000)
  expect(world.machine('c').live.generation).toBeGreaterThan(generation)
  for (const name of 'abc') {
    expect(owners(world, name)).toBe('abc')
    expect(world.definitions(name)).toEqual(['def'])
    expect(shownStatus(world, name, 'y')).toBe('Unreachable')
  }
})

test('D7: a fenced living node drops its instances that others hold or removed', () => {
  const world = cluster('abc')
  for (const id of ['moved', 'removed', 'kept']) registered(world, 'c', id)
  agree(world)
  world.partition(['a', 'b'], ['c'])
  world.run(10_000)
  registered(world, 'a', 'moved', 8080)
  done(world, world.deregister('b', 'removed'))
  agreeOn(world, 'ab')
  fence(world, 'a', 'c')
  world.run(5000)
  world.heal()
  agree(world)
  world.run(2000)
  for (const name of 'abc') {
    expect(world.instances(name)).toEqual(['kept', 'moved'])
    expect(world.lookup(name, 'moved')).toEqual(['http://moved.test:8080'])
  }
})

test('D7: a node fenced while it was off begins a new generation and comes back with what nobody removed', () => {
  const world = cluster('abc')
  for (const id of ['removed', 'kept']) registered(world, 'c', id)
  agree(world)
  world.crash('c')
  world.run(10_000)
  done(world, world.deregister('b', 'removed'))
  fence(world, 'a', 'c')
  world.run(5000)
  world.start('c')
  agree(world)
  world.run(2000)
  for (const name of 'abc') expect(world.instances(name)).toEqual(['kept'])
})

test('D7: deleting one’s own node raises the generation and fences nobody', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  const generation = world.machine('a').live.generation
  fence(world, 'a', 'a')
  agree(world)
  world.run(2000)
  expect(world.machine('a').live.generation).toBe(generation + 1)
  expect(world.machine('a').disk.generation).toBe(generation + 1)
  expect(showing(world, 'x')).toBe('ab')
})

test('D7: two that fence each other at once both live on', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  registered(world, 'b', 'y')
  agree(world)
  const answers = [
    world.command('a', { type: 'remove-node', owner: 'b' }),
    world.command('b', { type: 'remove-node', owner: 'a' }),
  ]
  for (const answer of answers) done(world, answer)
  world.run(5000)
  agree(world)
  world.run(2000)
  expect(showing(world, 'x')).toBe('abc')
  expect(showing(world, 'y')).toBe('abc')
})

test('D7: fencing an owner that nobody knows is refused', () => {
  const world = cluster('ab')
  expect(refused(world, world.command('a', { type: 'remove-node', owner: 'nobody' }))).toBe('not-found')
})

test('D7: instances of a node dead for an hour are out of the index, those of one that left after a minute', () => {
  const world = cluster('abc')
  registered(world, 'b', 'left')
  registered(world, 'c', 'dead')
  agree(world)
  world.leave('b')
  world.crash('c')
  world.run(30_000)
  expect(world.lookup('a', 'left')).toEqual([]) // known, nothing visible
  world.run(35_000)
  expect(world.lookup('a', 'left')).toBeUndefined()
  expect(world.lookup('a', 'dead')).toBeDefined()
  world.run(3600_000)
  expect(world.lookup('a', 'dead')).toBeUndefined()
})

/** Long enough for a look at who is gone, by each of a few observers in turn. */
const looks_ms = 10 * 60_000

test('D7: of short-lived nodes that said goodbye by a key that ended with them nothing stays but what still counts', () => {
  const world = cluster('abc')
  registered(world, 'a', 'removed')
  const passing = [...'mnopqrst']
  for (const name of passing) {
    world.start(name, { transient: true })
    agree(world)
    registered(world, name, `of-${name}`)
    done(world, world.define(name, `by-${name}`, { by: name }))
  }
  done(world, world.deregister('m', 'removed'))
  agree(world)
  for (const name of passing) world.leave(name)
  world.run(2000)
  for (const name of passing) world.crash(name)
  world.until(() => [...'abc'].every((name) => owners(world, name) === 'abc'), looks_ms, 'the drop', 100)
  agree(world)
  for (const name of 'abc') {
    expect(world.beliefs(name)).not.toContain('m')
    expect(rows(world, name, 'of-m')).toEqual([])
    expect(
      world
        .machine(name)
        .live.read.definitions()
        .map(({ id }) => id),
    ).toEqual(passing.map((one) => `by-${one}`))
    expect(showing(world, 'removed')).toBe('')
  }
})

test('D7: what a short-lived node had removed stays away, also with its owner, who was off meanwhile', () => {
  const world = cluster('abc')
  registered(world, 'c', 'x')
  agree(world)
  world.crash('c')
  world.start('m', { transient: true })
  agree(world)
  world.run(3000)
  done(world, world.deregister('m', 'x'), 6000)
  agree(world)
  world.leave('m')
  world.run(2000)
  world.crash('m')
  world.until(() => [...'ab'].every((name) => owners(world, name) === 'abc'), looks_ms, 'the drop', 100)
  world.start('c')
  agree(world)
  world.run(1000)
  expect(showing(world, 'x')).toBe('')
})

test('D7: what was dropped of a short-lived node does not come back with a peer that missed its goodbye', () => {
  const world = cluster('abc')
  world.start('m', { transient: true })
  agree(world)
  registered(world, 'm', 'x')
  agree(world)
  world.crash('c')
  world.run(5000)
  world.leave('m')
  world.run(2000)
  world.crash('m')
  world.until(() => [...'ab'].every((name) => owners(world, name) === 'ab' + 'c'), looks_ms, 'the drop', 100)
  world.start('c')
  agree(world)
  world.run(looks_ms)
  for (const name of 'abc') expect(owners(world, name)).toBe('abc')
  expect(world.lookup('c', 'x')).toBeUndefined()
})

test.each([
  ['that may come back', undefined, 'leave'],
  ['that leaves for a restart', true, 'restart'],
  ['that was killed', true, 'crash'],
] as const)('D7: a node %s is kept', (_, transient, how) => {
  const world = cluster('abc')
  world.start('m', transient === undefined ? {} : { transient })
  agree(world)
  if (how === 'leave') world.leave('m')
  if (how === 'restart') world.command('m', { type: 'leave', restart: true })
  world.run(2000)
  world.crash('m')
  world.run(looks_ms)
  for (const name of 'abc') expect(owners(world, name)).toBe('abcm')
})

test('D7: a short-lived node that said goodbye and lives nevertheless begins anew', () => {
  const world = cluster('abc')
  world.start('m', { transient: true })
  agree(world)
  registered(world, 'm', 'x')
  const { generation } = world.machine('m').live
  world.partition(['m'], ['a', 'b', 'c'])
  world.run(20_000)
  const held = world.machine('m').disk.copy()
  world.heal()
  agree(world)
  world.leave('m')
  world.until(() => [...'abc'].every((name) => owners(world, name) === 'abc'), looks_ms, 'the drop', 100)
  world.crash('m')
  world.machine('m').disk = held
  world.start('m', { transient: true })
  agree(world)
  for (const name of 'abcm') expect(world.lookup(name, 'x')).toEqual(['http://x.test:80'])
  expect(world.machine('m').live.generation).toBeGreaterThan(generation)
})

test('D7: a short-lived node that was killed is let go of after ten minutes without a fence, what counts of it stays, nobody passes it back', () => {
  const world = cluster('abc')
  world.start('m', { transient: true })
  agree(world)
  registered(world, 'm', 'x')
  done(world, world.define('m', 'def', { by: 'm' }))
  registered(world, 'a', 'removed')
  agree(world)
  done(world, world.deregister('m', 'removed'))
  agree(world)
  world.crash('m')
  world.run(60_000)
  world.crash('c')
  world.until(() => [...'ab'].every((name) => owners(world, name) === 'abc'), 660_000, 'the drop', 100)
  world.run(30_000)
  world.start('c') // missed it
  agree(world)
  world.run(10_000)
  for (const name of 'abc') {
    expect(owners(world, name)).toBe('abc')
    expect(rows(world, name, 'x')).toEqual([])
    expect(world.definitions(name)).toEqual(['def'])
    expect(showing(world, 'removed')).toBe('')
    expect(world.machine(name).disk.load().notes.fences ?? '{}').toBe('{}')
  }
})

test.each([
  ['all', []],
  ['one alone, whom all others hear', ['b', 'c']],
])(
  'D7: a short-lived node that was only cut off for longer, and meets %s, is back wherever it was let go of',
  (_, cut) => {
    const world = cluster('abc')
    world.start('m', { transient: true })
    agree(world)
    registered(world, 'm', 'x')
    agree(world)
    const { generation } = world.machine('m').live
    world.partition(['m'], ['a', 'b', 'c'])
    world.until(() => [...'abc'].every((name) => owners(world, name) === 'abc'), 700_000, 'the drop', 100)
    registered(world, 'a', 'y')
    world.heal()
    for (const name of cut) world.cut('m', name)
    agree(world)
    for (const name of 'abcm') expect(world.lookup(name, 'x')).toEqual(['http://x.test:80'])
    expect(world.machine('m').live.generation).toBe(generation)
  },
)
