// Stories of D9 and D10: lookups in doubt; disks that fail, and power that goes.
import { expect, test } from 'vitest'
import { decodeSyncResponse, encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { World } from '../world.js'
import { agree, cluster, done, refused, registered, rows, showing, shownStatus, urlOf } from './cluster.js'

function lookedUp(world: World, name: string, slug: string): { urls: string[]; degraded: boolean; picked?: string } {
  const { instances, degraded, picked } = world.machine(name).live.read.lookup(slug, world.moment(name))
  return { urls: instances.map(({ url }) => url).sort(), degraded, ...(picked && { picked: picked.url }) }
}

test('D9: an unknown slug is not known; a known one with nothing visible is an empty list', () => {
  const world = cluster('abcd')
  registered(world, 'd', 'x')
  agree(world)
  world.crash('d')
  world.run(2000)
  expect(world.lookup('a', 'x')).toEqual([])
  expect(world.lookup('a', 'y')).toBeUndefined()
  expect(world.machine('a').live.read.pick('x')).toBeUndefined()
})

test('D9: a record that no lookup shows says why, with a code for programs', () => {
  const world = cluster('abcde')
  const reason = (id: string, owner: string, by = 'a'): string | undefined =>
    world
      .machine(by)
      .live.read.rows(world.moment(by))
      .find((row) => row.id === id && row.owner === owner)?.reason
  for (const name of 'bcde') registered(world, name, `of-${name}`)
  for (const id of ['moved', 'removed']) registered(world, 'e', id)
  done(world, world.command('b', { type: 'act', id: 'of-b', act: { type: 'maintenance', reason: 'repair' } }))
  agree(world)
  expect([reason('of-b', 'b'), reason('of-c', 'c')]).toEqual(['maintenance', undefined])
  world.leave('c')
  world.crash('d')
  world.crash('e')
  world.until(() => reason('of-d', 'd') !== undefined, 2000, 'd hidden')
  expect([reason('of-c', 'c'), reason('of-d', 'd')]).toEqual(['node-left', 'node-hidden'])
  done(world, world.register('a', { id: 'moved', slug: 'moved', url: urlOf('elsewhere') }))
  done(world, world.deregister('a', 'removed'))
  expect([reason('moved', 'e'), reason('moved', 'a'), reason('removed', 'e')]).toEqual([
    'superseded',
    undefined,
    'removed',
  ])
  world.run(10_000)
  expect(reason('of-d', 'd')).toBe('node-dead')
  world.crash('a')
  world.start('a')
  expect(reason('of-d', 'd')).toBe('node-unknown')
})

test('D9: a lookup is degraded only where fewer than half of those once visible are', () => {
  const world = cluster('abcde')
  for (const name of 'abcde') done(world, world.register(name, { slug: 's', url: urlOf(name) }))
  agree(world)
  world.run(61_000)
  world.crash('e')
  world.crash('d')
  world.run(15_000)
  expect(lookedUp(world, 'a', 's')).toMatchObject({ urls: [...'abc'].map((name) => urlOf(name)), degraded: false })
  world.crash('c')
  world.run(15_000)
  expect(lookedUp(world, 'a', 's').degraded).toBe(true)
  expect(lookedUp(world, 'a', 's').urls).toEqual([...'abcde'].map((name) => urlOf(name)))
})

test('D9: a degraded lookup never shows what was removed, fenced or left', () => {
  const world = cluster('abcdef')
  for (const name of 'abcdef') registered(world, name, `of-${name}`)
  agree(world)
  world.run(61_000)
  world.leave('f')
  world.run(200)
  for (const name of 'bcde') world.vanish(name)
  world.run(15_000)
  expect(lookedUp(world, 'a', 'of-b')).toMatchObject({ urls: [urlOf('of-b')], degraded: true })
  done(world, world.deregister('a', 'of-b'))
  done(world, world.command('a', { type: 'remove-node', owner: 'c' }))
  world.run(200)
  expect(world.lookup('a', 'of-b')).toBeUndefined()
  expect(world.lookup('a', 'of-c')).toBeUndefined()
  expect(world.lookup('a', 'of-f')).toEqual([])
  expect(lookedUp(world, 'a', 'of-d')).toMatchObject({ urls: [urlOf('of-d')], picked: urlOf('of-d'), degraded: true })
})

test('D9: one started alone from its disk is in doubt and shows what it last knew', () => {
  const world = cluster('abcd')
  registered(world, 'b', 'x')
  agree(world)
  for (const name of 'abcd') world.crash(name)
  world.start('a')
  world.run(200)
  expect(lookedUp(world, 'a', 'x')).toMatchObject({ urls: [urlOf('x')], degraded: true })
  world.startAll(...'bcd')
  agree(world)
  world.run(1000)
  expect(lookedUp(world, 'a', 'x').degraded).toBe(false)
})

test('D9: doubt ends when the others have been gone for so long that nobody expects them', () => {
  const world = cluster('abc')
  world.run(61_000)
  registered(world, 'a', 'x')
  world.crash('b')
  world.crash('c')
  world.run(20_000)
  expect(lookedUp(world, 'a', 'x').degraded).toBe(true)
  world.run(17 * 60_000)
  expect(lookedUp(world, 'a', 'x').degraded).toBe(false)
})

test('D10: a disk that fails refuses writes with a clear error, and nothing is lost', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.machine('a').disk.failure = 'ENOSPC: no space left'
  expect(refused(world, world.register('a', { id: 'y', slug: 'y', url: urlOf('y') }))).toBe('unavailable')
  world.run(100)
  const answer = world.register('a', { id: 'z', slug: 'z', url: urlOf('z') })
  expect(refused(world, answer)).toBe('unavailable')
  expect(answer.result?.error?.message).toMatch(/ENOSPC/)
  expect(world.machine('a').live.readiness().reasons.join()).toMatch(/ENOSPC/)
  expect(world.lookup('a', 'x')).toEqual([urlOf('x')])
  expect(world.lookup('b', 'y')).toBeUndefined() // nothing that is not on disk is published
  world.machine('a').disk.failure = undefined
  world.run(3000)
  expect(world.machine('a').live.readiness().ready).toBe(true)
  registered(world, 'a', 'z')
  agree(world)
  world.vanish('a')
  world.start('a')
  agree(world)
  world.run(1000)
  expect(showing(world, 'x') + showing(world, 'z')).toBe('abcabc')
})

