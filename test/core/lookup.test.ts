// The index: what is visible, what is picked in which order, and what an unknown slug is.
import { expect, test } from 'vitest'
import type { RegistryEvent } from '../../src/core/effects.js'
import { Reach } from '../../src/core/lookup/reach.js'
import { Index } from '../../src/core/lookup/slugs.js'
import { Visibility } from '../../src/core/lookup/visibility.js'
import type { InstanceStatus } from '../../src/core/model/model.js'
import { writeEntry } from '../../src/core/records/kinds.js'
import { Union } from '../../src/core/records/union.js'
import { Signatures } from '../../src/core/wire/head.js'
import { cheapCrypto } from '../sim/crypto.js'

/** An index over a union, and the owners that are seen. */
function table(): {
  index: Index
  /** Owners whose instances are listed. */
  visible: { add: (owner: string) => void; delete: (owner: string) => void }
  left: { add: (owner: string) => void }
  events: RegistryEvent[]
  put: (owner: string, id: string, more?: { n?: number; status?: InstanceStatus; slug?: string; url?: string }) => void
  drop: (owner: string, id: string) => void
  remove: (owner: string, id: string, n: number) => void
} {
  const union = new Union(new Signatures(cheapCrypto('me')))
  const events: RegistryEvent[] = []
  const visibility = new Visibility('me')
  for (const owner of 'abc') visibility.note(owner, 'all', false)
  const visible = {
    add: (owner: string) => void visibility.note(owner, 'all', false),
    delete: (owner: string) => void visibility.note(owner, 'none', false),
  }
  const left = { add: (owner: string) => void visibility.note(owner, 'none', true) }
  const inner = new Index(union, visibility, { self: 'me', seed: 0, reach: new Reach() })
  const ownerChanged = inner.ownerChanged.bind(inner)
  const index = Object.assign(inner, {
    refresh: told(events, inner.refresh.bind(inner)),
    ownerChanged: told(events, (owner) => {
      visibility.changed(owner)
      ownerChanged(owner)
      return inner.tellMore(100)
    }),
  })
  const put: ReturnType<typeof table>['put'] = (owner, id, more = {}) => {
    const record = { id, url: `http://${id}.test`, slug: 's', n: 1, status: 'Healthy' as const, ...more }
    union.apply(owner, [{ map: 'instances', key: id, after: writeEntry('instances', record) as string }])
    index.refresh(id)
  }
  const drop = (owner: string, id: string): void => {
    union.apply(owner, [{ map: 'instances', key: id }])
    index.refresh(id)
  }
  const remove = (owner: string, id: string, n: number): void => {
    union.apply(owner, [{ map: 'removals', key: id, after: JSON.stringify({ n, at: 1 }) }])
    index.refresh(id)
  }
  return { index, visible, left, events, put, drop, remove }
}

/** The same call, whose news are noted down as well. */
function told(
  events: RegistryEvent[],
  call: (name: string) => readonly RegistryEvent[],
): (name: string) => RegistryEvent[] {
  return (name) => {
    const news = [...call(name)]
    events.push(...news)
    return news
  }
}

function picked(index: Index, count: number, inDoubt = false): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const id = index.pick('s', inDoubt)?.record.id ?? 'nothing'
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts
}

function changesOf(events: readonly RegistryEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'instance' ? [`${event.change} ${event.id} ${event.slug}`] : []))
}

test('rotation is even', () => {
  const { index, put } = table()
  for (const id of ['i', 'j', 'k']) put('a', id)
  expect(picked(index, 30)).toEqual({ i: 10, j: 10, k: 10 })
})

test.each([
  { statuses: ['Healthy', 'Unknown', 'Degraded', 'Unreachable', 'Error'], chosen: ['i0'] },
  { statuses: ['Unknown', 'Degraded', 'Unreachable'], chosen: ['i0', 'i1'] },
  { statuses: ['Degraded', 'Error'], chosen: ['i0'] },
  { statuses: ['Unreachable', 'Error'], chosen: ['nothing'] },
] as const)('of $statuses the best are picked', ({ statuses, chosen }) => {
  const { index, put } = table()
  statuses.forEach((status, i) => put('a', `i${i}`, { status }))
  expect(Object.keys(picked(index, 12)).sort()).toEqual(chosen)
  expect(index.lookup('s', false)).toHaveLength(statuses.length) // all are listed
})

test('in doubt the unreachable are better than nothing, and the healthy better than those', () => {
  const { index, put } = table()
  put('a', 'i', { status: 'Unreachable' })
  expect(picked(index, 2, true)).toEqual({ i: 2 })
  put('b', 'j')
  expect(picked(index, 2, true)).toEqual({ j: 2 })
})

