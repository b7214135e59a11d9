// What is remembered of writes: bounded, each id for itself, nobody's name pushed out by what nobody did; joined from several nodes.
import { expect, test } from 'vitest'
import { type Entry, sentenceOf } from '../../src/core/journal/entry.js'
import { entriesOfOne, joined, readRemembered } from '../../src/core/journal/joined.js'
import { Journal } from '../../src/core/journal/journal.js'
import { parseHistoryQuery } from '../../src/core/journal/query.js'

const atSecond = (s: number): string =>
  `2026-11-24T12:${String(Math.floor(s / 60)).padStart(2, '0')}:${String(s % 60).padStart(2, '0')}.000Z`
const limits = { each: 3, entries: 8, bytes: 100_000 }
const ci = { via: 'http', by: 'ci', address: '10.0.0.7' } as const
type Said = Parameters<Journal['add']>[0]
const write = (id: string, s: number, more: Partial<Said> = {}): Said => ({
  ...{ act: 'register', id, ...ci, outcome: 'done', at: atSecond(s), ...more },
})
const found = (id: string, s: number): Said => write(id, s, { act: 'found', via: 'daemon', details: `${s}` })
const all = { limit: 1000 }
const shown = (journal: Journal, query: Partial<Parameters<Journal['ask']>[0]> = {}): string[] =>
  journal.ask({ ...all, ...query }).entries.map(({ id, at }) => `${id} ${Number(at.slice(17, 19))}`)

test('of one id the last few are kept, whatever is written of it; the others stay; it says since when it knows of which', () => {
  const journal = new Journal(atSecond(0), limits)
  journal.add(write('a', 1))
  for (let s = 2; s < 8; s++) journal.add(write('b', s))
  expect(shown(journal)).toEqual(['b 7', 'b 6', 'b 5', 'a 1'])
  expect(journal.ask({ ...all, id: 'a' }).from).toBe(atSecond(0))
  expect(journal.ask({ ...all, id: 'b' }).from).toBe(atSecond(4))
})

test('an instance that is now well, now ill, pushes out nobody who wrote', () => {
  const journal = new Journal(atSecond(0), limits)
  journal.add(write('a', 1))
  for (let s = 2; s < 40; s++) journal.add(found(`a${s % 12}`, s))
  expect(shown(journal, { id: 'a' })).toEqual(['a 1'])
  expect(journal.ask(all).from).toBe(atSecond(0))
})

test('who is refused chooses ids, and has room for a few of them alone', () => {
  const journal = new Journal(atSecond(0), limits)
  journal.add(write('a', 1))
  for (let s = 2; s < 40; s++)
    journal.add(write(`guess-${s}`, s, { outcome: 'refused', address: '10.6.6.6', details: `${s}` }))
  expect(shown(journal)).toEqual(['guess-39 39', 'guess-38 38', 'guess-37 37', 'a 1'])
})

test('what changes nothing again and again is one entry that counts', () => {
  const journal = new Journal(atSecond(0), limits)
  journal.add(write('a', 1))
  for (let s = 2; s < 30; s++) journal.add(write('a', s, { outcome: 'unchanged' }))
  expect(journal.ask(all).entries).toMatchObject([{ at: atSecond(29), times: 28 }, { at: atSecond(1) }])
  journal.add(write('a', 31))
  journal.add(write('a', 32))
  expect(shown(journal)).toEqual(['a 32', 'a 31', 'a 29'])
})

test('what is refused again and again is one entry that counts, and goes with the others where there is no room', () => {
  const journal = new Journal(atSecond(0), limits)
  for (let s = 1; s < 30; s++) journal.add(write('a', s, { outcome: 'refused' }))
  expect(journal.ask(all).entries).toMatchObject([{ at: atSecond(29), times: 29 }])
  for (let s = 30; s < 50; s++) journal.add(write('a', s, { outcome: 'refused', address: `10.0.1.${s}` }))
  expect(shown(journal)).toEqual(['a 49', 'a 48', 'a 47', 'a 46', 'a 45', 'a 44', 'a 43', 'a 42'])
})

test('neither who is refused from ever other addresses of his, nor a node that dies with many instances, pushes out who did what', () => {
  const journal = new Journal(atSecond(0), limits)
  journal.add(write('a', 1))
  journal.add({ act: 'member dead', node: 'n', via: 'daemon', outcome: 'done', at: atSecond(2) })
  for (let s = 3; s < 50; s++) {
    const address = s % 2 === 0 ? `2001:db8::${s.toString(16)}` : `10.0.2.${s}`
    journal.add(write('b', s, { outcome: 'refused', address, details: `${s}` }))
    journal.add(write(`i${s}`, s, { act: 'hidden', via: 'seen', node: 'n', elsewhere: 'N' }))
  }
  const { from, entries } = journal.ask(all)
  const refused = entries.filter(({ outcome }) => outcome === 'refused')
  expect(refused).toHaveLength(limits.entries)
  expect(refused.filter(({ address }) => address?.includes(':'))).toHaveLength(3)
  expect(entries.slice(-2)).toMatchObject([{ act: 'member dead' }, { id: 'a', outcome: 'done' }])
  expect(from).toBe(atSecond(0))
})

