// A large document is encoded, and built, a part at a time, be it large by the number of its entries or by their bytes.
import { expect, test } from 'vitest'
import { NodeDocument, OwnDocument, stepLimits } from '../../src/core/document/document.js'
import type { Encoded } from '../../src/core/document/encoded.js'
import { type Change, Entries, type Entry } from '../../src/core/document/entries.js'
import { Loading } from '../../src/core/replica/loading.js'
import { type SignedHead, signHead } from '../../src/core/wire/head.js'
import type { Parcel } from '../../src/core/wire/sync.js'
import { cheapCrypto } from '../sim/crypto.js'

const crypto = cheapCrypto('a')

function ownOf(count: number, bytes: number): OwnDocument {
  const value = 'x'.repeat(bytes)
  const entries = Array.from({ length: count }, (_, i): Entry => ({ map: 'definitions', key: `k${i}`, value }))
  return new OwnDocument(crypto.hash, { entries, epoch: 1, client: 7 })
}

function signedOf({ epoch, client, entries }: OwnDocument, version = epoch): SignedHead {
  const head = { owner: 'a', generation: 1, boot: '0'.repeat(16), incarnation: 0, version, epoch, client }
  return signHead({ ...head, digest: entries.digest() }, crypto)
}

function copyOf(own: OwnDocument): NodeDocument {
  return NodeDocument.load(crypto.hash, signedOf(own), own.encode()) as NodeDocument
}

test.each([
  ['small', 500, 100, false],
  ['large by its entries', 501, 100, true],
  ['large by their bytes', 6, 100_000, true],
])('%s', (_, count, bytes, isLarge) => {
  const own = ownOf(count, bytes)
  expect([own.isLarge, copyOf(own).isLarge]).toEqual([isLarge, isLarge])
})

test.each([
  ['many entries', 20_000, 10, 10],
  ['a few long ones', 40, 200_000, 20],
])('of %s parts are encoded, which together are what all of it is', (_, count, bytes, parts) => {
  const own = ownOf(count, bytes)
  const copy = copyOf(own)
  let encoded: Encoded | undefined
  let turns = 0
  for (; encoded === undefined; turns += 1) encoded = copy.encodeMore()
  expect(turns).toBeGreaterThanOrEqual(parts)
  expect(Buffer.compare(encoded.bytes, own.encode())).toBe(0)
})

test('a large one is encoded also while its owner writes before each part of it', () => {
  const own = ownOf(20_000, 10)
  let encoded: Encoded | undefined
  let turns = 0
  for (; encoded === undefined && turns < 100; turns += 1) {
    own.write([{ map: 'definitions', key: `k${turns}`, after: `written ${turns}` }])
    encoded = own.encodeMore()
  }
  expect(turns).toBeLessThan(20)
  expect(NodeDocument.load(crypto.hash, signedOf(own), encoded?.bytes ?? new Uint8Array())?.entries.size).toBe(20_000)
})

test('a message is laid out before the bytes of one only once: the next has bytes of its own', () => {
  const own = ownOf(20_000, 10)
  let encoded: Encoded | undefined
  while (encoded === undefined) encoded = own.encodeMore()
  const [one, another] = [encoded.precededBy(new Uint8Array([1])), encoded.precededBy(new Uint8Array([2]))]
  expect([one[0], another[0], one.buffer === encoded.bytes.buffer]).toEqual([1, 2, true])
})

test('a step counts for the entries that it changes, not once more for what it replaces', () => {
  const own = ownOf(20_000, 10)
  const copy = copyOf(own)
  const change = (count: number, after?: string) =>
    Array.from({ length: count }, (_, i): Change => ({ map: 'definitions', key: `k${i}`, ...(after && { after }) }))
  const replaced = own.write(change(600, 'new'))
  const most = stepLimits.structs
  expect(copy.take(signedOf(own, 2), { fromEpoch: 1, fromVersion: 1, bytes: replaced }, most).type).toBe('taken')
  const removed = own.write(change(most + 1))
  expect(copy.take(signedOf(own, 3), { fromEpoch: 1, fromVersion: 2, bytes: removed }, most).type).toBe('long')
})

