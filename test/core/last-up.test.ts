// How long a daemon was away by the dates on its disk, where its clock, or one of them, is wrong.
import { expect, test } from 'vitest'
import { LastUp } from '../../src/core/retention/last-up.js'

const day_ms = 24 * 3600_000
const today = Date.UTC(2026, 5, 1)
const start = { now: 1000, wall: today }

test.each([
  ['nothing on disk', [undefined], 0],
  ['one date', [today - 3 * day_ms], 3],
  ['several: the latest', [today - 40 * day_ms, undefined, today - 3 * day_ms, today - 90 * day_ms], 3],
  ['dates of a machine that did not know the time', [0, 60_000, Date.UTC(2024, 11, 31)], 0],
  ['those, and a true one', [60_000, today - 40 * day_ms], 40],
  ['a date that is still to come', [today - 40 * day_ms, today + 400 * day_ms], 0],
])('%s', (_, dates, days) => {
  expect(new LastUp(dates, 0, start).away_ms).toBe(days * day_ms)
})

test('when it last started counts only where it noted nothing else: it may have been too old to join', () => {
  expect(new LastUp([60_000], today - 40 * day_ms, start).away_ms).toBe(40 * day_ms)
  expect(new LastUp([today - 40 * day_ms], today - day_ms, start).away_ms).toBe(40 * day_ms)
})

test('a clock behind the disk goes on from the latest date, until it is set', () => {
  const lastUp = new LastUp([today], 0, { now: 1000, wall: 60_000 })
  expect(lastUp.away_ms).toBe(0)
  expect(lastUp.corrected({ now: 1000, wall: 60_000 }).wall).toBe(today)
  expect(lastUp.corrected({ now: 6000, wall: 65_000 }).wall).toBe(today + 5000)
  expect(lastUp.takeSet()).toBe(false)
  expect(lastUp.corrected({ now: 7000, wall: today + 9 * day_ms }).wall).toBe(today + 9 * day_ms)
  expect([lastUp.takeSet(), lastUp.takeSet()]).toEqual([true, false])
  expect(lastUp.corrected({ now: 8000, wall: 70_000 }).wall).toBe(today + 7000) // and if it breaks again
})

test('a clock that is right is left alone, also where it is some hours behind', () => {
  const lastUp = new LastUp([today + 7 * 3600_000], 0, start)
  expect(lastUp.corrected({ now: 2000, wall: today + 1000 })).toEqual({ now: 2000, wall: today + 1000 })
  expect(lastUp.takeSet()).toBe(false)
})

test('where a possible clock stays behind the disk for a day, it was the disk that was wrong', () => {
  const lastUp = new LastUp([today + 400 * day_ms], 0, start)
  const at = (later_ms: number) => lastUp.corrected({ now: 1000 + later_ms, wall: today + later_ms }).wall
  expect(at(day_ms - 1)).toBe(today + 401 * day_ms - 1)
  expect(at(day_ms)).toBe(today + day_ms)
  expect(lastUp.takeSet()).toBe(true)
  const noClock = new LastUp([today], 0, { now: 0, wall: 0 })
  expect(noClock.corrected({ now: 9 * day_ms, wall: 9 * day_ms }).wall).toBe(today + 9 * day_ms)
})
