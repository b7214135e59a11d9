// Stories of D2: records of every shape that any version has accepted (test/records) are still read, listed and removed, be they of a
// peer or from the own disk. What callers are refused today stays readable.
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import type { Entry, MapName } from '../../../src/core/document/entries.js'
import { canonicalJson } from '../../../src/core/model/model.js'
import { readEntry } from '../../../src/core/records/kinds.js'
import { type SignedHead, signHead } from '../../../src/core/wire/head.js'
import { encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import type { World } from '../world.js'
import { agree, cluster, done } from './cluster.js'

interface Kept {
  readonly why: string
  readonly map: MapName
  readonly key: string
  readonly value: object
}

const folder = new URL('../../records/', import.meta.url)
const kept = readdirSync(folder)
  .sort()
  .map((name) => [name, JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Kept] as const)

function entryOf({ map, key, value }: Kept, owner: string): Entry {
  return { map, key, value: canonicalJson(value).replace('OWNER', owner) }
}

/** The document of an owner that holds this entry alone. */
function documentOf(entry: Entry, owner: string, generation: number): { signed: SignedHead; content: Uint8Array } {
  const document = new OwnDocument(cheapCrypto(owner).hash, { entries: [entry], epoch: 1, client: 7 })
  const head = {
    ...{ owner, generation, boot: '0123456789abcdef', epoch: 1, version: 99, incarnation: 0, client: 7 },
    digest: document.entries.digest(),
  }
  return { signed: signHead(head, cheapCrypto(owner)), content: document.encode() }
}

/** A machine that holds the record in the document of a member. */
function fromPeer(record: Kept): World {
  const world = cluster('a')
  const { signed, content } = documentOf(entryOf(record, 'peer'), 'peer', 5)
  const push = encodeSyncRequest({ type: 'push', parcels: [{ signed, content: { type: 'full', bytes: content } }] })
  world.feed('a', { type: 'request', from: 'peer', id: 1_000_000, bytes: push })
  world.run(1000)
  return world
}

/** A machine that starts with the record in its own document. */
function fromDisk(record: Kept): World {
  const world = cluster('a')
  const { generation } = world.machine('a').live
  world.crash('a')
  const { signed, content } = documentOf(entryOf(record, 'a'), 'a', generation)
  world.machine('a').disk.write([{ type: 'snapshot', owner: 'a', head: signed.bytes, content }], true)
  world.start('a')
  agree(world)
  world.run(1000)
  return world
}

/** The ids that a machine holds records of. */
function held(world: World, map: MapName): string[] {
  const { read } = world.machine('a').live
  const rows = read.rows(world.moment('a')).filter(({ reason }) => reason !== 'removed')
  return (map === 'instances' ? rows : read.definitions()).map(({ id }) => id)
}

const callable = kept.filter(([, { map }]) => map !== 'node')

test.each(callable)('%s of a peer', (_name, record) => {
  const world = fromPeer(record)
  expect(held(world, record.map)).toEqual([record.key])
  const isInstance = record.map === 'instances'
  done(world, isInstance ? world.deregister('a', record.key) : world.undefine('a', record.key))
  expect(held(world, record.map)).toEqual([])
})

test.each(callable)('%s of this node itself, after a start', (_name, record) => {
  const world = fromDisk(record)
  const { key, map } = record
  expect(held(world, map)).toEqual([key])
  if (map === 'instances') {
    const { read } = world.machine('a').live
    expect(read.instances(world.moment('a'), 'old').map(({ id }) => id)).toEqual([key])
    expect(read.pick('old')?.record.id).toBe(key)
  }
  done(world, map === 'instances' ? world.deregister('a', key) : world.undefine('a', key))
  expect(held(world, map)).toEqual([])
})

test.each(kept.filter(([, { map }]) => map === 'node'))('%s', (_name, { key, value }) => {
  expect(readEntry('node', key, canonicalJson(value))).toEqual(value)
})

test('every shape has a file, and each says why it is kept', () => {
  expect(kept.length).toBeGreaterThan(20)
  for (const [, { why }] of kept) expect(why).toMatch(/\w/)
})
