/** Ages and amounts, as people read them. */
import { expect, test } from 'vitest'
import { ageOf, formatAge, formatAgo, formatBytes, formatClock, formatPercent, plain } from '../../src/cli/format.js'
import { count } from '../../src/core/words/count.js'

test.each([
  [-5, '0.0 s'],
  [0, '0.0 s'],
  [440, '0.4 s'],
  [9_940, '9.9 s'],
  [9_960, '10 s'],
  [99_000, '99 s'],
  [100_000, '2 min'],
  [99 * 60_000, '99 min'],
  [100 * 60_000, '2 h'],
  [47 * 3_600_000, '47 h'],
  [72 * 3_600_000, '3 d'],
])('an age of %i ms is %s', (age_ms, text) => expect(formatAge(age_ms)).toBe(text))

test('what is absent stays absent', () => {
  expect([formatAge(undefined), formatAgo(undefined), formatPercent(undefined)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect([ageOf(undefined, 0), ageOf('yesterday', 0)]).toEqual([undefined, undefined])
})

test('the age of a moment, never negative', () => {
  expect(ageOf('2026-11-23T12:00:00.000Z', Date.parse('2026-11-23T12:00:05.000Z'))).toBe(5000)
  expect(ageOf('2026-11-23T12:00:00.000Z', 0)).toBe(0)
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [10 * 1024, '10 KiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
  [2 ** 60, '1024 PiB'],
])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

test('text of others moves no cursor', () => {
  expect(plain('a\u001b[2Jb\nc')).toBe('a [2Jb c')
  expect(plain('\u202eabc')).toBe('abc')
  expect(plain('')).toBe('-')
})

test('amounts of things', () =>
  expect([0, 1, 2].map((n) => count(n, 'record'))).toEqual(['0 records', '1 record', '2 records']))

test('the clock of an event is that of the wall here', () => {
  const here = new Date(2026, 10, 24, 9, 5, 7)
  expect(formatClock(here.toISOString())).toBe('09:05:07')
  expect(formatClock('some day')).toBe('some day')
})
