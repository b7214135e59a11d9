// Stories of D12: a head rightly signed over content that nobody can take. It is known by its head alone, and nobody is out of step for that.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import { encodeGossip } from '../../../src/core/wire/gossip.js'
import { type SignedHead, signHead } from '../../../src/core/wire/head.js'
import { decodeSyncRequest, encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import type { World } from '../world.js'
import { cluster, done, registered } from './cluster.js'

const mallory = 'mallory'
const document = new OwnDocument(cheapCrypto(mallory).hash, { entries: [], epoch: 1, client: 7 })

function signed(version: number, isRight = false): SignedHead {
  const digest = isRight ? document.entries.digest() : new Uint8Array(32).fill(version)
  const head = { owner: mallory, generation: 5, boot: '0'.repeat(16), epoch: 1, version, incarnation: 0, client: 7 }
  return signHead({ ...head, digest }, cheapCrypto(mallory))
}

/** It gives its document itself, or somebody else does in its name. */
function push(world: World, to: string, version: number, from = mallory, isRight = false): void {
  const content = { type: 'full', bytes: document.encode() } as const
  const parcels = [{ signed: signed(version, isRight), content }]
  world.feed(to, { type: 'request', from, id: 1_000_000, bytes: encodeSyncRequest({ type: 'push', parcels }) })
}

/** Questions for documents, by all. */
function countQuestions(world: World): { count: number } {
  const asked = { count: 0 }
  world.wires.tap = ({ kind, bytes }) => {
    if (kind === 'request' && decodeSyncRequest(bytes)?.type === 'sync') asked.count += 1
  }
  return asked
}

test('D12: content that is not what its owner has signed is told, asked for no more, and keeps nobody out of step', () => {
  const world = cluster('abc')
  push(world, 'a', 1)
  world.run(10_000)
  expect(world.digests().size).toBe(1)
  const asked = countQuestions(world)
  world.run(60_000)
  expect(asked.count).toBeLessThanOrEqual(3)
  const told = world.machine('a').live.read.members(world.moment('a'))
  expect(told.find(({ peer }) => peer === mallory)?.trouble).toMatch(/not what it has signed/)
  expect(
    world
      .machine('a')
      .eventsOf('warning')
      .filter(({ message }) => message.includes('not what it has signed')),
  ).toHaveLength(1)

  push(world, 'b', 2, mallory, true)
  world.until(() => world.machine('a').live.toJSON().declined === 0, 130_000, 'the right content everywhere')
  expect(
    world
      .machine('a')
      .live.read.members(world.moment('a'))
      .find(({ peer }) => peer === mallory)?.trouble,
  ).toBe(undefined)
})

test('D12: whoever brings wrong content in the name of another keeps nobody from the right one', () => {
  const world = cluster('ab')
  registered(world, 'b', 'x')
  push(world, 'a', 1, 'b')
  world.run(5000)
  expect(world.machine('a').live.toJSON().declined).toBe(0)
  push(world, 'a', 1, mallory, true)
  expect(
    world
      .machine('a')
      .live.read.digest()
      .documents.some(({ owner }) => owner === mallory),
  ).toBe(true)
})

test('D12: an owner that signs wrong content again and again is looked at once a minute', () => {
  const world = cluster('ab')
  world.feed('a', { type: 'connected', peer: mallory })
  push(world, 'a', 1)
  const asked = { count: 0 }
  world.wires.tap = ({ kind, from, to }) => {
    if (kind === 'request' && from === 'a' && to === mallory) asked.count += 1
  }
  for (let version = 2; version < 600; version++) {
    const step = { fromEpoch: 1, fromVersion: version - 1, bytes: Uint8Array.of(1, 2, 3) }
    const bytes = encodeGossip({ type: 'update', signed: signed(version), step })
    world.feed('a', { type: 'gossip', author: mallory, bytes })
    world.run(100)
  }
  expect(asked.count).toBeLessThanOrEqual(3)
  done(world, world.define('a', 'd'))
  world.until(() => world.definitions('b').includes('d'), 5000, 'the write')
})
