// What a replica takes of other owners, and the digest that says what it holds.
import { expect, test } from 'vitest'
import { NodeDocument, OwnDocument, stepLimits } from '../../src/core/document/document.js'
import type { Entry } from '../../src/core/document/entries.js'
import { Replica } from '../../src/core/replica/replica.js'
import { joinMark, markOf } from '../../src/core/wire/digest.js'
import { Signatures, type SignedHead, compareHeads, signHead } from '../../src/core/wire/head.js'
import { wireLimits } from '../../src/core/wire/limits.js'
import type { Parcel } from '../../src/core/wire/sync.js'
import { cheapCrypto } from '../sim/crypto.js'

const crypto = cheapCrypto('me')
const settled_ms = 2000

interface Made {
  readonly signed: SignedHead
  readonly bytes: Uint8Array
}

/** A document of one instance entry, in a version of its owner's. */
function made(owner: string, version: number, value = `value ${version}`, claimed = value): Made {
  const entries = (text: string): Entry[] => [{ map: 'instances', key: 'i', value: text }]
  const document = new OwnDocument(crypto.hash, { entries: entries(value), epoch: 1, client: 7 })
  const digest = new OwnDocument(crypto.hash, { entries: entries(claimed), epoch: 1, client: 7 }).entries.digest()
  const head = { owner, generation: 1, version, boot: '0'.repeat(16), epoch: 1, incarnation: 0, client: 7, digest }
  return { signed: signHead(head, cheapCrypto(owner)), bytes: document.encode() }
}

function emptyReplica(): Replica {
  return new Replica(crypto, new Signatures(crypto))
}

function give(replica: Replica, { signed, bytes }: Made, now: number, fencedUpTo = 0): string {
  return replica.offer({ signed, content: { type: 'full', bytes } }, fencedUpTo, now).type
}

function joined(...documents: readonly Made[]): Uint8Array {
  const digest = new Uint8Array(8)
  for (const { signed } of documents) joinMark(digest, markOf(signed, crypto))
  return digest
}

test('a full content that is not what its head says is refused, as a document and as an offer', () => {
  const wrong = made('a', 1, 'one thing', 'another')
  expect(NodeDocument.load(crypto.hash, wrong.signed, wrong.bytes)).toBeUndefined()
  expect(give(emptyReplica(), wrong, 0)).toBe('refused')
  const right = made('a', 1)
  expect(NodeDocument.load(crypto.hash, right.signed, right.bytes)?.entries.get('instances', 'i')).toBe('value 1')
})

test('a head that somebody else signed is refused', () => {
  const { signed, bytes } = made('a', 1)
  const forged = signHead(signed.head, cheapCrypto('b'))
  expect(give(emptyReplica(), { signed: forged, bytes }, 0)).toBe('refused')
})

test('content over its limit is refused before anybody reads it', () => {
  const { signed } = made('a', 1)
  const bytes = new Uint8Array(wireLimits.contentBytes + 1)
  const outcome = emptyReplica().offer({ signed, content: { type: 'full', bytes } }, 0, 0)
  expect(outcome).toEqual({ type: 'refused', reason: 'content too large' })
})

test('a fence refuses its own generation and none above it', () => {
  const document = made('a', 1)
  expect(give(emptyReplica(), document, 0, 1)).toBe('fenced')
  expect(give(emptyReplica(), document, 0)).toBe('taken')
})

test('the digest holds each document once it has not changed for a while, and no more once it changes or goes', () => {
  const replica = emptyReplica()
  const [a1, a2, b1] = [made('a', 1), made('a', 2), made('b', 1)]
  give(replica, a1, 0)
  give(replica, b1, 1000)
  expect(replica.settledDigest(1999, settled_ms)).toEqual(joined())
  expect(replica.settledDigest(2000, settled_ms)).toEqual(joined(a1))
  expect(replica.settledDigest(3000, settled_ms)).toEqual(joined(a1, b1))
  give(replica, a2, 4000)
  expect(replica.settledDigest(4000, settled_ms)).toEqual(joined(b1))
  expect(replica.settledDigest(5999, settled_ms)).toEqual(joined(b1))
  expect(replica.settledDigest(6000, settled_ms)).toEqual(joined(a2, b1))
  replica.drop('b')
  expect(replica.settledDigest(6000, settled_ms)).toEqual(joined(a2))
  give(replica, b1, 7000)
  replica.drop('b')
  expect(replica.settledDigest(20_000, settled_ms)).toEqual(joined(a2))
})

test('what changes again before it has settled is in no digest until it rests', () => {
  const replica = emptyReplica()
  for (let version = 1; version <= 5; version++) {
    give(replica, made('a', version), version * 1000)
    expect(replica.settledDigest(version * 1000 + 500, settled_ms)).toEqual(joined())
  }
  expect(replica.settledDigest(7000, settled_ms)).toEqual(joined(made('a', 5)))
})

