// Which of one owner's documents continue which, in clusters of one version and of two; how two lines of one owner are merged.
import { expect, test } from 'vitest'
import type { Ancestry } from '../../src/core/model/ancestry.js'
import type { Entries } from '../../src/core/document/entries.js'
import { OwnDocument } from '../../src/core/document/document.js'
import type { InstanceRecord } from '../../src/core/model/model.js'
import { History } from '../../src/core/own/history.js'
import { Identity } from '../../src/core/own/identity.js'
import { kinds, nodeKey, readEntry, writeEntry } from '../../src/core/records/kinds.js'
import { isContinuedBy, shownOf } from '../../src/core/records/lineage.js'
import { Replica } from '../../src/core/replica/replica.js'
import { type Head, type Point, Signatures, signHead } from '../../src/core/wire/head.js'
import { cheapCrypto } from '../sim/crypto.js'

const crypto = cheapCrypto('me')
const s1 = '1'.repeat(16)
const s2 = '2'.repeat(16)
const s3 = '3'.repeat(16)

interface Said {
  readonly boot: string
  readonly generation: number
  readonly version: number
  readonly parent?: Point
  /** Absent: of an earlier version. */
  readonly ancestry?: Ancestry
}

function made({ ancestry, ...place }: Said): { head: Head; entries: Entries; document: OwnDocument } {
  const node = { id: 'n', url: 'http://n', addresses: [], ...(ancestry && { ancestry }) }
  const value = writeEntry('node', node) as string
  const document = new OwnDocument(crypto.hash, {
    entries: [{ map: 'node', key: nodeKey, value }],
    epoch: 1,
    client: 7,
  })
  const { entries } = document
  return {
    head: { owner: 'a', epoch: 1, incarnation: 0, client: 7, digest: entries.digest(), ...place },
    entries,
    document,
  }
}

const held = { boot: s1, generation: 1, version: 20 }
const parentAfter = { generation: 2, version: 8 }
const later = { boot: s3, generation: 3, version: 11 }

test.each([
  ['the same start', { ...held, version: 21 }, true],
  ['a start that tells of it', { ...later, ancestry: { points: [{ boot: s1, version: 20 }] } }, true],
  [
    'a start that tells of a later version of it',
    { ...later, ancestry: { points: [{ boot: s1, version: 25 }] } },
    true,
  ],
  [
    'a start that goes on from before it',
    { ...later, parent: parentAfter, ancestry: { points: [{ boot: s1, version: 19 }] } },
    false,
  ],
  [
    'a start that tells of another one alone',
    { ...later, parent: parentAfter, ancestry: { points: [{ boot: s2, version: 99 }] } },
    false,
  ],
  [
    'what goes on from an earlier version that came after it',
    { ...later, ancestry: { points: [], since: { generation: 1, version: 20 } } },
    true,
  ],
  [
    'what goes on from an earlier version that came before it',
    { ...later, ancestry: { points: [], since: { generation: 1, version: 19 } } },
    false,
  ],
  ['an earlier version, whose parent comes after it', { ...later, parent: parentAfter }, true],
  ['an earlier version, whose parent comes before it', { ...later, parent: { generation: 1, version: 19 } }, false],
  ['an earlier version without a parent', later, false],
  ['an earlier version, another start of the same generation', { ...held, boot: s2, version: 21 }, true],
  [
    'another start of the same generation, which says so',
    { ...held, boot: s2, version: 21, ancestry: { points: [] } },
    false,
  ],
] satisfies [string, Said, boolean][])('what is held is continued, or is not, by %s', (_, said, expected) => {
  const { head, entries, document } = made(said)
  expect(isContinuedBy(held, { signed: { head }, entries })).toBe(expected)
  const replica = new Replica(crypto, new Signatures(crypto))
  const offer = (one: { head: Head; document: OwnDocument }): string =>
    replica.offer(
      { signed: signHead(one.head, cheapCrypto('a')), content: { type: 'full', bytes: one.document.encode() } },
      0,
      0,
    ).type
  expect(offer(made(held))).toBe('taken')
  expect(offer({ head, document })).toBe(expected ? 'taken' : 'behind')
})

test.each([
  [{ generation: 1, version: 20 }, 'continued'],
  [{ generation: 1, version: 25 }, 'continued'],
  [{ generation: 1, version: 19 }, 'behind'],
  [parentAfter, 'unsaid'],
  [undefined, 'behind'],
] as const)('a head that continues %j shows that what is held is %s', (parent, expected) => {
  expect(shownOf(made({ ...later, ...(parent && { parent }) }).head, held)).toBe(expected)
})

test.each([
  [{ boot: s1 }, 'taken'],
  [{ parent: { generation: 1, version: 20 } }, 'taken'],
  [{ parent: { generation: 1, version: 19 } }, 'behind'],
  [{ parent: parentAfter }, 'gap'],
  [{}, 'behind'],
] as const)('a step whose head shows of its ancestry %j, from the version that is held, is %s', (place, expected) => {
  const replica = new Replica(crypto, new Signatures(crypto))
  const { head, document } = made(held)
  const offer = (one: Head, content: Parameters<Replica['offer']>[0]['content']): string =>
    replica.offer({ signed: signHead(one, cheapCrypto('a')), content }, 0, 0).type
  expect(offer(head, { type: 'full', bytes: document.encode() })).toBe('taken')
  const bytes = document.write([{ map: 'definitions', key: 'k', after: 'v' }])
  const next = { ...head, ...later, version: 21, digest: document.entries.digest(), ...place }
  expect(offer(next, { type: 'step', fromEpoch: 1, fromVersion: 20, bytes })).toBe(expected)
})

