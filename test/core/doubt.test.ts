// When a daemon has lost sight of the cluster: fewer than half of those who were visible within a quarter of an hour still are.
import { expect, test } from 'vitest'
import { Doubt } from '../../src/core/registry/doubt.js'

const minute_ms = 60_000

function inDoubt(doubt: Doubt, visible: string, now: number, left = ''): boolean {
  return doubt.inDoubt(new Set(visible), (peer) => left.includes(peer), now)
}

test('half, ourselves included, is enough; less is not', () => {
  const doubt = new Doubt('abc', 0) // and ourselves: four
  expect(inDoubt(doubt, 'a', 0)).toBe(false)
  expect(inDoubt(doubt, '', 0)).toBe(true)
  expect(inDoubt(new Doubt('ab', 0), '', 0)).toBe(true)
  expect(inDoubt(new Doubt('a', 0), '', 0)).toBe(false)
  expect(inDoubt(new Doubt('', 0), '', 0)).toBe(false)
})

test('who left on purpose is not missed', () => {
  expect(inDoubt(new Doubt('abc', 0), '', 0, 'ab')).toBe(false)
  expect(inDoubt(new Doubt('abc', 0), '', 0, 'a')).toBe(true)
})

test('what was visible a quarter of an hour ago counts, what was before that is forgotten', () => {
  const doubt = new Doubt('abc', 0)
  for (let minute = 1; minute <= 15; minute++) expect(inDoubt(doubt, '', minute * minute_ms)).toBe(true)
  expect(inDoubt(doubt, '', 15 * minute_ms + 1)).toBe(false)
})

test('a sample is taken each minute, and each of them counts', () => {
  const doubt = new Doubt('', 0)
  expect(inDoubt(doubt, 'abc', minute_ms - 1)).toBe(false) // too soon for a sample
  expect(inDoubt(doubt, '', minute_ms - 1)).toBe(false)
  expect(inDoubt(doubt, 'abc', minute_ms)).toBe(false)
  expect(inDoubt(doubt, '', minute_ms + 1)).toBe(true)
  expect(inDoubt(doubt, 'ab', minute_ms + 2)).toBe(false)
})

test('a quarter of an hour is counted from the sample, not from when the clock began', () => {
  const hour_ms = 60 * minute_ms
  const doubt = new Doubt('abc', hour_ms)
  for (let minute = 1; minute <= 15; minute++) expect(inDoubt(doubt, '', hour_ms + minute * minute_ms)).toBe(true)
  expect(inDoubt(doubt, '', hour_ms + 15 * minute_ms + 1)).toBe(false)
})
