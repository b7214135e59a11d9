// Stories of D5: what one turn gives is bounded, and nobody who waits for some of it is forgotten for what others are given.
import { expect, test, vi } from 'vitest'
import { HostileWriter } from '../../../scripts/violence/hostile-writer.js'
import type { Entry } from '../../../src/core/document/entries.js'
import { Replica } from '../../../src/core/replica/replica.js'
import { paceLimits } from '../../../src/core/sync/pace.js'
import {
  type Holding,
  decodeSyncResponse,
  encodeSyncRequest,
  encodeSyncResponse,
  nothingOf,
} from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import { registered } from './cluster.js'
import { type Library, bytesOf, everything, library, megabyte } from './library.js'

const witness = { stale: false, heardOfAsker: true, silence_s: 0 }
const three = [0, 1, 2].map((i) => nothingOf(`owner${i}`))
const named = encodeSyncRequest({ type: 'sync', scope: 'listed', stale: false, holdings: three })

/** Sixteen who ask for large documents without end, by eight peers, and read at once what they are given. */
class Readers {
  readonly #library: Library
  #id = 1_000_000
  #seen: number

  constructor(lib: Library) {
    this.#library = lib
    this.#seen = lib.replies.length
    for (let n = 0; n < 16; n++) this.#ask()
  }

  #ask(): void {
    const id = (this.#id += 1)
    this.#library.world.feed('a', { type: 'request', from: `reader${id % 8}`, id, bytes: named })
  }

