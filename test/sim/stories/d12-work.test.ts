// Stories of D12: work is in proportion to what its owner may cause, not to the bytes that cause it.
import { expect, test } from 'vitest'
import { HostileWriter } from '../../../scripts/violence/hostile-writer.js'
import { turnLimits } from '../../../src/core/document/document.js'
import type { Entry } from '../../../src/core/document/entries.js'
import { workLimits } from '../../../src/core/replica/work.js'
import { arrivalLimits } from '../../../src/core/sync/arrivals.js'
import { type Parcel, decodeSyncRequest, encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import { World } from '../world.js'
import { agree, done } from './cluster.js'

function writer(owner: string, count: number): HostileWriter {
  const value = `{"n":1,"slug":"${owner}","status":"Healthy","url":"http://i.test"}`
  const entries = Array.from({ length: count }, (_, i): Entry => ({ map: 'instances', key: `${owner}${i}`, value }))
  return new HostileWriter(owner, cheapCrypto(owner), entries)
}

interface Reader {
  readonly world: World
  /** Owners whose documents were written whole, by what was told that time. */
  readonly writtenWhole: string[]
  readonly push: (via: string, ...parcels: readonly Parcel[]) => void
  readonly versionOf: (owner: string) => number | undefined
  /** Of whom the document was asked for. */
  readonly pulled: string[]
}

function reader(): Reader {
  const pulled: string[] = []
  const writtenWhole: string[] = []
  const world = new World({
    seed: 1,
    watch: (_machine, _now, _input, effects) => {
      for (const effect of effects) {
        const request = effect.type === 'request' ? decodeSyncRequest(effect.bytes) : undefined
        if (request?.type === 'sync' && request.scope === 'listed') pulled.push(request.holdings[0]?.owner ?? '')
        const ops = effect.type === 'store' ? effect.ops : []
        writtenWhole.push(...ops.flatMap((op) => (op.type === 'snapshot' ? [op.owner] : [])))
      }
    },
  })
  world.start('a')
  agree(world)
  return {
    world,
    pulled,
    writtenWhole,
    push: (from, ...parcels) => {
      world.feed('a', { type: 'request', from, id: 1_000_000, bytes: encodeSyncRequest({ type: 'push', parcels }) })
      world.run(1) // what is large takes turns
    },
    versionOf: (owner) =>
      world
        .machine('a')
        .live.read.digest()
        .documents.find((document) => document.owner === owner)?.version,
  }
}

const entries = 2000
/** So many epochs may begin at once: the last of them on credit. */
const allowed = Math.ceil((workLimits.owner.units - workLimits.read * entries) / (workLimits.build * entries))

for (const kind of ['with a change', 'without one']) {
  test(`whoever begins epoch after epoch ${kind} is as late as the work that this is, and nobody else is`, () => {
    const { world, push, versionOf, pulled } = reader()
    const [hostile, honest] = [writer('hostile', entries), writer('honest', entries)]
    world.feed('a', { type: 'connected', peer: 'hostile' })
    push('hostile', hostile.full)
    for (let i = 0; i < 60; i++) push('hostile', hostile.nextEpoch(kind === 'without one' ? undefined : `v${i}`))
    expect(versionOf('hostile')).toBeLessThanOrEqual(1 + allowed + 1)
    expect(versionOf('hostile')).toBeGreaterThan(2)

    push('honest', honest.full)
    push('honest', honest.nextEpoch('changed'))
    expect(versionOf('honest')).toBe(2)

    // It calms down: what it says by then is asked for, and is taken.
    pulled.length = 0
    world.feed('a', { type: 'connected', peer: 'hostile' })
    world.until(() => pulled.includes('hostile'), 10_000, 'the question')
    push('hostile', hostile.full)
    expect(versionOf('hostile')).toBe(61)
    done(world, world.define('a', 'still-works'))
  })
}

for (const [size, count] of [
  ['large', entries],
  ['small', turnLimits.structs],
] as const) {
  test(`what is brought under the head of another, and is not that, is counted against whoever brought it: ${size}`, () => {
    const { push, versionOf, world } = reader()
    const honest = writer('honest', count)
    const other = writer('other', count).full
    const forged = { signed: honest.signed, content: other.content }
    const times = (2 * workLimits.owner.units) / (workLimits.read * count)
    for (let i = 0; i < times; i++) push('hostile', forged)
    expect(world.machine('a').live.dropped()['content is not what its head says']).toBeLessThan(times)
    push('honest', honest.full)
    expect(versionOf('honest')).toBe(1)
  })
}

for (const [size, count] of [
  ['large', entries],
  ['small', turnLimits.structs / 2],
] as const) {
  test(`what is on disk of a copy may not be whole: it is written whole with the next change of it: ${size}`, () => {
    const { push, versionOf, world, writtenWhole } = reader()
    const one = writer('one', count)
    push('one', one.full)
    expect(writtenWhole.filter((owner) => owner === 'one')).toHaveLength(1)
    push('one', one.next('first'))
    world.feed('a', { type: 'stored', id: 1_000_000, error: 'the disk is full' }) // of a copy
    expect(writtenWhole.filter((owner) => owner === 'one')).toHaveLength(1)
    push('one', one.next('second'))
    expect(versionOf('one')).toBe(3)
    expect(writtenWhole.filter((owner) => owner === 'one')).toHaveLength(2)
    push('one', one.next('third'))
    expect(writtenWhole.filter((owner) => owner === 'one')).toHaveLength(2)
  })
}

test('many documents in one message are read across turns, and whoever calls is served in between', () => {
  const documents = 200
  const taken: number[] = []
  let isServed = false
  const servedAfter: number[] = []
  const world = new World({
    seed: 1,
    watch: (_machine, _now, _input, effects) => {
      const stored = effects.flatMap((effect) => (effect.type === 'store' ? effect.ops : []))
      taken.push(stored.filter((op) => op.type === 'snapshot' && op.owner !== 'a').length)
      if (!isServed && effects.some((effect) => effect.type === 'reply' && effect.id === 2)) {
        isServed = true
        servedAfter.push(taken.reduce((sum, count) => sum + count, 0))
      }
    },
  })
  world.start('a')
  agree(world)
  const parcels = Array.from({ length: documents }, (_, i) => writer(`owner${i}`, 2).full)
  const push = (id: number, list: readonly Parcel[]): void =>
    world.feed('a', { type: 'request', from: 'p', id, bytes: encodeSyncRequest({ type: 'push', parcels: list }) })
  push(2, parcels)
  const first = taken.at(-1) ?? 0
  expect(first).toBeGreaterThan(1)
  expect(first).toBeLessThanOrEqual(Math.ceil(arrivalLimits.turnUnits / arrivalLimits.documentUnits))
  for (let id = 3; id < 10; id++) push(id, parcels)
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(first) // however many messages come in one turn
  const answer = world.define('a', 'in-between')
  expect(taken.reduce((sum, count) => sum + count, 0)).toBeLessThan(documents)
  world.run(1) // all turns at once: nothing but other inputs comes between them
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(documents)
  expect(Math.max(...taken)).toBe(first)
  expect(servedAfter).toEqual([documents]) // whoever pushes has the next of it on its way only then
  done(world, answer)
})