test('a history keeps what others may hold before what nobody saw, and is the same from disk', () => {
  const history = new History(undefined)
  const boot = (i: number): string => i.toString(16).padStart(16, '0')
  history.add({ boot: s1, version: 1 }, true)
  for (let i = 0; i < 3000; i++) history.add({ boot: boot(i), version: i + 2 }, false)
  const restored = new History((history.takeNote() as { value: string }).value)
  for (const one of [history, restored]) {
    expect(one.covers({ boot: s1, generation: 1, version: 1 })).toBe(true)
    expect(one.covers({ boot: s1, generation: 1, version: 2 })).toBe(false)
    expect(one.covers({ boot: boot(2999), generation: 9, version: 3001 })).toBe(true)
    expect(one.covers({ boot: boot(0), generation: 9, version: 2 })).toBe(false)
    expect(one.told(s2).points).toEqual([{ boot: s1, version: 1 }])
  }
})

test('who gives back what is not told any more is told of it, once', () => {
  const history = new History(undefined)
  const boot = (i: number): string => i.toString(16).padStart(16, '0')
  for (let i = 0; i < 20; i++) history.add({ boot: boot(i), version: i + 2 }, true)
  const given = { boot: boot(0), generation: 1, version: 1 }
  expect(history.tell(given, s2)).toBe(true)
  expect(history.told(s2).points).toContainEqual({ boot: boot(0), version: 2 })
  expect(history.tell(given, s2)).toBe(false)
})

test('to earlier versions the parent of a head is the latest point that it continues, in order', () => {
  const identity = new Identity('a', s3)
  identity.continuePoint({ boot: s2, ...parentAfter, parent: { generation: 1, version: 20 } }, { points: [] }, false)
  expect(identity.parent).toEqual({ generation: 1, version: 20 })
  identity.noteHeld({ boot: s2, ...parentAfter })
  expect(identity.parent).toEqual(parentAfter)
  identity.continuePoint(held, { points: [] }, true)
  expect(identity.parent).toEqual(parentAfter)
})

const record = { id: 'i', url: 'http://i.test:1', status: 'Healthy', n: 2, stamp: 5 } as unknown as InstanceRecord

test.each([
  ['instances', { ...record, n: 3, stamp: 1 }, record, 'ours'],
  ['instances', { ...record, stamp: 6, url: 'http://i.test:2' }, record, 'ours'],
  ['instances', record, { ...record, stamp: 6, url: 'http://i.test:2' }, 'theirs'],
  ['definitions', { stamp: 2, writer: 'a', definition: { id: 'i' } }, { stamp: 3, writer: 'a', at: 1 }, 'theirs'],
  ['definitions', { stamp: 3, writer: 'a', at: 1 }, { stamp: 2, writer: 'b', definition: { id: 'i' } }, 'ours'],
  ['definitions', { stamp: 2, writer: 'a', definition: { id: 'i' } }, { stamp: 2, writer: 'b', at: 1 }, 'theirs'],
  ['removals', { n: 2, at: 9 }, { n: 3, at: 9 }, 'theirs'],
] as const)(
  'of two lines of one owner, entry by entry the later one counts: %s %j beside %j, %s',
  (map, ours, theirs, who) => {
    const merged: unknown = kinds[map].merge(ours as never, theirs as never, 'i')
    expect(merged).toEqual(who === 'ours' ? ours : theirs)
  },
)

test('one registration in two lines stays out of the lookups where either says so; of two definitions of one stamp ours is the later one', () => {
  const kept = { ...record, maintenance: 'repair' } as InstanceRecord
  expect(kinds.instances.merge(record, kept, 'i')).toEqual(kinds.instances.merge(kept, record, 'i'))
  expect(writeEntry('instances', kinds.instances.merge(record, kept, 'i'))).toContain('repair')
  const define = (v: number): { stamp: number; writer: string; definition: { id: string; v: number } } => ({
    ...{ stamp: 2, writer: 'a' },
    definition: { id: 'i', v },
  })
  expect(kinds.definitions.merge(define(1), define(2), 'i')).toEqual({ ...define(1), stamp: 3 })
  expect(kinds.definitions.merge(define(1), define(1), 'i')).toEqual(define(1))
})

test('what is odd in a node record about its ancestry is left out, and the rest is read', () => {
  const node = (ancestry: unknown): string => JSON.stringify({ id: 'n', url: 'http://n', addresses: [], ancestry })
  const read = (ancestry: unknown): unknown => readEntry('node', nodeKey, node(ancestry))?.ancestry
  expect(read({ points: [[s1, 3], ['x', 1], [s2, -1], 7, [s2, 4]], since: [1, 'x'] })).toEqual({
    points: [
      { boot: s1, version: 3 },
      { boot: s2, version: 4 },
    ],
  })
  for (const odd of [undefined, 7, 'x', [], { points: {} }]) expect(read(odd)).toBeUndefined()
  expect((read({ points: Array.from({ length: 99 }, () => [s1, 1]) }) as Ancestry).points).toHaveLength(8)
})