test('an id as long as an instance may have is remembered whole, and found by', () => {
  const id = 'x'.repeat(512)
  const journal = new Journal(atSecond(0), limits)
  journal.add(write(id, 1))
  expect(journal.ask(parseHistoryQuery({ id })).entries).toMatchObject([{ id }])
  expect(() => parseHistoryQuery({ id: `${id}x` })).toThrow('id: must be a string of at most 512 characters')
})

test('all together have a bound, by number or by bytes: the oldest goes, and is told', () => {
  const journal = new Journal(atSecond(0), limits)
  for (let s = 1; s < 20; s++) journal.add(write(`i${s}`, s))
  expect(shown(journal)).toHaveLength(8)
  expect(journal.ask(all).from).toBe(atSecond(11))
  const small = new Journal(atSecond(0), { ...limits, entries: 1000, bytes: 5000 })
  for (let s = 1; s < 40; s++) small.add(write(`i${s}`, s, { details: 'x'.repeat(10_000) }))
  const { entries } = small.ask(all)
  expect(entries.length).toBeGreaterThan(2)
  expect(JSON.stringify(entries).length).toBeLessThan(5000)
})

test('it is asked by id, node, slug, act, token, moment, number', () => {
  const journal = new Journal(atSecond(0))
  journal.add(write('a', 1, { slug: 'web' }))
  journal.add(write('b', 2, { slug: 'web', by: 'jo', act: 'deregister' }))
  journal.add({ act: 'member dead', node: 'n', via: 'daemon', outcome: 'done', at: atSecond(3) })
  const asked = (given: Record<string, unknown>): (string | undefined)[] =>
    journal.ask(parseHistoryQuery(given)).entries.map(({ id, node }) => id ?? node)
  expect(asked({})).toEqual(['n', 'b', 'a'])
  expect([asked({ id: 'a' }), asked({ id: 'n' }), asked({ slug: 'web' })]).toEqual([['a'], ['n'], ['b', 'a']])
  expect([asked({ act: 'deregister' }), asked({ by: 'ci' })]).toEqual([['b'], ['a']])
  expect([asked({ since: '2026-11-24T12:00:02Z' }), asked({ limit: 1 })]).toEqual([['n', 'b'], ['n']])
  for (const wrong of [
    { id: 5 },
    { act: 'explode' },
    { since: 'yesterday' },
    { limit: 0 },
    { limit: 1001 },
    { limit: '5' },
  ])
    expect(() => parseHistoryQuery(wrong), JSON.stringify(wrong)).toThrow(
      new RegExp(`^${Object.keys(wrong)[0]}: must be`),
    )
})

const entry = (seq: number, s: number, more: Partial<Entry> = {}): Entry => ({ ...write('a', s), seq, ...more })

test('what several remember is told once, newest first, with who could not be asked', () => {
  const seen = { act: 'hidden', via: 'seen', node: 'b', by: undefined } as Partial<Entry>
  const own = [
    entry(1, 1),
    entry(2, 5, { ...seen, elsewhere: 'B' }),
    entry(3, 6, { ...seen, elsewhere: 'C', node: 'c' }),
  ]
  const told = joined(
    [
      { peer: 'A', node: 'a', how: 'self', remembered: { from: atSecond(0), entries: own } },
      { peer: 'B', node: 'b', how: 'answered', remembered: { from: atSecond(2), entries: [entry(1, 5)] } },
      { peer: 'C', node: 'c', how: 'unreachable' },
    ],
    atSecond(9),
    20,
  )
  expect(told.entries.map(({ peer, seq, node }) => `${peer} ${seq} ${node}`)).toEqual(['A 3 c', 'B 1 b', 'A 1 a'])
  expect(told).toMatchObject({ by: 'a', from: atSecond(0), notAsked: ['c'] })
  expect(told.nodes[1]).toEqual({ node: 'b', peer: 'B', how: 'answered', from: atSecond(2) })
  expect(JSON.stringify(told)).not.toContain('elsewhere')
})

test('that instances were hidden since their node fell silent is told also once it answers again', () => {
  const seen = { act: 'hidden', via: 'seen', node: 'b', elsewhere: 'B', by: undefined } as Partial<Entry>
  const hidden = [60, 120].map((s) => entry(s, s, seen))
  const remembered = { from: atSecond(0), entries: [entry(1, 119, { act: 'deregister' })] }
  const told = joined(
    [
      { peer: 'A', node: 'a', how: 'self', remembered: { from: atSecond(0), entries: hidden } },
      { peer: 'B', node: 'b', how: 'answered', remembered },
    ],
    atSecond(130),
    20,
  )
  expect(told.entries.map(({ act, seq }) => `${act} ${seq}`)).toEqual(['deregister 1', 'hidden 60'])
})

