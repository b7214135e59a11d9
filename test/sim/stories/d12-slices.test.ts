// Stories of D12: a large document is given, as well as taken, across turns; until all of it is here, what was held before counts.
import { expect, test } from 'vitest'
import { OwnDocument, stepLimits } from '../../../src/core/document/document.js'
import type { Change, Entry } from '../../../src/core/document/entries.js'
import { encodeBeat } from '../../../src/core/wire/beat.js'
import { encodeGossip } from '../../../src/core/wire/gossip.js'
import { type SignedHead, signHead } from '../../../src/core/wire/head.js'
import { type Parcel, decodeSyncRequest, decodeSyncResponse, encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { beat } from '../../core/beats.js'
import { cheapCrypto } from '../crypto.js'
import { World } from '../world.js'
import { agree, done } from './cluster.js'

const owner = 'large'
const value = '{"n":1,"slug":"s","status":"Healthy","url":"http://i.test"}'
const long = valueOf(100_000)
/** What makes a document large. */
const forms = [
  ['of many entries', 6000, value],
  ['of a few long ones', 12, long],
] as const

function valueOf(bytes: number): string {
  return value.replace('}', `,"tags":["${'x'.repeat(bytes)}"]}`)
}

const gone = '{"n":1,"at":1}'

/** A large document, version by version. */
class Written {
  readonly document: OwnDocument
  readonly #owner: string
  version = 1
  generation = 5

  constructor(count: number, owner = 'large', each = value) {
    this.#owner = owner
    const entries = Array.from({ length: count }, (_, i): Entry => ({ map: 'instances', key: `i${i}`, value: each }))
    this.document = new OwnDocument(cheapCrypto(owner).hash, { entries, epoch: 1, client: 7 })
  }

  get signed(): SignedHead {
    const { epoch, client, entries } = this.document
    const [owner, generation] = [this.#owner, this.generation]
    const head = { owner, generation, boot: '0'.repeat(16), epoch, version: this.version, incarnation: 0, client }
    return signHead({ ...head, digest: entries.digest() }, cheapCrypto(owner))
  }

  get full(): Parcel {
    return { signed: this.signed, content: { type: 'full', bytes: this.document.encode() } }
  }

  step(changes: readonly Change[], isRebase = false): Parcel & { readonly content: { readonly type: 'step' } } {
    const [fromEpoch, fromVersion] = [this.document.epoch, this.version]
    this.version += 1
    if (isRebase) this.document.rebase(7 + this.version)
    const bytes = this.document.write(changes)
    return { signed: this.signed, content: { type: 'step', fromEpoch, fromVersion, bytes } }
  }
}

/** One machine whose peers are the test; each input is followed by so many turns as are asked for. */
function reader() {
  const asked: { id: number; to: string; bytes: Uint8Array }[] = []
  const replies: { id: number; bytes: Uint8Array }[] = []
  const stored: string[] = []
  const news: number[] = []
  const world = new World({
    seed: 1,
    watch: (_machine, _now, _input, effects) => {
      let changed = 0
      for (const effect of effects) {
        if (effect.type === 'request') asked.push(effect)
        if (effect.type === 'reply') replies.push(effect)
        if (effect.type === 'store')
          stored.push(...effect.ops.map((op) => ('owner' in op ? `${op.type} ${op.owner}` : op.type)))
        if (effect.type === 'notify' && effect.event.type === 'instance') changed += 1
      }
      news.push(changed)
    },
  })
  const start = (): void => {
    world.start('a')
    agree(world)
    world.feed('a', { type: 'connected', peer: owner })
    world.feed('a', { type: 'beat', from: owner, bytes: encodeBeat(beat(1, 5)) })
  }
  start()
  const push = (via: string, ...parcels: readonly Parcel[]): void =>
    world.feed('a', { type: 'request', from: via, id: 1_000_000, bytes: encodeSyncRequest({ type: 'push', parcels }) })
  const versionOf = (of: string): number | undefined =>
    world
      .machine('a')
      .live.read.digest()
      .documents.find((document) => document.owner === of)?.version
  const pulls = () =>
    asked.flatMap((request) => {
      const question = decodeSyncRequest(request.bytes)
      return question?.type === 'sync' && question.scope === 'listed'
        ? [{ ...request, holding: question.holdings[0] }]
        : []
    })
  return { world, start, push, versionOf, pulls, replies, stored, news }
}

function gossiped({ signed, content }: ReturnType<Written['step']>) {
  return { type: 'gossip', author: owner, bytes: encodeGossip({ type: 'update', signed, step: content }) } as const
}

test('while a large document is taken, whoever calls, or brings a small one, is served', () => {
  const { world, push, versionOf } = reader()
  push(owner, new Written(3000).full)
  const small = new Written(2, 'small')
  push('small', small.full)
  expect([versionOf(owner), versionOf('small')]).toEqual([undefined, 1])
  done(world, world.define('a', 'in-between'))
  world.run(1)
  expect(versionOf(owner)).toBe(1)
})

test('what is not what its head says is refused before anything of it is shown, and what was held stays', () => {
  const { world, push, versionOf, news, stored } = reader()
  const honest = new Written(1000)
  push(owner, honest.full)
  world.run(1)
  honest.version = 2
  const forged = { signed: honest.signed, content: new Written(2000).full.content }
  news.length = 0
  push('liar', forged)
  world.run(1)
  expect(world.machine('a').live.dropped()['content is not what its head says']).toBe(1)
  expect(versionOf(owner)).toBe(1)
  expect(Math.max(0, ...news)).toBe(0)
  push(owner, honest.full)
  world.run(1)
  expect(versionOf(owner)).toBe(2)
  expect(stored.filter((op) => op === `snapshot ${owner}`)).toHaveLength(2)
})

test('a large document whose owner gives what it has not signed is known by its head, and leaves nobody out of step', () => {
  const { world, push } = reader()
  const honest = new Written(1000)
  push(owner, { signed: honest.signed, content: new Written(2000).full.content })
  world.run(1)
  const { live } = world.machine('a')
  expect(live.dropped()['content is not what its head says']).toBe(1)
  expect(live.toJSON().declined).toBe(1)
  push('liar', honest.full)
  world.run(1)
  expect(live.toJSON().declined).toBe(0)
})

test('whoever is killed while it takes a large document has what it had before, then takes it', () => {
  const { world, start, push, versionOf } = reader()
  const written = new Written(3000)
  push(owner, written.full)
  world.run(1000)
  written.step([{ map: 'removals', key: 'i0', after: gone }])
  push(owner, written.full)
  world.crash('a')
  start()
  expect(versionOf(owner)).toBe(1)
  push(owner, written.full)
  world.run(1)
  expect(versionOf(owner)).toBe(2)
})

test('a step that comes while all of it is being taken waits for the end of that', () => {
  const { world, push, versionOf, pulls } = reader()
  const written = new Written(3000)
  push(owner, written.full)
  const next = written.step([{ map: 'removals', key: 'i0', after: gone }])
  world.feed('a', gossiped(next))
  expect(versionOf(owner)).toBeUndefined()
  const before = pulls().length
  world.run(1)
  expect(versionOf(owner)).toBe(2)
  expect(pulls()).toHaveLength(before)
})

test('a step that comes while something wrong is read in the name of its owner is taken after it', () => {
  const { world, push, versionOf, pulls } = reader()
  const honest = new Written(1000)
  push(owner, honest.full)
  world.run(1)
  honest.version = 2
  const forged = { signed: honest.signed, content: new Written(2000).full.content }
  honest.version = 1
  push('liar', forged)
  world.feed('a', gossiped(honest.step([{ map: 'removals', key: 'i0', after: gone }])))
  expect(versionOf(owner)).toBe(1)
  const before = pulls().length
  world.run(1)
  expect(versionOf(owner)).toBe(2)
  expect(pulls()).toHaveLength(before)
})

test.each(forms)(
  'a new epoch of a large document %s is built across turns, and its change is seen',
  (_, count, each) => {
    const { world, push, versionOf } = reader()
    const written = new Written(count, owner, each)
    push(owner, written.full)
    world.run(1)
    world.feed('a', gossiped(written.step([{ map: 'removals', key: 'i0', after: gone }], true)))
    expect(versionOf(owner)).toBe(1)
    world.run(1)
    expect(versionOf(owner)).toBe(2)
    world.feed('a', gossiped(written.step([{ map: 'removals', key: 'i1', after: gone }])))
    expect(versionOf(owner)).toBe(3)
  },
)

test('a few bytes that end all there is are no step: all of it is pulled, and is taken across turns', () => {
  const { world, push, versionOf, pulls } = reader()
  const written = new Written(3000)
  push(owner, written.full)
  world.run(1)
  const all = Array.from({ length: 3000 }, (_, i): Change => ({ map: 'instances', key: `i${i}`, before: value }))
  const ending = written.step(all)
  expect(ending.content.bytes.length).toBeLessThan(100)
  world.feed('a', gossiped(ending))
  expect(versionOf(owner)).toBe(1)
  world.until(() => pulls().length > 0, 1000, 'the question')
  expect(pulls().at(-1)?.holding?.version).toBe(0)
  push(owner, written.full)
  world.run(1)
  expect(versionOf(owner)).toBe(2)
})

test.each(forms)('a small step onto a large document %s that is not built waits until it is', (_, count, each) => {
  const { world, push, versionOf } = reader()
  const written = new Written(count, owner, each)
  push(owner, written.full)
  world.run(1)
  world.feed('a', gossiped(written.step([], true)))
  world.run(1)
  expect(versionOf(owner)).toBe(2)
  world.feed('a', gossiped(written.step([{ map: 'removals', key: 'i0', after: gone }])))
  world.feed('a', { type: 'wake' })
  expect(versionOf(owner)).toBe(2)
  world.run(1)
  expect(versionOf(owner)).toBe(3)
  world.feed('a', gossiped(written.step([{ map: 'removals', key: 'i1', after: gone }])))
  expect(versionOf(owner)).toBe(4)
})

test('of a large document that is small now what it had is taken back across turns', () => {
  const { world, push, versionOf, news } = reader()
  const written = new Written(6000)
  push(owner, written.full)
  world.run(500)
  const all = Array.from({ length: 5999 }, (_, i): Change => ({ map: 'instances', key: `i${i}`, before: value }))
  written.step(all)
  written.document.rebase(99)
  news.length = 0
  push(owner, written.full)
  expect(versionOf(owner)).toBe(1)
  world.run(500)
  expect(versionOf(owner)).toBe(2)
  expect(news.reduce((sum, changed) => sum + changed, 0)).toBe(5999)
  expect(Math.max(...news)).toBeLessThan(1000)
})

test('many steps, each of which takes back many entries with few bytes, are not taken in one turn', () => {
  const { world, push, versionOf } = reader()
  const written = new Written(6000)
  push(owner, written.full)
  world.run(1)
  const steps = Array.from({ length: 6 }, (_, n) =>
    written.step(
      Array.from({ length: 800 }, (_, i): Change => ({ map: 'instances', key: `i${800 * n + i}`, before: value })),
    ),
  )
  push(owner, ...steps)
  expect(versionOf(owner)).toBeLessThan(4)
  world.run(1)
  expect(versionOf(owner)).toBe(7)
})

test('many steps that waited for the one before them are not taken in one turn with it', () => {
  const { world, push, versionOf } = reader()
  const written = new Written(6000)
  push(owner, written.full)
  world.run(1)
  const [first, ...others] = Array.from({ length: 7 }, (_, n) =>
    written.step(
      Array.from({ length: 800 }, (_, i): Change => ({ map: 'instances', key: `i${800 * n + i}`, before: value })),
    ),
  )
  for (const step of others) world.feed('a', gossiped(step))
  expect(versionOf(owner)).toBe(1)
  world.feed('a', gossiped(first as ReturnType<Written['step']>))
  expect(versionOf(owner)).toBeLessThan(4)
  world.run(1)
  expect(versionOf(owner)).toBe(8)
})

test('of a step that would wait until it can be prepared it is first looked whether its owner has signed it', () => {
  const { world, push, versionOf } = reader()
  const written = new Written(6000)
  push(owner, written.full)
  world.run(1)
  push(owner, written.step([], true))
  expect(versionOf(owner)).toBe(2)
  push('another', new Written(6000, 'another').full)
  const step = written.step([])
  const forged = { ...step, signed: signHead(step.signed.head, cheapCrypto('somebody')) }
  for (let n = 0; n < 10; n += 1) world.feed('a', gossiped(forged))
  expect(world.machine('a').live.dropped()['bad signature']).toBe(10)
})

test('a step of many bytes is none: all of it is pulled', () => {
  const { world, push, versionOf, pulls } = reader()
  const written = new Written(3)
  push(owner, written.full)
  const after = valueOf(stepLimits.bytes / 2)
  const step = written.step(['i0', 'i1'].map((key) => ({ map: 'instances', key, before: value, after })))
  push(owner, step)
  expect(versionOf(owner)).toBe(1)
  world.until(() => pulls().length > 0, 1000, 'the question')
  expect(pulls().at(-1)?.holding?.version).toBe(0)
  push(owner, written.full)
  world.run(1)
  expect(versionOf(owner)).toBe(2)
})

test('to whoever holds an earlier version no more is given as a step than it would take as one', () => {
  const { world, push, replies } = reader()
  const written = new Written(3)
  push(owner, written.full)
  const { generation, boot, epoch } = written.signed.head
  const holding = { owner, generation, version: 1, boot, epoch, clock: written.document.clock }
  const given: string[] = []
  for (const bytes of [stepLimits.bytes / 4, stepLimits.bytes / 2]) {
    const after = valueOf(bytes)
    written.step(['i0', 'i1'].map((key) => ({ map: 'instances', key, before: value, after })))
    push(owner, written.full)
    world.run(1)
    const question = encodeSyncRequest({ type: 'sync', scope: 'listed', stale: false, holdings: [holding] })
    world.feed('a', { type: 'request', from: 'p', id: 2_000_000, bytes: question })
    world.run(1)
    for (const { id, bytes } of replies.splice(0)) {
      const said = id === 2_000_000 ? decodeSyncResponse(bytes) : undefined
      if (said?.type === 'documents') given.push(...said.parcels.map(({ content }) => content.type))
    }
  }
  expect(given).toEqual(['step', 'full'])
})

test.each(forms)('a large document %s is given whole across turns, as it is by the end of that', (_, count, each) => {
  const { world, push, replies } = reader()
  const written = new Written(count, owner, each)
  push(owner, written.full)
  world.run(1)
  const question = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] })
  world.feed('a', { type: 'request', from: 'p', id: 2_000_000, bytes: question })
  const given = (): Parcel | undefined => {
    const parcels = replies.flatMap(({ id, bytes }) => {
      const said = id === 2_000_000 ? decodeSyncResponse(bytes) : undefined
      return said?.type === 'documents' ? said.parcels : []
    })
    return parcels.find(({ signed }) => signed.head.owner === owner)
  }
  expect(given()).toBeUndefined()
  world.feed('a', gossiped(written.step([{ map: 'instances', key: 'i0', before: value }])))
  world.run(1)
  const parcel = given() as Parcel
  expect(parcel.signed.head.version).toBe(2)
  const other = reader()
  other.push('p', parcel)
  other.world.run(1)
  expect(other.versionOf(owner)).toBe(2)
})

