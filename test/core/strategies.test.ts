// How one of several is chosen: shares by χ², keys that stay where they were, those near by before those far away.
import { expect, test } from 'vitest'
import type { Pools, Reading, Whereabouts } from '../../src/core/lookup/candidates.js'
import { Chooser, type Listed, type PickQuery } from '../../src/core/lookup/chooser.js'
import { hashText, lotOf } from '../../src/core/lookup/lots.js'
import { parsePick } from '../../src/core/lookup/query.js'
import { strategies } from '../../src/core/lookup/strategies.js'
import type { InstanceStatus } from '../../src/core/model/model.js'

interface One {
  readonly id: string
  readonly status: InstanceStatus
  readonly weight?: number
  readonly tags?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly ports?: Readonly<Record<string, number>>
  readonly at?: Whereabouts
  readonly load?: number
}

const reading: Reading<One> = {
  of: (one) => one,
  whereabouts: ({ at = {} }) => at,
  here: () => ({ node: 'n1', zone: 'z1', region: 'r1' }),
}

const loadOf = ({ load = 0 }: One): number => load

function one(id: string, more: Partial<One> = {}): One {
  return { id, status: 'Healthy', ...more }
}

function some(count: number, more: (i: number) => Partial<One> = () => ({})): readonly One[] {
  return Array.from({ length: count }, (_, i) => one(`i${String(i).padStart(6, '0')}`, more(i)))
}

function listed(ones: readonly One[], lastKnown?: readonly One[]): Listed<One> {
  const pools: Pools<One> = [
    { listed: ones, inDoubt: false },
    ...(lastKnown === undefined ? [] : [{ listed: lastKnown, inDoubt: true }]),
  ]
  return { pools }
}

