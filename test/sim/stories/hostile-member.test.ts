// Stories of D12: a member may write whatever it likes into its own document and its answers; nobody else crashes, stalls or loses anything.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import type { Entry } from '../../../src/core/document/entries.js'
import { hex } from '../../../src/core/model/model.js'
import { encodeGossip } from '../../../src/core/wire/gossip.js'
import { type Head, type SignedHead, signHead } from '../../../src/core/wire/head.js'
import { wireLimits } from '../../../src/core/wire/limits.js'
import { type Parcel, encodeSyncRequest, encodeSyncResponse } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import type { World } from '../world.js'
import { agree, cluster, done, refused, registered, showing } from './cluster.js'

const mallory = 'mallory'
const client = 7

/** A document of mallory's, honestly signed. */
class Forgery {
  readonly document: OwnDocument
  version = 1
  readonly #owner: string

  constructor(entries: readonly Entry[], owner = mallory) {
    this.#owner = owner
    this.document = new OwnDocument(cheapCrypto(owner).hash, { entries, epoch: 1, client })
  }

  get signed(): SignedHead {
    const head = {
      owner: this.#owner,
      generation: 5,
      boot: 'badbadbadbadbad0',
      epoch: 1,
      version: this.version,
      incarnation: 0,
      client,
      digest: this.document.entries.digest(),
    }
    return signHead(head, cheapCrypto(this.#owner))
  }

  /** As it is pushed to somebody. */
  get push(): Uint8Array {
    const content = { type: 'full', bytes: this.document.encode() } as const
    return encodeSyncRequest({ type: 'push', parcels: [{ signed: this.signed, content }] })
  }
}

function receive(world: World, name: string, push: Uint8Array): void {
  world.feed(name, { type: 'request', from: mallory, id: 1_000_000, bytes: push })
}

function fenceEntry(owner: string, head: SignedHead): Entry {
  return { map: 'fences', key: owner, value: JSON.stringify({ at: 1, head: hex(head.bytes) }) }
}

test('a fence needs a head that its victim has signed', () => {
  const world = cluster('ab')
  registered(world, 'b', 'x')
  agree(world)
  const generation = world.machine('b').live.generation
  const invented = signHead({ ...new Forgery([]).signed.head, owner: 'b', generation: 2 ** 44 }, cheapCrypto(mallory))
  const claims: Entry[] = [fenceEntry('b', invented), { map: 'fences', key: 'a', value: '{"at":1,"generation":1e12}' }]
  for (const name of 'ab') receive(world, name, new Forgery(claims).push)
  world.run(5000)
  expect(world.machine('b').live.generation).toBe(generation)
  expect(showing(world, 'x')).toBe('ab')
})

test('an answer that claims a fence without proof changes nothing', () => {
  const world = cluster('ab')
  const generation = world.machine('a').live.generation
  const fence = signHead({ ...new Forgery([]).signed.head, owner: 'a', generation: 2 ** 44 }, cheapCrypto(mallory))
  world.wires.tap = (sent) => {
    if (sent.kind !== 'request') return undefined
    const witness = { stale: false, heardOfAsker: true, silence_s: 0, fence }
    world.feed('a', { type: 'response', id: 1, bytes: encodeSyncResponse({ type: 'end', wanted: [], witness }) })
    return undefined
  }
  world.crash('b')
  world.start('b')
  world.run(5000)
  expect(world.machine('a').live.generation).toBe(generation)
})

test('thousands of fences in one document all count, and stop nobody', () => {
  const world = cluster('a')
  const heads = Array.from({ length: 3000 }, (_, i) => new Forgery([], `peer${i}`))
  receive(world, 'a', new Forgery(heads.map(({ signed }) => fenceEntry(signed.head.owner, signed))).push)
  world.run(1000)
  for (const fenced of heads.slice(-3)) receive(world, 'a', fenced.push)
  const owners = world
    .machine('a')
    .live.read.digest()
    .documents.map(({ owner }) => owner)
  expect(owners).toEqual(['a', mallory])
  done(world, world.define('a', 'still-works'))
  expect(world.definitions('a')).toEqual(['still-works'])
})

test('a definition nested too deep is nobody else’s problem', () => {
  const world = cluster('a')
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const value = `{"definition":{"id":"user-svc","x":${deep}},"stamp":9,"writer":"${mallory}"}`
  receive(world, 'a', new Forgery([{ map: 'definitions', key: 'user-svc', value }]).push)
  expect(world.definitions('a')).toEqual([])
  done(world, world.define('a', 'user-svc'))
  expect(world.definitions('a')).toEqual(['user-svc'])
  done(world, world.command('a', { type: 'remove-node', owner: mallory }))
})

test('a document does not grow beyond its limit step by step', () => {
  const world = cluster('a')
  const forgery = new Forgery([])
  receive(world, 'a', forgery.push)
  const chunk = 'x'.repeat(wireLimits.entryBytes / 16)
  for (let i = 0; i < 20; i++) {
    const from = forgery.version
    const bytes = forgery.document.write([{ map: 'definitions', key: `k${i}`, after: chunk }])
    forgery.version += 1
    const content = { type: 'step', fromEpoch: 1, fromVersion: from, bytes } as const
    receive(world, 'a', encodeSyncRequest({ type: 'push', parcels: [{ signed: forgery.signed, content }] }))
    world.run(10)
  }
  expect(world.machine('a').live.dropped()).toHaveProperty('update is not what its head says')
  const held = world
    .machine('a')
    .live.read.digest()
    .documents.find(({ owner }) => owner === mallory)
  expect(held?.version).toBeLessThan(17)
})

test('a document whose Yjs client is nobody is refused, and no step makes one of it', () => {
  const world = cluster('a')
  const forgery = new Forgery([])
  const push = (more: Partial<Head>, content: Parcel['content']): void => {
    const signed = signHead({ ...forgery.signed.head, ...more, client: 0 }, cheapCrypto(mallory))
    receive(world, 'a', encodeSyncRequest({ type: 'push', parcels: [{ signed, content }] }))
  }
  const right = (version: number): Parcel => {
    const signed = signHead({ ...forgery.signed.head, version }, cheapCrypto(mallory))
    return { signed, content: { type: 'full', bytes: forgery.document.encode() } }
  }
  const wrong = { type: 'step', fromEpoch: 1, fromVersion: 1, bytes: Uint8Array.of(1, 2, 3) } as const
  push({}, { type: 'full', bytes: forgery.document.encode() })
  push({ version: 2 }, wrong) // of what it had, only the entries would be left, and nobody to write them again
  receive(world, 'a', encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] }))
  expect(world.machine('a').live.dropped()).toEqual({ 'content is not what its head says': 1 })

