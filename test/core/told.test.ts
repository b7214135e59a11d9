// What a daemon makes of the counts that others tell it: how long a member was silent.
import { expect, test } from 'vitest'
import { Told } from '../../src/core/retention/told.js'
import { type Silence, decodeSyncRequest, encodeSyncRequest } from '../../src/core/wire/sync.js'
import { wireLimits } from '../../src/core/wire/limits.js'

const day_ms = 24 * 3600_000
/** It was heard ten days ago by the clock, and three days ago by our own uptime of a hundred days. */
const own = { at: 97 * day_ms, now: 100 * day_ms }
const wall = 1000 * day_ms
const heard = { generation: 7, sequence: 40, wall: wall - 10 * day_ms }

function said(days: number, word: Partial<Silence> = {}): Silence {
  return { owner: 'b', generation: 7, sequence: 40, silence_s: (days * day_ms) / 1000, ...word }
}

/** How long it has been silent, in days, once peers have counted so. */
function silence(...told: readonly Silence[]): number {
  const counts = new Told({})
  counts.hear('b', heard)
  for (const one of told) counts.take(one, own, 8, wall)
  return (own.now - counts.lastWordAt('b', own.at)) / day_ms
}

test.each([
  ['nobody has told of it: by our own count', [], 3],
  ['since the same word: the longer count', [said(5)], 5],
  ['and not the shorter one', [said(2)], 3],
  ['of several the longest', [said(5), said(4), said(6)], 6],
  ['since a later word: that one, where it is shorter', [said(1, { sequence: 41 })], 1],
  ['for what we heard ourselves is no longer ago', [said(9, { sequence: 41 })], 3],
  ['of several the latest', [said(1, { sequence: 41 }), said(5)], 1],
  ['since an earlier word: nothing', [said(9, { sequence: 39 }), said(9, { generation: 6, sequence: 99 })], 3],
  ['a later start is a later word', [said(1, { generation: 8, sequence: 1 })], 1],
  ['a start that no head proves is none', [said(1, { generation: 9 })], 3],
  ['longer than by our clock, with a day of tolerance, it cannot be', [said(400)], 11],
])('%s', (_, told, days) => {
  expect(silence(...told)).toBe(days)
})

test('of whom we have never heard nothing is taken; a new word of our own counts at once', () => {
  const counts = new Told({})
  counts.take(said(5), own, 8, wall)
  expect(counts.lastWordAt('b', own.at)).toBe(own.at)
  counts.hear('b', heard)
  counts.take(said(5), own, 8, wall)
  counts.hearAnew('b')
  expect(counts.lastWordAt('b', own.now)).toBe(own.now)
})

test('a restart counts on, a note that makes no sense is none', () => {
  const counts = new Told({})
  counts.hear('b', heard)
  counts.take(said(5), own, 8, wall)
  const next = new Told(JSON.parse(JSON.stringify(counts)) as Record<string, unknown>)
  expect(next.lastWordAt('b', own.at)).toBe(95 * day_ms)
  const broken = new Told({ words: { b: [7, 40] }, told: { b: 'x', c: [1, 2, null] } })
  expect(broken.lastWordAt('b', own.at)).toBe(own.at)
})

test('told are the longest silences, of over a day, with the latest word; as many as others read', () => {
  const counts = new Told({})
  const owners = Array.from({ length: wireLimits.silences + 9 }, (_, i) => `m${i}`)
  for (const owner of [...owners, 'b']) counts.hear(owner, heard)
  counts.take(said(2, { sequence: 41 }), own, 8, wall)
  const list = counts.list([...owners.map((owner) => [owner, own.at] as const), ['b', own.at], ['x', 0]], own.now)
  expect(list.length).toBe(wireLimits.silences)
  expect(decodeSyncRequest(encodeSyncRequest({ type: 'silences', silences: list }))).toEqual({
    type: 'silences',
    silences: list,
  })
  expect(counts.list([['b', own.at]], own.now)).toEqual([said(2, { sequence: 41 })])
  expect(counts.list([['m1', own.now - day_ms + 1]], own.now)).toEqual([])
})