test('the digest that is given out is the asker’s own', () => {
  const replica = emptyReplica()
  give(replica, made('a', 1), 0)
  const digest = replica.settledDigest(2000, settled_ms)
  joinMark(digest, markOf(made('b', 1).signed, crypto))
  expect(replica.settledDigest(2000, settled_ms)).toEqual(joined(made('a', 1)))
})

test('heads are ordered by generation, then version, then boot id', () => {
  const at = (generation: number, version: number, boot: string): Parameters<typeof compareHeads>[0] => ({
    generation,
    version,
    boot,
  })
  const inOrder = [at(1, 1, 'a'), at(1, 1, 'b'), at(1, 2, 'a'), at(2, 1, 'a'), at(2, 1, 'c')]
  inOrder.forEach((a, i) =>
    inOrder.forEach((b, j) => expect(Math.sign(compareHeads(a, b)), `${i} and ${j}`).toBe(Math.sign(i - j))),
  )
})

test('after a step that leads elsewhere the entries stand, and no difference is asked for or given until a full content', () => {
  const entries: Entry[] = [{ map: 'instances', key: 'i', value: 'before' }]
  const own = new OwnDocument(crypto.hash, { entries, epoch: 1, client: 7 })
  const base = { owner: 'a', generation: 1, boot: '0'.repeat(16), epoch: 1, incarnation: 0, client: 7 }
  const first = signHead({ ...base, version: 1, digest: own.entries.digest() }, cheapCrypto('a'))
  const document = NodeDocument.load(crypto.hash, first, own.encode()) as NodeDocument
  const update = own.write([{ map: 'instances', key: 'i', before: 'before', after: 'after' }])
  const lie = signHead({ ...base, version: 2, digest: first.head.digest }, cheapCrypto('a'))
  expect(document.take(lie, { fromEpoch: 1, fromVersion: 1, bytes: update }).type).toBe('wrong')
  expect(document.entries.get('instances', 'i')).toBe('before')
  expect(document.holding).toMatchObject({ version: 1, epoch: 0, clock: 0 })
  expect(document.encodeSince(0)).toBeUndefined()
  const given = NodeDocument.load(crypto.hash, document.signed, document.encode())
  expect(given?.entries.get('instances', 'i')).toBe('before')
})

test('a step that starts from another version is a gap, also where its bytes would fit', () => {
  const keys = ['i', 'j', 'k']
  const entries = keys.map((key): Entry => ({ map: 'instances', key, value: 'v' }))
  const own = new OwnDocument(crypto.hash, { entries, epoch: 1, client: 7 })
  const base = { owner: 'a', generation: 1, boot: '0'.repeat(16), epoch: 1, incarnation: 0, client: 7 }
  const signed = (version: number): SignedHead =>
    signHead({ ...base, version, digest: own.entries.digest() }, cheapCrypto('a'))
  const replica = emptyReplica()
  give(replica, { signed: signed(1), bytes: own.encode() }, 0)
  // Removals add nothing to what a document has: nothing in their bytes says what they come after.
  const [first, second] = [1, 2].map((fromVersion) => {
    const bytes = own.write([{ map: 'instances', key: keys[fromVersion] as string, before: 'v' }])
    return { signed: signed(fromVersion + 1), content: { type: 'step', fromEpoch: 1, fromVersion, bytes } } as const
  })
  const offered = [second, first, second].map((step) => replica.offer(step as NonNullable<typeof step>, 0, 0).type)
  expect(offered).toEqual(['gap', 'taken', 'taken'])
})

test('a step that nobody takes for its length is not prepared first: all is to be pulled', () => {
  const replica = emptyReplica()
  const entries = Array.from({ length: 2000 }, (_, i): Entry => ({ map: 'instances', key: `i${i}`, value: 'x' }))
  const document = new OwnDocument(crypto.hash, { entries, epoch: 1, client: 7 })
  const signed = (version: number): SignedHead => {
    const { client, epoch } = document
    const head = { owner: 'a', generation: 1, version, boot: '0'.repeat(16), epoch, incarnation: 0, client }
    return signHead({ ...head, digest: document.entries.digest() }, cheapCrypto('a'))
  }
  replica.offer({ signed: signed(1), content: { type: 'full', bytes: document.encode() } }, 0, 0)
  document.rebase(8)
  const changes = Array.from({ length: stepLimits.structs + 1 }, (_, i) => ({
    ...{ map: 'removals' as const, key: `i${i}`, after: '{"n":1,"at":1}' },
  }))
  const bytes = document.write(changes)
  const step: Parcel = { signed: signed(2), content: { type: 'step', fromEpoch: 1, fromVersion: 1, bytes } }
  expect(replica.isLong(step)).toBe(false)
  expect(replica.offer(step, 0, 0, { via: 'a', hasWord: true })).toEqual({ type: 'long' })
  expect(replica.loading).toBeUndefined()
})