test('an unknown slug is undefined, a known one with nothing visible is empty, a dropped one is unknown again', () => {
  const { index, visible, put, drop } = table()
  expect(index.lookup('s', false)).toBeUndefined()
  put('a', 'i')
  visible.delete('a')
  index.ownerChanged('a')
  expect(index.lookup('s', false)).toEqual([])
  expect(index.lookup('s', true)).toHaveLength(1)
  drop('a', 'i')
  expect(index.lookup('s', false)).toBeUndefined()
  expect(index.pick('s', true)).toBeUndefined()
})

test('the winner is decided first, visibility after: a hidden winner shows nothing in its place', () => {
  const { index, visible, put } = table()
  put('a', 'i', { n: 1 })
  put('b', 'i', { n: 2 })
  visible.delete('b')
  index.ownerChanged('b')
  expect(index.lookup('s', false)).toEqual([])
  expect(index.find('i')?.owner).toBe('b')
})

test('the highest number wins, then the greater owner', () => {
  const { index, put } = table()
  put('b', 'i', { n: 1 })
  put('a', 'i', { n: 1 })
  expect(index.find('i')?.owner).toBe('b')
  put('a', 'i', { n: 2 })
  expect(index.find('i')?.owner).toBe('a')
})

test('a removal hides up to its number, whoever owns the record, in doubt too', () => {
  const { index, put, remove } = table()
  put('a', 'i', { n: 2 })
  remove('c', 'i', 2)
  expect(index.lookup('s', true)).toBeUndefined()
  put('b', 'i', { n: 3 })
  expect(index.lookup('s', false)?.map(({ owner }) => owner)).toEqual(['b'])
})

test('who left is not even last known', () => {
  const { index, visible, left, put } = table()
  put('a', 'i')
  put('b', 'j')
  for (const owner of ['a', 'b']) visible.delete(owner)
  left.add('a')
  for (const owner of ['a', 'b']) index.ownerChanged(owner)
  expect(index.lookup('s', true)?.map(({ record }) => record.id)).toEqual(['j'])
})

test('a slug that changes moves the instance from one listing to the other', () => {
  const { index, put } = table()
  put('a', 'i')
  expect(index.lookup('s', false)).toHaveLength(1)
  put('a', 'i', { n: 2, slug: 't' })
  expect(index.lookup('s', false)).toBeUndefined()
  expect(index.lookup('t', false)).toHaveLength(1)
})

test('shown, hidden and status are told once each', () => {
  const { index, visible, events, put, drop } = table()
  put('a', 'i', { status: 'Unknown' })
  put('a', 'i')
  index.refresh('i')
  visible.delete('a')
  index.ownerChanged('a')
  index.ownerChanged('a')
  drop('a', 'i')
  expect(events).toEqual([
    { type: 'instance', id: 'i', owner: 'a', slug: 's', change: 'shown' },
    { type: 'instance-status', id: 'i', owner: 'a', slug: 's', from: 'Unknown', to: 'Healthy' },
    { type: 'instance', id: 'i', owner: 'a', slug: 's', change: 'changed' },
    { type: 'instance', id: 'i', owner: 'a', slug: 's', change: 'hidden' },
  ])
})

test('a visible instance whose record looks different has changed; a higher number alone is no change', () => {
  const { events, put, drop } = table()
  put('a', 'i')
  put('a', 'i', { n: 2 })
  expect(changesOf(events)).toEqual(['shown i s'])
  put('a', 'i', { n: 2, status: 'Degraded' })
  put('b', 'i', { n: 3, status: 'Degraded' }) // another node: its url is another
  drop('a', 'i')
  expect(changesOf(events)).toEqual(['shown i s', 'changed i s', 'changed i s'])
})

test('one that moves to another slug is hidden at the old and shown at the new, for readers of either', () => {
  const { events, visible, put } = table()
  put('a', 'i')
  put('a', 'i', { n: 2, slug: 't' })
  expect(changesOf(events)).toEqual(['shown i s', 'hidden i s', 'shown i t'])
  visible.delete('b')
  put('b', 'i', { n: 3, slug: 'u' }) // the winner is of a node that is not seen
  expect(changesOf(events).slice(3)).toEqual(['hidden i t'])
})

test('of an owner with many instances none is shown any more, long before each of them is told', () => {
  const { index, visible, events, put } = table()
  for (let i = 0; i < 250; i++) put('a', `i${i}`)
  put('b', 'j')
  events.length = 0
  visible.delete('a')
  index.ownerChanged('a')
  expect(index.lookup('s', false)?.map(({ record }) => record.id)).toEqual(['j'])
  expect([...index.visible()]).toHaveLength(1)
  expect(index.isVisible('i249')).toBe(false)
  expect([events.length, index.hasUntold]).toEqual([100, true])
  visible.add('a') // it is back before all is told
  index.ownerChanged('a')
  while (index.hasUntold) events.push(...index.tellMore(100))
  const shown = new Set(Array.from({ length: 250 }, (_, i) => `i${i}`))
  for (const event of events) {
    if (event.type !== 'instance') continue
    if (event.change === 'hidden') shown.delete(event.id)
    else shown.add(event.id)
  }
  expect([shown.size, events.length]).toEqual([250, 200])
})