/** What people were told of the disk of a machine, in its words but for the cause. */
function toldOfDisk(world: World, name: string): string[] {
  const told = world
    .machine(name)
    .eventsOf('warning')
    .map(({ message }) => message)
  return told
    .filter((message) => message.startsWith('the disk'))
    .map((message) => message.replace(/ again.*| \(.*/, (end) => (end.startsWith(' again') ? ' again' : '')))
}

test('D10: a disk that refuses is told of once for each of what it refuses, and so is its end', () => {
  const world = cluster('abc')
  agree(world)
  world.machine('a').disk.failure = 'ENOSPC: no space left'
  for (const id of ['x', 'y']) {
    registered(world, 'b', id)
    world.register('a', { id: `${id}-here`, url: urlOf(id) })
    world.run(5000)
  }
  expect(toldOfDisk(world, 'a').sort()).toEqual([
    'the disk refuses copies of the records of other nodes',
    'the disk refuses the records of this node',
  ])
  world.machine('a').disk.failure = undefined
  world.run(3000)
  registered(world, 'b', 'z')
  agree(world)
  expect(toldOfDisk(world, 'a').sort()).toEqual([
    'the disk refuses copies of the records of other nodes',
    'the disk refuses the records of this node',
    'the disk takes copies of the records of other nodes again',
    'the disk takes the records of this node again',
  ])
})

test('D10: a generation that cannot be written is told of once, however often it is tried', () => {
  const world = cluster('ab')
  world.crash('a')
  world.run(100)
  world.machine('a').disk.failure = 'EIO'
  world.start('a')
  world.run(20_000)
  expect(toldOfDisk(world, 'a')).toEqual(['the disk refuses the generation of this node'])
  world.machine('a').disk.failure = undefined
  world.until(() => world.machine('a').live.readiness().ready, 20_000, 'readiness')
  expect(toldOfDisk(world, 'a')).toContain('the disk takes the generation of this node again')
})

test('D10: a disk that fails from the start keeps the node silent until it works', () => {
  const world = cluster('ab')
  world.crash('a')
  world.run(100)
  world.machine('a').disk.failure = 'EIO'
  world.start('a')
  world.run(5000)
  expect(world.machine('a').live.readiness().ready).toBe(false)
  world.machine('a').disk.failure = undefined
  world.until(() => world.machine('a').live.readiness().ready, 20_000, 'readiness')
  agree(world)
})

test('D10: a node is ready once its first head is on disk, and not before', () => {
  const world = cluster('ab')
  world.crash('a')
  const { generation } = world.machine('a').disk
  const readied = (): number => world.machine('a').eventsOf('ready').length
  const before = readied()
  world.start('a')
  world.until(() => world.machine('a').disk.generation > generation, 5000, 'the new generation on disk')
  world.machine('a').disk.failure = 'EIO'
  world.run(10_000)
  expect(readied()).toBe(before)
  expect(world.machine('a').live.readiness().ready).toBe(false)
  world.machine('a').disk.failure = undefined
  world.until(() => world.machine('a').live.readiness().ready, 5000, 'readiness')
  expect(readied()).toBe(before + 1)
})

test('D10: what a restarted node could not check by then is shown as unknown, not as it was before', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  expect(shownStatus(world, 'b', 'x')).toBe('Healthy')
  world.crash('a')
  world.service(urlOf('x'), 'silent')
  world.start('a')
  agree(world)
  expect(shownStatus(world, 'b', 'x')).toBe('Unknown')
})

