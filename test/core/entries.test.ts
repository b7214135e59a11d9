// Entries and their digest; and the Yjs content that carries them: the same entries are the same bytes, and overwrites do not pile up.
import { expect, test } from 'vitest'
import { Content, joinUpdates } from '../../src/core/document/content.js'
import { OwnDocument } from '../../src/core/document/document.js'
import { type Change, Entries, differences, mapNames } from '../../src/core/document/entries.js'
import { Writer } from '../../src/core/wire/codec.js'
import { hash } from '../sim/crypto.js'
import { Random } from '../sim/random.js'

function digestOf(entries: Entries): string {
  return Buffer.from(entries.digest()).toString('hex')
}

function randomChanges(entries: Entries, random: Random, count: number): Change[] {
  const changes = new Map<string, Change>()
  for (let i = 0; i < count; i++) {
    const map = random.pick(mapNames)
    const key = `k${random.below(30)}`
    const before = entries.get(map, key)
    const after = random.chance(0.3) ? undefined : `v${random.below(5)}`
    changes.set(`${map}/${key}`, {
      map,
      key,
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
    })
  }
  return [...changes.values()]
}

test('the digest does not depend on the order or the way, only on what is there', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed)
    const walked = new Entries(hash)
    for (let step = 0; step < 20; step++) walked.apply(randomChanges(walked, random, 5))
    const built = new Entries(hash)
    for (const { map, key, value } of [...walked.sorted()].reverse()) built.set(map, key, value)
    expect(digestOf(built)).toBe(digestOf(walked))
    expect([built.size, built.bytes]).toEqual([walked.size, walked.bytes])
    expect(differences(built, walked)).toEqual([])
  }
})

test('the digest is the hash of 256 buckets, by the first byte of the entries’ hashes: as every version must have it', () => {
  const random = new Random(9)
  const entries = new Entries(hash)
  entries.apply(randomChanges(entries, random, 60))
  const hashes = [...entries.sorted()].map(({ map, key, value }) =>
    hash(new Writer().text(map).text(key).text(value).done()),
  )
  const buckets = Array.from({ length: 256 }, (_, first) => hashes.filter((each) => each[0] === first))
  expect(buckets.some(({ length }) => length > 1)).toBe(true)
  const bucketHashes = buckets.map((bucket) => hash(Buffer.concat(bucket.sort((a, b) => Buffer.compare(a, b)))))
  expect(digestOf(entries)).toBe(Buffer.from(hash(Buffer.concat(bucketHashes))).toString('hex'))
})

test('revert takes apply back, digest and sizes included', () => {
  const random = new Random(3)
  const entries = new Entries(hash)
  entries.apply(randomChanges(entries, random, 40))
  for (let i = 0; i < 100; i++) {
    const before = [digestOf(entries), entries.size, entries.bytes]
    const changes = randomChanges(entries, random, 8)
    entries.apply(changes)
    entries.revert(changes)
    expect([digestOf(entries), entries.size, entries.bytes]).toEqual(before)
  }
})

test('map, key and value are told apart in the digest', () => {
  const one = (map: 'instances' | 'removals', key: string, value: string): string => {
    const entries = new Entries(hash)
    entries.set(map, key, value)
    return digestOf(entries)
  }
  const digests = [
    one('instances', 'ab', 'c'),
    one('instances', 'a', 'bc'),
    one('removals', 'ab', 'c'),
    one('instances', 'abc', ''),
  ]
  expect(new Set(digests).size).toBe(4)
})

test('differences turn one into the other', () => {
  const random = new Random(9)
  for (let i = 0; i < 50; i++) {
    const [from, to] = [new Entries(hash), new Entries(hash)]
    from.apply(randomChanges(from, random, 20))
    to.apply(randomChanges(to, random, 20))
    from.apply(differences(from, to))
    expect(digestOf(from)).toBe(digestOf(to))
  }
})

test('equal entries under an equal client are equal bytes, and load gives them back', () => {
  const entries = new Entries(hash)
  entries.apply(randomChanges(entries, new Random(1), 60))
  const one = Content.build(entries.sorted(), 77)
  expect(Buffer.from(Content.build(entries.sorted(), 77).encode())).toEqual(Buffer.from(one.encode()))
  const loaded = Content.load(one.encode(), 77) as Content
  expect([...loaded.entries()]).toEqual(expect.arrayContaining([...entries.sorted()]))
  expect(loaded.clock).toBe(one.clock)
  expect(Content.load(one.encode(), 78)).toBeUndefined()
})

test('joined updates and single ones lead to the same content', () => {
  const random = new Random(4)
  const owner = Content.build([], 5)
  const entries = new Entries(hash)
  const [single, joined] = [Content.build([], 5), Content.build([], 5)]
  for (let round = 0; round < 30; round++) {
    const updates = Array.from({ length: 1 + random.below(5) }, () => {
      const changes = randomChanges(entries, random, 4).filter(({ before, after }) => before !== after)
      entries.apply(changes)
      return owner.write(changes)
    })
    for (const update of updates) expect(single.apply(update)).toBeDefined()
    expect(joined.apply(joinUpdates(updates))).toBeDefined()
  }
  for (const content of [single, joined]) {
    expect(new Map([...content.entries()].map(({ map, key, value }) => [`${map}/${key}`, value]))).toEqual(
      new Map([...entries.sorted()].map(({ map, key, value }) => [`${map}/${key}`, value])),
    )
  }
})

test('overwrites in turn outgrow a document, and a rebase makes it small again', () => {
  const own = new OwnDocument(hash, { entries: [], epoch: 1, client: 9 })
  let most = 0
  for (let round = 0; round < 300; round++) {
    const changes = Array.from({ length: 10 }, (_, i): Change => {
      const before = own.entries.get('instances', `k${i}`)
      return { map: 'instances', key: `k${i}`, ...(before !== undefined && { before }), after: `value ${round}` }
    })
    if (own.outgrown) own.rebase(10 + round)
    own.write(changes)
    most = Math.max(most, own.encode().length)
  }
  const fresh = Content.build(own.entries.sorted(), 1).encode().length
  expect(most).toBeLessThan(fresh + 100 * 12)
  expect(own.epoch).toBeGreaterThan(10)
})
