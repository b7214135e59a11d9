// Stories of D5: an answer is made as it is read, so that nobody who asks and does not read costs more than a few pieces.
import { expect, test } from 'vitest'
import { paceLimits } from '../../../src/core/sync/pace.js'
import { waitingLimits } from '../../../src/core/sync/waiting-bytes.js'
import { wireLimits } from '../../../src/core/wire/limits.js'
import { decodeSyncResponse, encodeSyncRequest, encodeSyncResponse, nothingOf } from '../../../src/core/wire/sync.js'
import { cluster, done, registered, showing } from './cluster.js'
import { type Library, bytesOf, everything, library, megabyte, pushOf } from './library.js'

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
  const { world, requests } = library(8, 1.5 * megabyte)
  world.feed('a', { type: 'connected', peer: 'mallory' })
  const sync = requests.find(({ to }) => to === 'mallory') as { id: number }
  const wanted = Array.from({ length: 8 }, (_, i) => nothingOf(`owner${i}`))
  const witness = { stale: false, heardOfAsker: true, silence_s: 0 }
  const before = requests.length
  world.feed('a', { type: 'response', id: sync.id, bytes: encodeSyncResponse({ type: 'end', wanted, witness }) })
  const pushes = (): Library['requests'] =>
    requests.slice(before).filter(({ to, bytes }) => to === 'mallory' && bytes.length > megabyte)
  let done = 0
  for (let turn = 0; turn < 32 && done < 8; turn++) {
    world.feed('a', { type: 'wake' })
    expect(pushes().length).toBeLessThanOrEqual(done + 2)
    const next = pushes()[done] // none where it is being encoded
    if (next === undefined) continue
    world.feed('a', { type: 'closed', id: next.id, ok: true })
    done += 1
  }
  expect(pushes()).toHaveLength(8)
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
