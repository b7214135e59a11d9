// When a daemon has lost sight of the cluster: fewer than half of those who were visible within a quarter of an hour still are.
import { expect, test } from 'vitest'
import { Degraded } from '../../src/core/lookup/degraded.js'

const minute_ms = 60_000

function isOn(degraded: Degraded, visible: string, now: number, left = ''): boolean {
  degraded.look(new Set(visible), (peer) => left.includes(peer), now)
  return degraded.isOn
}

test('half, ourselves included, is enough; less is not', () => {
  const degraded = new Degraded('abc', 0) // and ourselves: four
  expect(isOn(degraded, 'a', 0)).toBe(false)
  expect(isOn(degraded, '', 0)).toBe(true)
  expect(isOn(new Degraded('ab', 0), '', 0)).toBe(true)
  expect(isOn(new Degraded('a', 0), '', 0)).toBe(false)
  expect(isOn(new Degraded('', 0), '', 0)).toBe(false)
})

test('who left on purpose is not missed', () => {
  expect(isOn(new Degraded('abc', 0), '', 0, 'ab')).toBe(false)
  expect(isOn(new Degraded('abc', 0), '', 0, 'a')).toBe(true)
})

test('what was visible a quarter of an hour ago counts, what was before that is forgotten', () => {
  const degraded = new Degraded('abc', 0)
  for (let minute = 1; minute <= 15; minute++) expect(isOn(degraded, '', minute * minute_ms)).toBe(true)
  expect(isOn(degraded, '', 15 * minute_ms + 1)).toBe(false)
})

test('whoever came is missed from then on, and not only after a minute', () => {
  const degraded = new Degraded('', 0)
  expect(isOn(degraded, 'ab', 10)).toBe(false)
  expect(isOn(degraded, '', 20)).toBe(true)
  expect(isOn(degraded, 'b', 30)).toBe(false)
})

test('a sample is taken each minute, and each of them counts', () => {
  const degraded = new Degraded('', 0)
  expect(isOn(degraded, 'abc', minute_ms)).toBe(false)
  expect(isOn(degraded, 'x', 2 * minute_ms)).toBe(true)
  expect(isOn(degraded, 'x', 16 * minute_ms)).toBe(true)
  expect(isOn(degraded, 'x', 17 * minute_ms + 1)).toBe(false)
})

test('a quarter of an hour is counted from the sample, not from when the clock began', () => {
  const hour_ms = 60 * minute_ms
  const degraded = new Degraded('abc', hour_ms)
  for (let minute = 1; minute <= 15; minute++) expect(isOn(degraded, '', hour_ms + minute * minute_ms)).toBe(true)
  expect(isOn(degraded, '', hour_ms + 15 * minute_ms + 1)).toBe(false)
})

test('of those that were on disk those of whom a word is remembered are missed as all are, the others for some minutes: they may be made up', () => {
  const degraded = new Degraded('', 0)
  degraded.remember(['a'], [...'uvwxyz'], 0)
  expect([0, 2, 3].map((minute) => isOn(degraded, 'a', minute * minute_ms))).toEqual([true, true, true])
  expect(isOn(degraded, 'a', 3 * minute_ms + 1)).toBe(false)
  const whole = new Degraded('', 0)
  whole.remember([...'abc'], [...'uvw'], 0)
  expect([1, 4, 14].map((minute) => isOn(whole, 'a', minute * minute_ms))).toEqual([true, false, false])
  const lost = new Degraded('', 0)
  lost.remember([...'abc'], ['u'], 0)
  expect([1, 4, 14].map((minute) => isOn(lost, '', minute * minute_ms))).toEqual([true, true, true])
})