test('what nobody sees changes without a word', () => {
  const { events, index, visible, put, drop } = table()
  visible.delete('a')
  put('a', 'i')
  put('a', 'i', { n: 2, slug: 't', status: 'Unreachable' })
  drop('a', 'i')
  expect(changesOf(events)).toEqual([])
  put('a', 'i', { n: 3, slug: 't' })
  visible.add('a')
  index.ownerChanged('a')
  expect(changesOf(events)).toEqual(['shown i t'])
})

test('asking for slugs that nobody has fills no memory: nothing is kept of them', () => {
  const { index, put } = table()
  for (let i = 0; i < 1000; i++) expect(index.lookup(`x${i}`, i % 2 === 0)).toBeUndefined()
  for (let i = 0; i < 1000; i++) expect(index.pick(`x${i}`, false)).toBeUndefined()
  put('a', 'i', { slug: 'x5' })
  expect(index.lookup('x5', false)).toHaveLength(1)
  expect(index.pick('x5', false)?.record.id).toBe('i')
})

test('listings that were given out never change', () => {
  const { index, put } = table()
  put('a', 'i')
  const before = index.lookup('s', false)
  put('a', 'j')
  expect(before).toHaveLength(1)
  expect(index.lookup('s', false)).toHaveLength(2)
})

test('what is known of a lookup counts until anything of it changes, and no longer', () => {
  const { index, visible, put, drop, remove } = table()
  put('a', 'i1')
  put('b', 'i2', { status: 'Unknown' })
  put('c', 'other', { slug: 'other' })
  let version = index.version('s', false)
  const isAnother = (change: () => void): boolean => {
    change()
    const before = version
    version = index.version('s', false)
    return version !== before
  }
  expect(version).toBeDefined()
  expect(isAnother(() => undefined)).toBe(false)
  expect(isAnother(() => index.pick('s', false))).toBe(false)
  expect(isAnother(() => index.lookup('s', false))).toBe(false)
  expect(isAnother(() => put('c', 'other', { slug: 'other', status: 'Error' }))).toBe(false)
  expect(isAnother(() => put('a', 'i1', { status: 'Degraded' }))).toBe(true)
  expect(isAnother(() => put('b', 'i3'))).toBe(true)
  expect(isAnother(() => put('b', 'i3', { slug: 'other' }))).toBe(true)
  expect(isAnother(() => put('c', 'other', { n: 2 }))).toBe(true)
  expect(isAnother(() => remove('c', 'i2', 1))).toBe(true)
  expect(isAnother(() => (visible.delete('a'), index.ownerChanged('a')))).toBe(true)
  expect(isAnother(() => (visible.add('a'), index.ownerChanged('a')))).toBe(true)
  expect(isAnother(() => index.ownerChanged('a'))).toBe(true)
  expect(index.version('s', true)).not.toBe(version)
  expect(isAnother(() => drop('a', 'i1'))).toBe(true)
  for (const id of ['other', 'i3']) for (const owner of ['b', 'c']) drop(owner, id)
  expect(index.version('s', false)).toBeUndefined()
  expect(index.version('nobody', false)).toBeUndefined()
})

test('an id is found by its url alone, and not by one that it had before', () => {
  const { index, put, drop } = table()
  put('a', 'i')
  put('a', 'i', { n: 2, url: 'http://elsewhere.test' })
  const idAt = (url: string): string | undefined => index.idAt(url)
  expect(idAt('http://i.test')).toBeUndefined()
  expect(idAt('http://elsewhere.test')).toBe('i')
  drop('a', 'i')
  expect(idAt('http://elsewhere.test')).toBeUndefined()
})

test('slugs that differ in case share a name in the DNS, for as long as anything has them', () => {
  const { index, put, drop } = table()
  put('a', 'x', { slug: 'Web' })
  put('b', 'y', { slug: 'web' })
  put('b', 'z', { slug: 'Web' })
  put('c', 'w', { slug: 'We_b' })
  expect(index.spelledAs('web')).toEqual(['web', 'Web'])
  expect(index.spelledAs('we_b')).toEqual([])
  expect(index.records('Web').map(({ id }) => id)).toEqual(['x', 'z'])
  drop('a', 'x')
  put('b', 'y', { slug: 'WEB' }) // it is called otherwise now
  expect(index.spelledAs('web')).toEqual(['Web', 'WEB'])
  drop('b', 'z')
  expect(index.spelledAs('web')).toEqual(['WEB'])
  drop('b', 'y')
  expect(index.spelledAs('web')).toEqual([])
})