/** How often each is picked. */
function picks(
  ones: readonly One[],
  query: PickQuery | ((i: number) => PickQuery),
  count: number,
  seed = 1,
): Map<string, number> {
  const chooser = new Chooser(reading, seed)
  const list = listed(ones)
  const counts = new Map(ones.map(({ id }) => [id, 0]))
  for (let i = 0; i < count; i += 1) {
    const id = chooser.choose('web', list, typeof query === 'function' ? query(i) : query, loadOf)?.id as string
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

function chiSquare(counts: ReadonlyMap<string, number>, shareOf: (id: string) => number): number {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return [...counts].reduce((sum, [id, count]) => {
    const due = total * shareOf(id)
    return sum + (due === 0 ? (count === 0 ? 0 : Infinity) : (count - due) ** 2 / due)
  }, 0)
}

/** χ² of nine degrees of freedom: what chance exceeds once in a thousand times. */
const improbable = 27.88

const uneven = some(10, (i) => ({ weight: [100, 100, 50, 50, 200, 10, 10, 300, 100, 80][i] as number }))
const sharesOfUneven = (id: string): number => (uneven.find((it) => it.id === id)?.weight as number) / 1000

test.each(['random', 'hash'] as const)('%s: each gets its share, by weight or evenly', (strategy) => {
  const query = (i: number): PickQuery => ({ strategy, ...(strategy === 'hash' && { key: `user ${i}` }) })
  expect(chiSquare(picks(uneven, query, 20_000), sharesOfUneven)).toBeLessThan(improbable)
  expect(chiSquare(picks(some(10), query, 20_000), () => 0.1)).toBeLessThan(improbable)
})

test('round-robin: exactly its weight, and never long in a row', () => {
  for (const [id, count] of picks(uneven, {}, 1000))
    expect(Math.abs(count - 1000 * sharesOfUneven(id)), id).toBeLessThanOrEqual(1)
  const chooser = new Chooser(reading, 3)
  const list = listed([one('a', { weight: 5 }), one('b', { weight: 1 }), one('c', { weight: 1 })])
  const order = Array.from({ length: 70 }, () => chooser.choose('web', list)?.id).join('')
  expect(order).not.toMatch(/a{5}/) // nginx: aabacaa, over and over; not aaaaabc
  expect(order).not.toMatch(/bb|cc/)
})

test('round-robin by weight goes on where it was, whatever comes and goes', () => {
  const chooser = new Chooser(reading, 1)
  const counts = new Map<string, number>()
  for (let i = 0; i < 3000; i += 1) {
    const list = listed([
      one('a', { weight: 20 }),
      one('b', { weight: 10 }),
      ...(i % 2 === 0 ? [one(`c${i % 7}`)] : []),
    ])
    const id = chooser.choose('web', list)?.id as string
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const [a = 0, b = 0] = [counts.get('a'), counts.get('b')]
  expect(Math.abs(a - 2 * b)).toBeLessThan(4)
})

test.each(['differ', 'are the same'])(
  'round-robin: whoever tries another one moves nobody’s turn (weights %s)',
  (how) => {
    const ones = ['a', 'b', 'c'].map((id) => one(id, how === 'differ' ? { weight: id === 'a' ? 100 : 50 } : {}))
    const [chooser, list] = [new Chooser(reading, 1), listed(ones)]
    const [first, again] = [new Map<string, number>(), new Map<string, number>()]
    const pick = (counts: Map<string, number>, query?: PickQuery): string => {
      const id = chooser.choose('web', list, query)?.id as string
      counts.set(id, (counts.get(id) ?? 0) + 1)
      return id
    }
    for (let i = 0; i < 1200; i += 1) if (pick(first) === 'a') pick(again, { exclude: ['a'] })
    const ofA = how === 'differ' ? 600 : 400
    for (const [id, count] of first)
      expect(Math.abs(count - (id === 'a' ? ofA : (1200 - ofA) / 2))).toBeLessThanOrEqual(1)
    expect([...again].every(([, count]) => Math.abs(count - ofA / 2) <= 1)).toBe(true)
    expect([...again.keys()].sort()).toEqual(['b', 'c'])
    const next = Array.from({ length: 8 }, (_, i) => pick(again, { exclude: [i % 2 === 0 ? 'c' : 'none'] }))
    expect(next.filter((id) => id === 'a').length).toBeLessThan(8) // however long it was left out
  },
)

test('round-robin by weight: a weight that changes counts from the next turn on, and near ones that are well again share at once', () => {
  const chooser = new Chooser(reading, 1)
  const share = (ones: readonly One[], picks: number): Record<string, number> => {
    const counts: Record<string, number> = {}
    const list = listed(ones)
    for (let i = 0; i < picks; i += 1) {
      const id = chooser.choose('web', list, { prefer: 'zone' })?.id as string
      counts[id] = (counts[id] ?? 0) + 1
    }
    return counts
  }
  const near = (status: InstanceStatus): One[] => {
    const at = { zone: 'z1' }
    return [one('a', { at, weight: 100, status }), one('b', { at, weight: 200 }), one('c', { at, weight: 700, status })]
  }
  const far = [one('d'), one('e', { weight: 300 })]
  share([...near('Healthy'), ...far], 500)
  share([...near('Unreachable'), ...far], 333)
  const { a = 0, b = 0, c = 0 } = share([...near('Healthy'), ...far], 100)
  for (const [count, due] of [
    [a, 10],
    [b, 20],
    [c, 70],
  ] as const)
    expect(Math.abs(count - due)).toBeLessThanOrEqual(2)
})

test('least-loaded: of two the less loaded one, so the most loaded of all never', () => {
  const ones = some(10, (i) => ({ load: i }))
  const counts = picks(ones, { strategy: 'least-loaded' }, 9000)
  expect(counts.get('i000009')).toBe(0)
  // The k-th of ten is the better one of two different ones with 2 (10 - k) of 90 pairs.
  expect(chiSquare(counts, (id) => (2 * (9 - Number(id.slice(1)))) / 90)).toBeLessThan(improbable)
  expect(chiSquare(picks(some(10), { strategy: 'least-loaded' }, 20_000), () => 0.1)).toBeLessThan(improbable)
})

test.each([1, 100])('hash: when one of ten goes only its keys move (weights 1 to %i)', (most) => {
  const ones = some(10, (i) => ({ weight: 1 + ((i * 37) % most) }))
  const chooser = new Chooser(reading, 1)
  const [all, less] = [listed(ones), listed(ones.filter(({ id }) => id !== 'i000004'))]
  for (let i = 0; i < 5000; i += 1) {
    const query = { strategy: 'hash', key: `user ${i}` } as const
    const before = chooser.choose('web', all, query)?.id
    const after = chooser.choose('web', less, query)?.id
    if (before !== 'i000004') expect(after).toBe(before)
    else expect(after).not.toBe(before)
  }
})

test('hash: it is the one with the greatest lot, however long the list is', () => {
  const lotOfOne = ({ id }: One, key: string): number => lotOf(hashText(id, 0) ^ hashText(key, 0))
  for (let count = 1; count <= 18; count += 1) {
    const chooser = new Chooser(reading, 1)
    const [ones, list] = [some(count), listed(some(count))]
    for (let i = 0; i < 100; i += 1) {
      const key = `user ${i}`
      const greatest = ones.reduce((best, next) => (lotOfOne(next, key) > lotOfOne(best, key) ? next : best))
      expect(chooser.choose('web', list, { strategy: 'hash', key })?.id).toBe(greatest.id)
    }
  }
})

test('hash: every caller of every version chooses the same', () => {
  const keys = ['', 'a', 'user-17', 'ü€😀', '\ud800', 'x'.repeat(1000)]
  const chosen = (seed: number): string =>
    keys.map((key) => new Chooser(reading, seed).choose('web', listed(some(100)), { strategy: 'hash', key })?.id).join()
  expect(chosen(1)).toBe(chosen(2))
  expect(chosen(1)).toBe('i000075,i000031,i000005,i000065,i000014,i000015')
})

test.each(strategies)('%s: weight 0 only where nothing else is left, and the best status first', (strategy) => {
  const query = { strategy, ...(strategy === 'hash' && { key: 'k' }) }
  const first = (...ones: readonly One[]): string | undefined =>
    new Chooser(reading, 1).choose('web', listed(ones), query)?.id
  expect(first(one('a', { weight: 0 }), one('b', { weight: 1 }))).toBe('b')
  expect(first(one('a', { weight: 0 }), one('b', { status: 'Unknown' }))).toBe('b')
  expect(first(one('a', { weight: 0 }), one('b', { status: 'Error' }))).toBe('a')
  expect(first(one('a', { status: 'Unreachable' }))).toBeUndefined()
  expect(first()).toBeUndefined()
})

test.each(strategies)('%s: those asked for alone', (strategy) => {
  const ones = [
    one('a', { tags: ['blue'], metadata: { team: 'x' }, ports: { http: 1 } }),
    one('b', { tags: ['blue', 'new'], metadata: { team: 'y' } }),
    one('c', { tags: ['green'], metadata: { team: 'x', __proto__x: '' }, ports: { http: 2 }, status: 'Degraded' }),
  ]
  const chooser = new Chooser(reading, 1)
  const all = (query: PickQuery): string => {
    const key = (i: number): Partial<PickQuery> => (strategy === 'hash' ? { key: `k${i}` } : {})
    const list = listed(ones)
    const ids = Array.from({ length: 40 }, (_, i) => chooser.choose('web', list, { strategy, ...key(i), ...query })?.id)
    return [...new Set(ids)].sort().join()
  }
  expect(all({})).toBe('a,b')
  expect(all({ tags: ['blue'] })).toBe('a,b')
  expect(all({ tags: ['blue', 'new'] })).toBe('b')
  expect(all({ tags: ['green'] })).toBe('c') // degraded, but the only one of those asked for
  expect(all({ metadata: { team: 'x' } })).toBe('a')
  expect(all({ port: 'http' })).toBe('a')
  expect(all({ port: 'constructor' })).toBe('')
  expect(all({ exclude: ['a'] })).toBe('b')
  expect(all({ exclude: ['a', 'b'] })).toBe('c')
  expect(all({ exclude: ['a', 'b', 'c'] })).toBe('')
})

/** The share of the picks that goes to those near by. */
function nearShare(near: readonly One[], far: readonly One[], query: PickQuery = {}): number {
  const counts = picks([...near, ...far], { prefer: 'zone', ...query }, 4000)
  const count = (ones: readonly One[]): number => ones.reduce((sum, { id }) => sum + (counts.get(id) as number), 0)
  return count(near) / (count(near) + count(far))
}

/** Of so many those first ones are well. */
function inZone(zone: string, count: number, well: number, weight = 100): readonly One[] {
  return Array.from({ length: count }, (_, i) =>
    one(`${zone}-${i}`, { at: { zone }, weight, status: i < well ? 'Healthy' : 'Unreachable' }),
  )
}

test.each([
  { well: 10, share: 1 },
  { well: 5, share: 1 },
  { well: 4, share: 0.8 },
  { well: 1, share: 0.2 },
  { well: 0, share: 0 },
])('those in the zone bear all as long as half of them are well; $well of 10 bear $share', ({ well, share }) => {
  for (const strategy of ['round-robin', 'random', 'least-loaded'] as const) {
    const found = nearShare(inZone('z1', 10, well), inZone('z2', 7, 7, 300), { strategy })
    expect(found, strategy).toBeGreaterThanOrEqual(share - 0.03)
    expect(found, strategy).toBeLessThanOrEqual(share + 0.03)
  }
})

/** Those that are picked of these, where some are avoided. */
function reached(ones: readonly One[], avoided: readonly string[], query: PickQuery): string {
  const chooser = new Chooser(reading, 1)
  const list: Listed<One> = { pools: [{ listed: ones, inDoubt: false, avoided: new Set(avoided) }] }
  const key = (i: number): Partial<PickQuery> => (query.strategy === 'hash' ? { key: `k${i}` } : {})
  const ids = Array.from({ length: 60 }, (_, i) => chooser.choose('web', list, { ...query, ...key(i) })?.id)
  return [...new Set(ids)].sort().join()
}

test.each(strategies)(
  '%s: whom this caller does not reach comes last, and is picked where nobody else is',
  (strategy) => {
    const ones = [
      one('a', { tags: ['t'] }),
      one('b', { tags: ['t', 'u'] }),
      one('c', { status: 'Degraded' }),
      one('d', { weight: 0 }),
      one('e', { status: 'Error' }),
    ]
    expect(reached(ones, ['a'], { strategy })).toBe('b')
    expect(reached(ones, ['a', 'b'], { strategy })).toBe('c')
    expect(reached(ones, ['a', 'b', 'c'], { strategy })).toBe('d')
    expect(reached(ones, ['a', 'b', 'c', 'd'], { strategy })).toBe('a,b')
    expect(reached(ones, ['a', 'b', 'c', 'd', 'e'], { strategy })).toBe('a,b')
    expect(reached(ones, ['b'], { strategy, tags: ['u'] })).toBe('b')
    expect(reached(ones, ['b'], { strategy, tags: ['t'] })).toBe('a')
    expect(reached(ones, ['a'], { strategy, exclude: ['b', 'c', 'd'] })).toBe('a')
  },
)

test('those near by who are not reached count as ill: the others bear what is too much for the rest', () => {
  const near = inZone('z1', 4, 4)
  const far = inZone('z2', 4, 4)
  const chooser = new Chooser(reading, 1)
  const share = (avoided: readonly string[]): number => {
    const list: Listed<One> = { pools: [{ listed: [...near, ...far], inDoubt: false, avoided: new Set(avoided) }] }
    const ids = Array.from({ length: 400 }, () => chooser.choose('web', list, { prefer: 'zone' })?.id as string)
    return ids.filter((id) => id.startsWith('z1')).length / 400
  }
  expect(share(['z1-0', 'z1-1'])).toBe(1)
  expect(share(['z1-0', 'z1-1', 'z1-2'])).toBeCloseTo(0.5, 2)
  expect(share(near.map(({ id }) => id))).toBe(0)
  expect(share([...near, ...far].map(({ id }) => id))).toBe(1)
})

test('preferred is what is near by whatever one asks, and nobody is near where nothing is known', () => {
  const here = one('here', { at: { node: 'n1', zone: 'z1', region: 'r1' } })
  const zone = one('zone', { at: { node: 'n2', zone: 'z1', region: 'r1' } })
  const region = one('region', { at: { node: 'n3', zone: 'z2', region: 'r1' } })
  const lost = one('lost')
  const all = (query: PickQuery): string =>
    [...picks([here, lost, region, zone], query, 100)].flatMap(([id, n]) => (n > 0 ? [id] : [])).join()
  expect(all({ prefer: 'node' })).toBe('here')
  expect(all({ prefer: 'zone' })).toBe('here,zone')
  expect(all({ prefer: 'region' })).toBe('here,region,zone')
  expect(all({})).toBe('here,lost,region,zone')
  expect(all({ prefer: 'node', exclude: ['here'] })).toBe('lost,region,zone')
})

test.each(strategies)('%s: where only those of weight 0 are left, each counts for one, near by too', (strategy) => {
  const [near, far] = [{ zone: 'z1' }, { zone: 'z2' }]
  const spare = (id: string, at: Whereabouts): One => one(id, { weight: 0, at })
  const gone = (id: string): One => one(id, { status: 'Error', at: near })
  const picked = (ones: readonly One[]): Map<string, number> =>
    picks(ones, (i) => ({ strategy, prefer: 'zone', ...(strategy === 'hash' && { key: `k${i}` }) }), 900)
  expect(picked([gone('a'), spare('b', near), spare('c', far)]).get('b')).toBe(900)
  const counts = picked([gone('a'), gone('a2'), spare('b', near), spare('c', far), spare('d', far)])
  for (const [id, share] of [
    ['b', 2 / 3],
    ['c', 1 / 6],
    ['d', 1 / 6],
  ] as const)
    expect(Math.abs((counts.get(id) ?? 0) - 900 * share), id).toBeLessThan(60)
})

test('of what is only last known even a bad one is picked, after all others', () => {
  const chooser = new Chooser(reading, 1)
  const bad = one('bad', { status: 'Unreachable' })
  expect(chooser.choose('web', listed([], [bad]), { strategy: 'random' })?.id).toBe('bad')
  expect(chooser.choose('web', listed([one('good')], [bad]), { strategy: 'random' })?.id).toBe('good')
})

test('demands that callers make up do not fill the memory, and each takes turns of its own', () => {
  const chooser = new Chooser(reading, 1)
  const list = listed(some(3, () => ({ tags: ['t'] })))
  for (let i = 0; i < 1000; i += 1) chooser.choose('web', list, { tags: [`made up ${i}`] })
  const ids = Array.from({ length: 6 }, () => {
    chooser.choose('web', list)
    return chooser.choose('web', list, { tags: ['t'] })?.id
  })
  expect(new Set(ids.slice(0, 3)).size).toBe(3)
  expect(ids.slice(3)).toEqual(ids.slice(0, 3))
  expect(chooser.choose('web', list, { port: '' })).toBeUndefined()
  expect(chooser.choose('web', list, { tags: [] })).toBeDefined()
})

test.each([
  [{ strategy: 'fastest' }, 'strategy: must be one of round-robin, random, least-loaded, hash'],
  [{ prefer: 'planet' }, 'prefer: must be one of node, zone, region'],
  [{ strategy: 'hash' }, 'key: missing'],
  [{ key: 'k' }, 'key: counts only with the strategy hash'],
  [{ strategy: 'hash', key: 5 }, 'key: must be a string'],
  [{ tags: 'blue' }, 'tags: must be a list of strings'],
  [{ tags: [5] }, 'tags: must be a list of strings'],
  [{ metadata: ['team'] }, 'metadata: must be an object of texts'],
  [{ metadata: { team: 5 } }, 'metadata: must be an object of texts'],
  [{ metadata: new Map([['team', 'blue']]) }, 'metadata: must be an object of texts'],
  [{ port: 8080 }, 'port: must be a string'],
  [{ exclude: 'a' }, 'exclude: must be a list of strings'],
  [{ strategy: null }, 'strategy: must be one of'],
])('%j is refused: %s', (given, error) => {
  expect(() => parsePick(given)).toThrow(error)
})

test('what is not asked is not there', () => {
  expect(parsePick({})).toBeUndefined()
  expect(parsePick({ strategy: undefined, signal: 5 })).toBeUndefined()
  expect(parsePick({ port: '' })).toEqual({ port: '' })
})