test('what was seen before the node where it was done remembers anything is told by whoever saw it', () => {
  const seen = { via: 'seen', elsewhere: 'B' } as const
  const entries = [entry(3, 5, { ...seen, act: 'hidden' }), entry(2, 5, { ...seen, act: 'deregister' })]
  const told = joined(
    [
      { peer: 'A', node: 'a', how: 'self', remembered: { from: atSecond(0), entries } },
      { peer: 'B', node: 'b', how: 'answered', remembered: { from: atSecond(6), entries: [] } },
    ],
    atSecond(9),
    20,
  )
  expect(told.entries.map(({ peer, seq }) => `${peer} ${seq}`)).toEqual(['A 3', 'A 2'])
})

test('what was done stands before what was found of it, though that was noted first; no order goes in circles', () => {
  const found = { act: 'found', via: 'daemon', by: undefined } as Partial<Entry>
  const of = (peer: string, ...entries: Entry[]) => ({
    ...{ peer, node: peer, how: 'answered' as const },
    remembered: { from: atSecond(0), entries },
  })
  // Its clock was set back between the two, and what another one remembers lies between them.
  const setBack = of('A', entry(1, 9), entry(2, 3), entry(3, 5, found), entry(4, 5))
  const { entries } = joined([setBack, of('B', entry(7, 4, found), entry(8, 6))], atSecond(9), 20)
  expect(entries.map(({ peer, seq }) => `${peer}${seq}`)).toEqual(['A1', 'B8', 'A3', 'A4', 'B7', 'A2'])
})

test('what a peer says is read into entries, or into nothing', () => {
  const sound = { from: atSecond(0), entries: [entry(1, 1, { details: 'so' })] }
  const read = (answer: Parameters<typeof readRemembered>[0]) => readRemembered(answer, { wall: 0, way_ms: 0 })
  expect(read(JSON.parse(JSON.stringify(sound)) as typeof sound)).toEqual(sound)
  const odd = [null, 5, { ...entry(2, 2), act: 'fly' }, { ...entry(3, 3), at: 'now' }, { ...entry(4, 4), seq: -1 }]
  expect(
    read({ ...sound, entries: [...odd, entry(5, 5, { details: `\u001b[2J${'x'.repeat(9000)}` })] })?.entries,
  ).toEqual([entry(5, 5, { details: ` [2J${'x'.repeat(295)}…` })])
  for (const wrong of [{}, { from: 5, entries: [] }, { from: atSecond(0), entries: 5 }])
    expect(read(wrong)).toBeUndefined()
  expect(read({ ...sound, entries: Array.from({ length: entriesOfOne + 1 }, () => entry(1, 1)) })).toBeUndefined()
})

test('what others remember is as old here as it is there, where their clock is certain to be another one', () => {
  const read = (now: string | undefined, way_ms: number) =>
    readRemembered({ now, from: atSecond(10), entries: [entry(1, 20)] }, { wall: Date.parse(atSecond(300)), way_ms })
  const moments = (...given: Parameters<typeof read>) => {
    const { from, entries } = read(...given) ?? {}
    return [from, ...(entries ?? []).map(({ at }) => at)]
  }
  expect(moments(atSecond(100), 0)).toEqual([atSecond(210), atSecond(220)])
  expect(moments(atSecond(400), 5000)[1]).toBe('2026-11-24T11:58:40.000Z')
  // Between the question and its answer nobody knows when theirs was looked at.
  for (const now of [atSecond(300), atSecond(295), undefined, 'soon', '2026-99-99T00:00:00.000Z'])
    expect(moments(now, 5000)).toEqual([atSecond(10), atSecond(20)])
  expect(moments(atSecond(294), 5000)).toEqual([atSecond(11), atSecond(21)])
  expect(moments('9999-11-24T12:00:00.000Z', 0)).toEqual([atSecond(10), atSecond(20)])
})

test('a line says what, to whom, with which outcome, by whom, from where', () => {
  expect(sentenceOf(entry(1, 1, { slug: 'web' }))).toBe('register web (a): done, by token ci from 10.0.0.7')
  expect(sentenceOf(entry(1, 1, { outcome: 'refused', details: 'url: missing' }))).toBe(
    'register a: refused, by token ci from 10.0.0.7: url: missing',
  )
  expect(sentenceOf({ act: 'drain node', via: 'library', by: 'library', outcome: 'done', at: '' })).toBe(
    'drain node: done, by the program of this node',
  )
})