test('D10: copies that could not be written are fetched again after the next start', () => {
  const world = cluster('abc')
  registered(world, 'a', 'before')
  agree(world)
  world.machine('b').disk.failure = 'EIO'
  registered(world, 'a', 'x')
  world.run(2000)
  world.machine('b').disk.failure = undefined
  world.run(3000)
  registered(world, 'a', 'y')
  agree(world)
  world.crash('b')
  world.start('b')
  agree(world)
  expect(rows(world, 'b', 'x')).toEqual(['a#1'])
})

test('D10: a power cut at any instant keeps every acknowledged write', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const world = new World({ seed, fsync_ms: 3 })
    world.startAll('a', 'b')
    agree(world)
    const kept: string[] = []
    for (let i = 0; i < 20; i++) {
      const answer = world.register('a', { id: `i${i}`, slug: `s${i}`, url: urlOf(`s${i}`) })
      world.run(world.random.below(8))
      if (answer.result?.ok === true) kept.push(`i${i}`)
    }
    world.vanish('a')
    world.run(world.random.below(3000))
    world.start('a')
    world.until(() => world.machine('a').live.readiness().ready, 10_000, 'readiness')
    agree(world)
    expect(world.instances('a'), `seed ${seed}`).toEqual(expect.arrayContaining(kept))
    expect(world.instances('b'), `seed ${seed}`).toEqual(expect.arrayContaining(kept))
  }
})

test('D10: a power cut that takes copies of others back costs a sync and nothing more', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World({ seed })
    world.startAll('a', 'b')
    agree(world)
    for (let i = 0; i < 10; i++) registered(world, 'b', `s${i}`)
    world.vanish('a')
    world.run(100)
    world.start('a')
    agree(world)
    expect(world.instances('a'), `seed ${seed}`).toHaveLength(10)
  }
})

test('D10: updates on disk are folded into a snapshot before they outgrow it, at the owner and at every copy', () => {
  const world = cluster('ab')
  for (let i = 0; i < 60; i++) done(world, world.define('a', `d${i}`, { text: String(i).padEnd(20_000, 'x') }))
  agree(world)
  for (const name of 'ab') {
    const kept = world
      .machine(name)
      .disk.load()
      .documents.find(({ owner }) => owner === 'a')
    const updates = kept?.updates.reduce((sum, { head, update }) => sum + head.length + update.length, 0) ?? 0
    const snapshot = kept?.snapshot?.content.length ?? 0
    expect(snapshot).toBeGreaterThan(256 * 1024)
    expect(updates).toBeLessThanOrEqual(snapshot)
    expect(updates + snapshot).toBeGreaterThan(60 * 20_000)
  }
})

test('D10: while a write of a node does not get onto its disk, its document is given to nobody', () => {
  const world = cluster('ab')
  const everything = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] })
  const given = (id: number): string[] => {
    const request = { type: 'request', from: 'b', id, bytes: everything } as const
    const replies = world.machine('a').live.handle(request, world.moment('a'))
    const responses = replies.map((effect) => (effect.type === 'reply' ? decodeSyncResponse(effect.bytes) : undefined))
    return responses.flatMap((response) =>
      response?.type === 'documents' ? response.parcels.map(({ signed }) => signed.head.owner) : [],
    )
  }
  expect(given(71)).toEqual(['a', 'b'])
  world.machine('a').disk.failure = 'ENOSPC: no space left'
  expect(refused(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x') }))).toBe('unavailable')
  world.run(100)
  expect(given(72)).toEqual(['b'])
  world.machine('a').disk.failure = undefined
  agree(world)
  expect(given(73)).toEqual(['a', 'b'])
})