  receive(world, 'a', encodeSyncRequest({ type: 'push', parcels: [right(3)] }))
  push({ version: 4, epoch: 2 }, { ...wrong, fromVersion: 3 })
  expect(world.machine('a').live.dropped()).toHaveProperty('update is not what its head says')
})

test('hundreds of documents with invented owners leave the clock running and the doors open', () => {
  const world = cluster('ab')
  for (let i = 0; i < 300; i++) receive(world, 'a', new Forgery([], `ghost${i}`).push)
  world.run(3000)
  done(world, world.register('a', { id: 'x', slug: 'x', url: 'http://x.test:80' }))
  world.until(() => showing(world, 'x') === 'ab', 1000, 'the write')
})

test('however many owners somebody makes up, what nobody has kept up any more ends', () => {
  const world = cluster('abcd')
  const abandoned = { id: 'x', slug: 'x', url: 'http://x.test', deregisterAfter: '10s' }
  done(world, world.register('d', abandoned))
  agree(world)
  for (const name of 'abc') for (let i = 0; i < 20; i++) receive(world, name, new Forgery([], `nobody${i}`).push)
  world.run(61_000)
  world.vanish('d')
  world.run(60_000)
  const rows = world.machine('a').live.read.rows(world.moment('a'))
  expect(rows.map(({ id, reason }) => `${id} ${reason}`)).toEqual(['x removed'])
})

test('while the disk refuses writes every call is answered, and so is every question of others', () => {
  const world = cluster('ab')
  registered(world, 'b', 'x')
  agree(world)
  world.machine('a').disk.failure = 'ENOSPC'
  const answers = Array.from({ length: 20 }, (_, i) => {
    world.run(i % 3)
    return world.register('a', { id: `i${i}`, url: `http://i${i}.test:80` })
  })
  for (const answer of answers) expect(refused(world, answer)).toBe('unavailable')
  const c = world.start('c')
  world.run(5000)
  expect(c.live.read.instances(world.moment('c')).map(({ id }) => id)).toContain('x')
  world.machine('a').disk.failure = undefined
  world.run(5000)
  agree(world)
})

test('an unreadable message of any kind is counted', () => {
  const world = cluster('a')
  const junk = encodeGossip({ type: 'update', signed: new Forgery([]).signed }).subarray(0, 40)
  world.feed('a', { type: 'gossip', author: mallory, bytes: junk })
  world.feed('a', { type: 'beat', from: mallory, bytes: junk })
  world.feed('a', { type: 'request', from: mallory, id: 3, bytes: junk })
  world.feed('a', { type: 'response', id: 3, bytes: junk })
  expect(Object.keys(world.machine('a').live.dropped()).sort()).toEqual([
    'answer to no question',
    'unreadable gossip',
    'unreadable heartbeat',
    'unreadable request',
  ])
})