test('whoever dies with many instances is in no lookup from the first moment on; each of them is told in turns', () => {
  const { world, push, news } = reader()
  push(owner, new Written(3000).full)
  world.run(500)
  const { live } = world.machine('a')
  expect(live.read.list('s').instances).toHaveLength(3000)
  news.length = 0
  world.until(() => news.some((changed) => changed > 0), 20_000, 'the first of them is told')
  expect(live.read.list('s').instances).toHaveLength(0)
  expect(live.read.instances({ now: 0, wall: 0 })).toHaveLength(0)
  world.run(1)
  expect(Math.max(...news)).toBeLessThan(1000)
  expect(news.reduce((sum, changed) => sum + changed, 0)).toBe(3000)
})

test('what a peer holds of thousands is compared across turns, and all that is wanted of it is named in the end', () => {
  const { world, replies } = reader()
  const holdings = Array.from({ length: 3000 }, (_, i) => ({
    ...{ owner: `owner${i}`, generation: 1, version: 1, boot: '0'.repeat(16), epoch: 1, clock: 1 },
  }))
  const question = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings })
  world.feed('a', { type: 'request', from: 'p', id: 2_000_000, bytes: question })
  const wanted = () =>
    replies.flatMap(({ id, bytes }) => {
      const said = id === 2_000_000 ? decodeSyncResponse(bytes) : undefined
      return said?.type === 'end' ? said.wanted.map(({ owner: of }) => of) : []
    })
  expect(wanted()).toEqual([])
  world.run(1)
  expect(wanted()).toEqual(holdings.map(({ owner: of }) => of))
})

test('whoever is removed with many instances is gone at once; they are taken back across turns, and it may come back', () => {
  const { world, push, news, versionOf, pulls } = reader()
  push(owner, new Written(3000).full)
  world.run(500)
  const { live } = world.machine('a')
  news.length = 0
  const removed = world.command('a', { type: 'remove-node', owner })
  expect(versionOf(owner)).toBeUndefined()
  expect(live.read.list('s').instances).toHaveLength(0)
  const back = new Written(3000)
  back.generation = 6
  push(owner, back.full)
  world.run(1)
  done(world, removed)
  expect(Math.max(...news)).toBeLessThan(1000)
  expect(news.reduce((sum, changed) => sum + changed, 0)).toBe(3000)
  expect([...live.read.list('s').instances, versionOf(owner)]).toEqual([undefined])
  const before = pulls().length
  world.until(() => pulls().length > before, 1000, 'it is asked for what came too early')
  push(owner, back.full)
  world.run(1)
  expect(versionOf(owner)).toBe(1)
})