test('what a step is to be taken onto stays built when nobody asks for all of it any more', () => {
  const own = ownOf(2000, 10)
  const copy = copyOf(own)
  own.rebase(8)
  copy.take(signedOf(own), { fromEpoch: 1, fromVersion: 1, bytes: new Uint8Array() })
  const update = own.write([{ map: 'definitions', key: 'new', after: 'here' }])
  const step = { fromEpoch: 2, fromVersion: 2, bytes: update }
  const preparing = copy.preparing(signedOf(own, 3), step)
  let turns = 0
  for (; turns < 100 && preparing.next().done !== true; turns += 1) {
    copy.encodeMore()
    copy.dropEncoding()
  }
  expect(turns).toBeLessThan(100)
})

test.each([
  ['many entries', 20_000, 10, 80],
  ['a few long ones', 40, 200_000, 20],
])('of %s parts are built for the next epoch, whose first step then fits', (_, count, bytes, parts) => {
  const own = ownOf(count, bytes)
  const copy = copyOf(own)
  own.rebase(8)
  const update = own.write([{ map: 'definitions', key: 'new', after: 'here' }])
  const [signed, step] = [signedOf(own), { fromEpoch: 1, fromVersion: 1, bytes: update }]
  expect(copy.isLong(signed, step)).toBe(true)
  expect([...copy.preparing(signed, step)].length).toBeGreaterThan(parts)
  expect(copy.take(signed, step).type).toBe('taken')
  expect(copy.entries.get('definitions', 'new')).toBe('here')
})

test.each([
  ['many entries', 2000, 10, 200],
  ['a few long ones', 40, 200_000, 2],
])('of %s what has changed is handed out some at a time', (_, count, bytes, atOnce) => {
  const own = ownOf(count, bytes)
  const parcel: Parcel = { signed: signedOf(own), content: { type: 'full', bytes: own.encode() } }
  const reading = NodeDocument.read(crypto.hash, parcel.signed, parcel.content.bytes)
  const loading = new Loading(parcel, { via: 'a', hasWord: true }, 0, reading)
  while (loading.read() === undefined);
  loading.follow(new Entries(crypto.hash), loading.document as NodeDocument)
  const slices: number[] = []
  for (let next = loading.next(); next !== undefined; next = loading.next()) slices.push(next.changes.length)
  expect(Math.max(...slices)).toBe(atOnce)
  expect(slices.reduce((sum, changes) => sum + changes, 0)).toBe(count)
})

test('what is built to be given and what is built for the next epoch do not undo each other', () => {
  const own = ownOf(2000, 10)
  const copy = copyOf(own)
  own.rebase(8)
  copy.take(signedOf(own), { fromEpoch: 1, fromVersion: 1, bytes: new Uint8Array() })
  own.rebase(9)
  const update = own.write([{ map: 'definitions', key: 'new', after: 'here' }])
  const [signed, step] = [signedOf(own), { fromEpoch: 2, fromVersion: 2, bytes: update }]
  const preparing = copy.preparing(signed, step)
  let isPrepared = false
  const givenAfter = (alone: boolean, document: NodeDocument): number => {
    for (let turns = 1; ; turns += 1) {
      if (document.encodeMore() !== undefined || turns > 100) return turns
      if (!alone && !isPrepared) isPrepared = preparing.next().done === true
    }
  }
  const unbuilt = copyOf(ownOf(2000, 10))
  const rebased = ownOf(2000, 10)
  rebased.rebase(8)
  unbuilt.take(signedOf(rebased), { fromEpoch: 1, fromVersion: 1, bytes: new Uint8Array() })
  expect(givenAfter(false, copy)).toBe(givenAfter(true, unbuilt))
  while (!isPrepared) isPrepared = preparing.next().done === true
  expect(copy.take(signed, step).type).toBe('taken')
})

test('what is too long for a step is not laid out as one, be it many entries or a few long ones', () => {
  expect(ownOf(stepLimits.structs + 1, 10).encodeSince(0)).toBeUndefined()
  expect(ownOf(6, stepLimits.bytes / 4).encodeSince(0)).toBeUndefined()
  expect(ownOf(6, 10).encodeSince(0)).toBeDefined()
})
