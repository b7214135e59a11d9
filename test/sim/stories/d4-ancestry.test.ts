// Stories of D4: any number of starts out of reach of everybody, from whatever backup: what was acknowledged in any of them is kept, what
// was removed stays away.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import { canonicalJson } from '../../../src/core/model/model.js'
import { nodeKey } from '../../../src/core/records/kinds.js'
import { type Head, type SignedHead, decodeHead, signHead } from '../../../src/core/wire/head.js'
import { cheapCrypto } from '../crypto.js'
import { agree, cluster, done, lostAlone, registered, restoredAlone, rows, showing } from './cluster.js'
import { World } from '../world.js'

/** Killed and started again, still out of reach. */
function startedAlone(world: World, name: string, times = 1): void {
  for (let i = 0; i < times; i++) {
    world.crash(name)
    world.run(2000)
    world.start(name)
    world.until(() => world.machine(name).live.readiness().ready, 5000, 'readiness alone')
  }
}

function met(world: World): void {
  world.heal()
  agree(world)
  world.run(500)
}

function shown(world: World): string[] {
  return [...new Set(world.running().map(({ name }) => world.instances(name).sort().join(' ')))]
}

function generationsOf(world: World, name: string): number {
  return world.machine(name).eventsOf('generation').length
}

test.each([1, 2, 10])(
  'restored, started alone %d times and written to each time, then met: nothing is lost, nothing removed returns',
  (times) => {
    const world = cluster('abc')
    for (const id of ['kept', 'gone', 'both', 'mine', 'sick']) registered(world, 'a', id)
    done(world, world.define('a', 'def', { v: 1 }))
    agree(world)
    const backup = world.machine('a').disk.copy()
    registered(world, 'a', 'newer')
    registered(world, 'a', 'both', 2222)
    done(world, world.deregister('a', 'gone'))
    done(world, world.define('a', 'def', { v: 2 }))
    done(world, world.command('a', { type: 'act', id: 'sick', act: { type: 'maintenance', reason: 'repair' } }))
    agree(world)
    restoredAlone(world, 'a', backup, ['b', 'c'])
    const alone: string[] = []
    for (let i = 0; i < times; i++) {
      if (i > 0) startedAlone(world, 'a')
      registered(world, 'a', `alone${i}`)
      alone.push(`alone${i}`)
      if (i === 0) done(world, world.deregister('a', 'mine'))
      if (i === 0) done(world, world.define('a', 'own'))
    }
    startedAlone(world, 'a')
    met(world)
    expect(shown(world)).toEqual([[...alone, 'both', 'kept', 'newer'].sort().join(' ')])
    for (const name of 'abc') {
      expect(world.lookup(name, 'both')).toEqual(['http://both.test:2222'])
      expect(world.definitions(name)).toEqual(['def', 'own'])
      expect(world.machine(name).live.read.definitions()[0]).toEqual({ id: 'def', body: { v: 2 } })
      expect(rows(world, name, 'sick')).toEqual(['a#1 in maintenance: repair'])
    }
    world.crash('a')
    world.start('a')
    agree(world)
    expect(shown(world)).toEqual([[...alone, 'both', 'kept', 'newer'].sort().join(' ')])
    expect(generationsOf(world, 'a')).toBe(1)
  },
)

test('a lost store, started alone again and again, then met: old and new are there', () => {
  const world = cluster('abc')
  registered(world, 'a', 'old')
  done(world, world.define('a', 'def'))
  agree(world)
  lostAlone(world, 'a', ['b', 'c'])
  registered(world, 'a', 'one')
  startedAlone(world, 'a')
  registered(world, 'a', 'two')
  startedAlone(world, 'a')
  met(world)
  expect(shown(world)).toEqual(['old one two'])
  for (const name of 'abc') expect(world.definitions(name)).toEqual(['def'])
})

test('a restart loop of a hundred starts without a network loses nothing, and forgets nothing of what peers hold', () => {
  const world = cluster('ab')
  registered(world, 'a', 'first')
  agree(world)
  const backup = world.machine('a').disk.copy()
  registered(world, 'a', 'second')
  agree(world)
  restoredAlone(world, 'a', backup, ['b'])
  registered(world, 'a', 'alone')
  for (let i = 0; i < 100; i++) {
    world.crash('a')
    world.start('a')
    world.until(() => world.machine('a').live.readiness().ready, 5000, 'readiness alone', 500)
  }
  met(world)
  expect(shown(world)).toEqual(['alone first second'])
})

test.each([false, true])(
  'a peer that was off for 20 starts of another comes back into step (out of its reach: %s)',
  (isCut) => {
    const world = cluster('abc')
    registered(world, 'a', 'x')
    registered(world, 'a', 'removed')
    agree(world)
    world.crash('c')
    for (let i = 0; i < 20; i++) {
      world.crash('a')
      world.start('a')
      agree(world)
      world.run(3000)
      if (i === 3) done(world, world.deregister('a', 'removed'))
    }
    registered(world, 'a', 'y')
    if (isCut) world.cut('a', 'c')
    world.start('c')
    if (isCut) {
      world.run(10_000)
      world.heal()
    }
    agree(world)
    const { version } = world.machine('a').live.toJSON()
    world.run(30_000)
    expect(shown(world)).toEqual(['x y'])
    expect(world.machine('a').live.toJSON().version).toBe(version)
    expect(generationsOf(world, 'a')).toBe(0)
    expect(world.machine('a').eventsOf('warning')).toEqual([])
  },
)

