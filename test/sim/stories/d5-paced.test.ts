// Stories of D5: an answer is made as it is read, so that nobody who asks and does not read costs more than a few pieces.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import type { Effect } from '../../../src/core/effects.js'
import { paceLimits } from '../../../src/core/sync/pace.js'
import { waitingLimits } from '../../../src/core/sync/waiting-bytes.js'
import { signHead } from '../../../src/core/wire/head.js'
import { wireLimits } from '../../../src/core/wire/limits.js'
import { type Holding, decodeSyncResponse, encodeSyncRequest, encodeSyncResponse } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import { World } from '../world.js'
import { agree, cluster, done, registered, showing } from './cluster.js'

const megabyte = 1024 * 1024

/** The document of somebody with one large entry, as it is pushed. */
function pushOf(owner: string, bytes: number): Uint8Array {
  const crypto = cheapCrypto(owner)
  const value = JSON.stringify({ definition: { id: owner, x: 'x'.repeat(bytes) }, stamp: 1, writer: owner })
  const document = new OwnDocument(crypto.hash, {
    entries: [{ map: 'definitions', key: owner, value }],
    epoch: 1,
    client: 7,
  })
  const head = { owner, generation: 5, boot: '0'.repeat(16), epoch: 1, version: 1, incarnation: 0, client: 7 }
  const signed = signHead({ ...head, digest: document.entries.digest() }, crypto)
  return encodeSyncRequest({ type: 'push', parcels: [{ signed, content: { type: 'full', bytes: document.encode() } }] })
}

/** A machine that holds documents of so many bytes, and all that it says to those who are no machine. */
function library(
  documents: number,
  bytes: number,
): { world: World; replies: (Effect & { type: 'reply' })[]; asked: () => Effect[] } {
  const replies: (Effect & { type: 'reply' })[] = []
  const requests: Effect[] = []
  const world = new World({
    seed: 1,
    watch: (_machine, _now, _input, effects) => {
      for (const effect of effects) if (effect.type === 'reply' && effect.id >= 1_000_000) replies.push(effect)
      for (const effect of effects) if (effect.type === 'request') requests.push(effect)
    },
  })
  world.start('a')
  world.feed('a', { type: 'beginning', stage: 'over' })
  agree(world)
  for (let i = 0; i < documents; i++) {
    world.feed('a', { type: 'request', from: 'mallory', id: 100 + i, bytes: pushOf(`owner${i}`, bytes) })
    world.run(10)
  }
  return { world, replies, asked: () => requests }
}

const everything = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] })

function bytesOf(effects: readonly { readonly bytes: Uint8Array }[]): number {
  return effects.reduce((total, { bytes }) => total + bytes.length, 0)
}

test('questions whose answers nobody reads cost a few pieces, however many they are', () => {
  const { world, replies } = library(3, 3 * megabyte)
  for (let i = 0; i < 256; i++)
    world.feed('a', { type: 'request', from: `mallory${i % 8}`, id: 1_000_000 + i, bytes: everything })
  world.run(1000)
  expect(bytesOf(replies)).toBeLessThan(waitingLimits.bytes + 8 * 4 * megabyte)
  done(world, world.define('a', 'still-works'))

  // Whoever reads is answered to the end, though others do not; those are let go once they are cut off.
  const before = replies.length
  world.feed('a', { type: 'request', from: 'honest', id: 2_000_000, bytes: everything })
  for (let piece = before; piece < before + 5; piece++) {
    world.run(10)
    expect(replies[piece]?.id).toBe(2_000_000)
    world.feed('a', { type: 'gone', id: 2_000_000, ok: true })
  }
  expect(replies.at(-1)?.last).toBe(true)
  expect(replies).toHaveLength(before + 5)
  for (let i = 0; i < 256; i++) world.feed('a', { type: 'gone', id: 1_000_000 + i, ok: false })
  for (let i = 0; i < 256; i++) world.feed('a', { type: 'gone', id: 1_000_000 + i, ok: false })
  world.run(1000)
  expect(JSON.parse(JSON.stringify(world.machine('a').live))).toMatchObject({ waitingAnswers: 0 })
})

test.each([
  ['small', 12, 0.7],
  ['large', 6, 1.5],
])('of %s documents one turn makes a few pieces, and those who read get all, each once', (_, documents, megabytes) => {
  const { world, replies } = library(documents, megabytes * megabyte)
  world.feed('a', { type: 'request', from: 'reader', id: 1_000_000, bytes: everything })
  const owners: string[] = []
  for (let read = 0; read < replies.length; read++) {
    expect(bytesOf(replies.slice(read))).toBeLessThanOrEqual(paceLimits.answerBytes + 1.5 * megabyte)
    const said = decodeSyncResponse((replies[read] as { bytes: Uint8Array }).bytes)
    if (said?.type === 'documents') owners.push(...said.parcels.map(({ signed }) => signed.head.owner))
    world.feed('a', { type: 'gone', id: 1_000_000, ok: true })
    world.run(1)
  }
  expect(replies.at(-1)?.last).toBe(true)
  expect(owners).toHaveLength(documents + 1)
  expect(new Set(owners).size).toBe(documents + 1)
})

test('what many give up at one moment is made room for: one turn fills what one may, the next turns the rest', () => {
  const { world, replies } = library(3, 3 * megabyte)
  for (let i = 0; i < 256; i++)
    world.feed('a', { type: 'request', from: `mallory${i % 8}`, id: 1_000_000 + i, bytes: everything })
  world.run(1000)
  const before = replies.length
  for (let id = 1_000_000; id < 1_000_128; id++) world.feed('a', { type: 'gone', id, ok: false })
  expect(replies.length).toBeLessThanOrEqual(before + 1) // a large one, which is more than a turn's by itself
  world.run(1000)
  expect(replies.length).toBeGreaterThan(before + 1)
})