  /** @param told is told of each message to somebody else */
  read(told: (id: number) => void = () => {}): void {
    const { world, replies } = this.#library
    for (; this.#seen < replies.length; this.#seen++) {
      const { id, last } = replies[this.#seen] as Library['replies'][number]
      world.feed('a', { type: 'gone', id, ok: true })
      if (id >= 2_000_000) told(id)
      else if (last) this.#ask()
    }
  }
}

/** Turns, in each of which a write is staged before the one before it is on disk, until somebody has an answer. */
function turnsUntilAnswered(lib: Library, id: number, bytes: Uint8Array, isWriting: boolean): number {
  const { world, stores } = lib
  const readers = new Readers(lib)
  let stored = stores.length
  const write = (turn: number): void => void (isWriting && world.define('a', `d${turn}`))
  write(0)
  world.feed('a', { type: 'request', from: 'joiner', id, bytes })
  let isAnswered = false
  for (let turn = 1; turn < 100; turn++) {
    world.feed('a', { type: 'wake' })
    readers.read(() => (isAnswered = true))
    if (isAnswered) return turn
    write(turn)
    if (stored < stores.length) world.feed('a', { type: 'stored', id: stores[stored++] as number })
  }
  return Number.POSITIVE_INFINITY
}

test.each([
  ['nobody writes', false],
  ['writes go on', true],
])('while %s the own document is given to whoever asks, whatever else is given', (_, isWriting) => {
  expect(turnsUntilAnswered(library(3, 1.5 * megabyte), 2_000_000, everything, isWriting)).toBeLessThan(40)
})

test.each([
  ['nobody writes', false],
  ['writes go on', true],
])('while %s a removal that a peer asked for is answered before what others are given', (_, isWriting) => {
  const lib = library(3, 1.5 * megabyte)
  registered(lib.world, 'a', 'x')
  const removal = encodeSyncRequest({ type: 'remove', id: 'x', n: 1_000_000, holding: nothingOf('a') })
  expect(turnsUntilAnswered(lib, 2_000_000, removal, isWriting)).toBeLessThan(6)
})

test('neither those who ask without end nor what is pushed keeps the other waiting', () => {
  const lib = library(3, 1.5 * megabyte)
  const { world, replies, requests } = lib
  world.feed('a', { type: 'connected', peer: 'mallory' })
  const { id } = requests.find(({ to }) => to === 'mallory') as { id: number }
  const name = (): void => {
    const bytes = encodeSyncResponse({ type: 'end', wanted: three, witness })
    world.feed('a', { type: 'response', id, bytes })
  }
  const readers = new Readers(lib)
  let seen = requests.length
  name()
  const [before, turns] = [10, 30] // until each of them is encoded
  let [pushes, given] = [0, 0]
  for (let turn = 0; turn < before + turns; turn++) {
    if (turn === before) [pushes, given] = [0, bytesOf(replies)]
    world.feed('a', { type: 'wake' })
    readers.read()
    for (; seen < requests.length; seen++) {
      const push = requests[seen] as Library['requests'][number]
      if (push.bytes.length < megabyte) continue
      pushes += 1
      world.feed('a', { type: 'closed', id: push.id, ok: true })
      name() // there is always more to push
    }
  }
  expect(pushes).toBeGreaterThanOrEqual(turns / 2 - 1)
  expect(bytesOf(replies) - given).toBeGreaterThan((turns / 2 - 1) * 1.5 * megabyte)
})

test('what has changed of a large document takes long to be found, and is not found for everybody in one turn', () => {
  const { world, replies, stores } = library(0, 0)
  const entries = Array.from({ length: 20_000 }, (_, i): Entry => ({
    map: 'instances',
    key: `big${i}`,
    value: '{"n":1}',
  }))
  const { full } = new HostileWriter('big', cheapCrypto('big'), entries)
  world.feed('a', { type: 'request', from: 'p', id: 5, bytes: encodeSyncRequest({ type: 'push', parcels: [full] }) })
  world.run(1000)
  const ask = (id: number, holding: Holding): void => {
    const bytes = encodeSyncRequest({ type: 'sync', scope: 'listed', stale: false, holdings: [holding] })
    world.feed('a', { type: 'request', from: `reader${id}`, id, bytes })
  }
  ask(1_000_000, nothingOf('big'))
  world.run(1000) // it is built for that
  const { head } = full.signed
  const behind = { ...nothingOf('big'), ...head, version: 0, clock: entries.length - 1 }
  world.define('a', 'waits-for-the-disk')
  const before = replies.length
  for (let n = 1; n <= 64; n++) ask(1_000_000 + n, behind)
  world.feed('a', { type: 'stored', id: stores.at(-1) as number })
  const inOneTurn = replies.length - before
  expect(inOneTurn).toBeGreaterThan(0)
  expect(inOneTurn).toBeLessThanOrEqual(2 + paceLimits.turnBytes / entries.length)
  world.run(1000)
  const said = replies.slice(before).map(({ bytes }) => decodeSyncResponse(bytes))
  expect(said.filter((each) => each?.type === 'documents' && each.parcels[0]?.content.type === 'step')).toHaveLength(64)
})

test('whoever holds all is told so in its turn: all documents are looked at for a few of them at once', () => {
  const { world, replies, stores } = library(0, 0)
  const parcels = Array.from({ length: 400 }, (_, i) => {
    const entry: Entry = { map: 'instances', key: `k${i}`, value: '{"n":1}' }
    return new HostileWriter(`o${i}`, cheapCrypto(`o${i}`), [entry]).full
  })
  world.feed('a', { type: 'request', from: 'p', id: 5, bytes: encodeSyncRequest({ type: 'push', parcels }) })
  world.run(1000)
  const holdings = parcels.map(({ signed: { head } }) => ({ ...nothingOf(head.owner), ...head, clock: 1 }))
  const bytes = encodeSyncRequest({ type: 'sync', scope: 'listed', stale: false, holdings })
  world.define('a', 'waits-for-the-disk')
  for (let n = 0; n < 32; n++) world.feed('a', { type: 'request', from: `reader${n}`, id: 1_000_000 + n, bytes })
  const looks = vi.spyOn(Replica.prototype, 'giveable')
  world.feed('a', { type: 'stored', id: stores.at(-1) as number })
  expect(looks.mock.calls.length).toBeGreaterThan(0)
  expect(looks.mock.calls.length).toBeLessThanOrEqual(parcels.length + paceLimits.turnBytes / paceLimits.lookBytes)
  looks.mockRestore()
  world.run(1000)
  expect(replies.filter(({ last }) => last)).toHaveLength(32)
})

test('what somebody says that it holds is compared over some turns, each of which follows the one before', () => {
  const { world, replies } = library(0, 0)
  const holdings = Array.from({ length: 3 * paceLimits.turnHoldings }, (_, i) => nothingOf(`owner${i}`))
  const bytes = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings })
  world.feed('a', { type: 'request', from: 'reader', id: 1_000_000, bytes })
  expect(replies.some(({ last }) => last)).toBe(false)
  world.run(1)
  expect(replies.some(({ last }) => last)).toBe(true)
})

test('of peers that have named documents each is pushed some in its turn', () => {
  const { world, requests } = library(8, 1.5 * megabyte)
  const peers = ['m1', 'm2', 'm3']
  const wanted = Array.from({ length: 8 }, (_, i) => nothingOf(`owner${i}`))
  for (const peer of peers) world.feed('a', { type: 'connected', peer })
  for (const peer of peers) {
    const { id } = requests.findLast(({ to }) => to === peer) as { id: number }
    world.feed('a', { type: 'response', id, bytes: encodeSyncResponse({ type: 'end', wanted, witness }) })
    world.feed('a', { type: 'closed', id, ok: true })
  }
  const pushedTo: string[] = []
  for (let seen = 0; pushedTo.length < 12;) {
    for (; seen < requests.length; seen++) {
      const { id, to, bytes } = requests[seen] as Library['requests'][number]
      if (bytes.length < megabyte) continue
      pushedTo.push(to)
      world.feed('a', { type: 'closed', id, ok: true })
    }
    world.feed('a', { type: 'wake' })
  }
  for (const peer of peers) expect(pushedTo.slice(0, 12).filter((to) => to === peer).length).toBeGreaterThan(2)
})