test('two peers that hold different lines of one owner: both are merged, by the rules of the entries', () => {
  const world = cluster('abc')
  for (const id of ['base', 'taken', 'ended']) registered(world, 'a', id)
  done(world, world.define('a', 'def', { v: 0 }))
  agree(world)
  const backup = world.machine('a').disk.copy()
  world.crash('c')
  registered(world, 'a', 'withb')
  registered(world, 'a', 'taken', 1111)
  done(world, world.define('a', 'def', { v: 1 }))
  done(world, world.define('a', 'defb'))
  agree(world)
  world.crash('a')
  world.crash('b')
  world.machine('a').disk = backup
  world.startAll('a', 'c')
  agree(world)
  world.run(20_000)
  registered(world, 'a', 'withc')
  registered(world, 'a', 'taken', 2222)
  done(world, world.deregister('a', 'ended'))
  done(world, world.define('a', 'def', { v: 2 }))
  agree(world)
  world.crash('a')
  world.start('a')
  agree(world)
  world.run(20_000)
  world.start('b')
  agree(world)
  world.run(500)
  expect(shown(world)).toEqual(['base taken withb withc'])
  for (const name of 'abc') {
    expect(world.lookup(name, 'taken')).toEqual(['http://taken.test:2222'])
    expect(world.definitions(name)).toEqual(['def', 'defb'])
    expect(world.machine(name).live.read.definitions()[0]?.body).toEqual({ v: 2 })
  }
})

test('what was removed in the run of which the backup is stays away, though another peer took the line that still had it', () => {
  const world = cluster('abc')
  registered(world, 'a', 'kept')
  registered(world, 'a', 'gone')
  registered(world, 'a', 'patched')
  agree(world)
  const backup = world.machine('a').disk.copy()
  world.crash('c')
  done(world, world.deregister('a', 'gone'))
  registered(world, 'a', 'withb')
  const patch = { type: 'patch', weight: 5 } as const
  done(world, world.command('a', { type: 'act', id: 'patched', act: patch }))
  agree(world)
  world.crash('a')
  world.crash('b')
  world.machine('a').disk = backup
  world.startAll('a', 'c')
  agree(world)
  registered(world, 'a', 'withc')
  world.run(20_000)
  for (let i = 0; i < 2; i++) {
    world.crash('a')
    world.start('a')
    agree(world)
    world.run(20_000)
  }
  world.start('b')
  agree(world)
  world.run(500)
  expect(shown(world)).toEqual(['kept patched withb withc'])
  for (const name of 'abc') {
    const { read } = world.machine(name).live
    expect(read.lookup('patched', world.moment(name)).instances[0]?.weight).toBe(5)
  }
  world.run(20_000)
  expect(world.machine('a').disk.load().notes['baseline']).toBe('')
})

test('where a member is missing, who starts again and again takes the others along step by step: nothing is given back', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('c')
  for (let i = 0; i < 5; i++) {
    world.crash('a')
    world.start('a')
    agree(world)
    world.run(i === 2 ? 0 : 3000)
  }
  expect(
    world
      .machine('b')
      .live.read.members(world.moment('b'))
      .filter(({ trouble }) => trouble !== undefined),
  ).toEqual([])
  world.start('c')
  agree(world)
  expect(shown(world)).toEqual(['x'])
})

test('a backup of the very first run, made while others were still missing, is no different', () => {
  const world = new World({ seed: 1 })
  world.start('a')
  world.until(() => world.machine('a').live.readiness().ready, 5000, 'readiness alone')
  for (const id of ['x', 'gone']) registered(world, 'a', id)
  world.startAll('b', 'c')
  agree(world)
  const backup = world.machine('a').disk.copy()
  done(world, world.deregister('a', 'gone'))
  registered(world, 'a', 'newer')
  agree(world)
  restoredAlone(world, 'a', backup, ['b', 'c'])
  registered(world, 'a', 'alone')
  startedAlone(world, 'a', 2)
  met(world)
  expect(shown(world)).toEqual(['alone newer x'])
})

test('what is removed alone, on a backup from before anybody was met, stays away, though others have it of the run after that', () => {
  const world = new World({ seed: 1 })
  world.start('a')
  world.until(() => world.machine('a').live.readiness().ready, 5000, 'readiness alone')
  for (const id of ['x', 'gone']) registered(world, 'a', id)
  world.run(1000)
  const backup = world.machine('a').disk.copy()
  world.startAll('b', 'c')
  agree(world)
  registered(world, 'a', 'newer')
  agree(world)
  restoredAlone(world, 'a', backup, ['b', 'c'])
  done(world, world.deregister('a', 'gone'))
  startedAlone(world, 'a', 2)
  met(world)
  expect(shown(world)).toEqual(['newer x'])
})