test('documents that a peer names go to it a message at a time, however many it names', () => {
  const { world, asked } = library(8, 1.5 * megabyte)
  world.feed('a', { type: 'connected', peer: 'mallory' })
  const sync = asked().find((effect) => effect.type === 'request' && effect.to === 'mallory') as { id: number }
  const wanted: Holding[] = Array.from({ length: 8 }, (_, i) => ({
    ...{ owner: `owner${i}`, generation: 1, version: 0, boot: '', epoch: 0, clock: 0 },
  }))
  const witness = { stale: false, heardOfAsker: true, silence_s: 0 }
  const before = asked().length
  world.feed('a', { type: 'response', id: sync.id, bytes: encodeSyncResponse({ type: 'end', wanted, witness }) })
  const pushes = (): { id: number; bytes: Uint8Array }[] =>
    asked()
      .slice(before)
      .filter((effect) => effect.type === 'request' && effect.to === 'mallory') as never
  expect(bytesOf(pushes())).toBeLessThan(4 * megabyte)
  for (let i = 0; i < 8; i++) {
    world.feed('a', { type: 'wake' }) // its next turn
    world.feed('a', { type: 'closed', id: (pushes()[i] as { id: number }).id, ok: true })
  }
  expect(pushes()).toHaveLength(8)
})

test('neither those who ask without end nor what is pushed keeps the other waiting', () => {
  const { world, replies, asked } = library(3, 1.5 * megabyte)
  const [questions, seen] = [new Set<number>(), { replies: replies.length, pushes: 0 }]
  const ask = (id: number): void => {
    questions.add(id)
    world.feed('a', { type: 'request', from: `reader${id % 8}`, id, bytes: everything })
  }
  world.feed('a', { type: 'connected', peer: 'mallory' })
  const sync = asked().find((effect) => effect.type === 'request' && effect.to === 'mallory') as { id: number }
  const wanted: Holding[] = [0, 1, 2].map((i) => ({
    ...{ owner: `owner${i}`, generation: 1, version: 0, boot: '', epoch: 0, clock: 0 },
  }))
  const witness = { stale: false, heardOfAsker: true, silence_s: 0 }
  for (let id = 1_000_000; id < 1_000_064; id++) ask(id)
  world.feed('a', { type: 'response', id: sync.id, bytes: encodeSyncResponse({ type: 'end', wanted, witness }) })
  const isPush = (effect: Effect): effect is Effect & { type: 'request' } =>
    effect.type === 'request' && effect.to === 'mallory' && effect.bytes.length > megabyte
  const turns = 30
  for (let turn = 0; turn < turns; turn++) {
    world.feed('a', { type: 'wake' })
    for (; seen.replies < replies.length; seen.replies++)
      world.feed('a', { type: 'gone', id: replies[seen.replies]?.id as number, ok: true })
    const pushes = asked().filter(isPush)
    for (; seen.pushes < pushes.length; seen.pushes++) {
      world.feed('a', { type: 'closed', id: (pushes[seen.pushes] as { id: number }).id, ok: true })
      // It names them anew: there is always more to push.
      world.feed('a', { type: 'response', id: sync.id, bytes: encodeSyncResponse({ type: 'end', wanted, witness }) })
    }
  }
  expect(seen.pushes).toBeGreaterThanOrEqual(turns / 2 - 1)
  expect(bytesOf(replies)).toBeGreaterThan((turns / 2 - 1) * 1.5 * megabyte)
})

test('what many ask for at once is encoded once', () => {
  const { world, replies } = library(1, 3 * megabyte)
  for (let i = 0; i < 8; i++) world.feed('a', { type: 'request', from: `p${i}`, id: 1_000_000 + i, bytes: everything })
  world.run(10)
  const contents = replies.flatMap(({ bytes }) => {
    const said = decodeSyncResponse(bytes)
    return said?.type === 'documents' ? said.parcels : []
  })
  expect(contents.filter(({ signed }) => signed.head.owner === 'owner0')).toHaveLength(8)
})

test('questions that name all documents again and again are bounded for each peer', () => {
  const { world, replies } = library(0, 0)
  const holdings = Array.from({ length: wireLimits.documents }, (_, i) => ({
    ...{ owner: `o${i}`, generation: 1, version: 1, boot: '', epoch: 0, clock: 0 },
  }))
  const bytes = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings })
  for (let i = 0; i < 10; i++) world.feed('a', { type: 'request', from: 'mallory', id: 1_000_000 + i, bytes })
  world.run(100)
  const answered = replies.filter((reply) => reply.bytes.length > 0)
  expect(answered.length).toBeLessThanOrEqual(4)
  expect(world.machine('a').live.dropped()['too many questions at once']).toBeGreaterThan(5)
})

test('a cluster with much to exchange agrees as before', () => {
  const world = cluster('ab')
  for (let i = 0; i < 5; i++) registered(world, 'a', `x${i}`)
  world.crash('b')
  for (let i = 0; i < 6; i++)
    world.feed('a', { type: 'request', from: 'mallory', id: 100 + i, bytes: pushOf(`owner${i}`, 3 * megabyte) })
  world.start('b')
  world.until(() => world.digests().size === 1 && showing(world, 'x4') === 'ab', 20_000, 'the same everywhere')
})