test('peers with lines of one owner that it does not know itself: all of them are merged', () => {
  const world = cluster('abc')
  registered(world, 'a', 'base')
  agree(world)
  const backup = world.machine('a').disk.copy()
  world.crash('c')
  registered(world, 'a', 'withb')
  agree(world)
  world.crash('a')
  world.crash('b')
  world.machine('a').disk = backup.copy()
  world.startAll('a', 'c')
  agree(world)
  registered(world, 'a', 'withc')
  agree(world)
  world.crash('a')
  world.crash('c')
  world.machine('a').disk = backup
  world.start('a')
  world.until(() => world.machine('a').live.readiness().ready, 5000, 'readiness alone')
  registered(world, 'a', 'alone')
  startedAlone(world, 'a')
  world.startAll('b', 'c')
  agree(world)
  world.run(2000)
  expect(shown(world)).toEqual(['alone base withb withc'])
})

test('killed at any moment on the way into step, what was written alone is kept', () => {
  for (const after_ms of [0, 2, 5, 50, 300, 1000, 1200, 2000, 4000]) {
    const world = cluster('ab')
    registered(world, 'a', 'x')
    registered(world, 'a', 'gone')
    agree(world)
    const backup = world.machine('a').disk.copy()
    registered(world, 'a', 'y')
    done(world, world.deregister('a', 'gone'))
    agree(world)
    restoredAlone(world, 'a', backup, ['b'])
    registered(world, 'a', 'z')
    startedAlone(world, 'a')
    world.heal()
    world.run(after_ms)
    world.crash('a')
    world.start('a')
    agree(world)
    world.run(500)
    expect([after_ms, shown(world)]).toEqual([after_ms, ['x y z']])
  }
})

/** Its own document as an earlier version of this program has left it: it says nothing of ancestry. */
function ofEarlierVersion(world: World, name: string): void {
  const { disk } = world.machine(name)
  const stored = disk.load().documents.find(({ owner }) => owner === name)
  const signed = decodeHead(stored?.updates.at(-1)?.head ?? stored?.snapshot?.head ?? new Uint8Array())
  if (signed === undefined) throw new Error(`${name} has no document`)
  const entries = disk.entriesOf(name).map((entry) => {
    const { ancestry: _, ...fields } = JSON.parse(entry.value) as Record<string, unknown>
    return entry.map === 'node' ? { ...entry, value: canonicalJson(fields) } : entry
  })
  const crypto = cheapCrypto(name)
  const { epoch, client } = signed.head
  const document = new OwnDocument(crypto.hash, { entries, epoch, client })
  const { bytes } = signHead({ ...signed.head, digest: document.entries.digest() }, crypto)
  disk.write([{ type: 'snapshot', owner: name, head: bytes, content: document.encode() }], true)
  disk.write([{ type: 'note', name: 'history', value: '' }], true)
}

test('after an upgrade, what peers hold of the earlier version goes by order: nothing is given back, nothing returns', () => {
  const world = cluster('abc')
  for (const id of ['x', 'gone']) registered(world, 'a', id)
  agree(world)
  world.crash('c')
  done(world, world.deregister('a', 'gone'))
  for (let i = 0; i < 3; i++) {
    world.crash('a')
    if (i === 2) ofEarlierVersion(world, 'a')
    world.start('a')
    agree(world)
  }
  world.start('c')
  agree(world)
  world.run(2000)
  expect(shown(world)).toEqual(['x'])
  expect(generationsOf(world, 'a')).toBe(0)
})

test('earlier versions, which go by order, are told by the parent that starts alone knew nothing of what they hold', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  const backup = world.machine('a').disk.copy()
  const before = headOf(world, 'b')
  registered(world, 'a', 'y')
  agree(world)
  restoredAlone(world, 'a', backup, ['b'])
  startedAlone(world, 'a', 3)
  expect(headOf(world, 'a').parent).toEqual({ generation: before.generation, version: before.version })
  const { generation, version } = headOf(world, 'b')
  met(world)
  expect(headOf(world, 'b').parent).toEqual({ generation, version })
})

function headOf(world: World, name: string): Head {
  const stored = world
    .machine(name)
    .disk.load()
    .documents.find(({ owner }) => owner === 'a')
  return (decodeHead(stored?.updates.at(-1)?.head ?? stored?.snapshot?.head ?? new Uint8Array()) as SignedHead).head
}

test('what a node says of its ancestry stays short, however often it starts', () => {
  const world = cluster('ab')
  for (let i = 0; i < 15; i++) {
    world.crash('a')
    world.start('a')
    agree(world)
  }
  const record =
    world
      .machine('b')
      .disk.entriesOf('a')
      .find(({ key }) => key === nodeKey)?.value ?? ''
  const { ancestry } = JSON.parse(record) as { ancestry: { points: unknown[] } }
  expect(ancestry.points).toHaveLength(8)
  expect(showing(world, 'nothing')).toBe('')
})
