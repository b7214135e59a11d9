// The numbers of failure detection, one table for each formula.
import { recovery_ms } from '../../src/core/basics/damping.js'
import { expect, test } from 'vitest'
import {
  deadAfter_ms,
  fresh_ms,
  inheritedSilence_ms,
  lifeSign_ms,
  beatsWaited,
  patience_ms,
  relaysAtOnce,
  reportRepeat_ms,
  reportStanding_ms,
  reportsNeeded,
  silence_ms,
  slowPath_ms,
} from '../../src/core/membership/formulas.js'
import { heartbeatInterval_ms } from '../../src/core/wire/beat.js'
import { wireLimits } from '../../src/core/wire/limits.js'

test('two reports hide from three members on, three from eight on; in a cluster of two it takes one', () => {
  const byMembers = Array.from({ length: 12 }, (_, i) => [i + 2, reportsNeeded(i + 1, 0)])
  expect(byMembers).toEqual([
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 2],
    [6, 2],
    [7, 2],
    [8, 3],
    [9, 3],
    [10, 3],
    [11, 4],
    [12, 4],
    [13, 4],
  ])
})

test('an observer waits a heartbeat longer for each report that was wrong lately, and three at most', () => {
  expect([0, 1, 2, 3, 4, 99].map((mistakes) => patience_ms(mistakes, 1))).toEqual([2300, 3300, 4300, 5300, 5300, 5300])
})

test('one bad line makes an observer patient with nobody else; each doubling of them, with all', () => {
  expect([0, 1, 2, 3, 4, 7, 8].map((bad) => patience_ms(0, bad))).toEqual([2300, 2300, 3300, 3300, 4300, 4300, 5300])
  expect(patience_ms(3, 8)).toBe(8300)
})

test('who had no core for half of its time waits for one heartbeat more, and for another one with each half of the rest', () => {
  expect([0, 0.1, 0.49, 0.5, 0.75, 0.9, 0.95, 1].map(beatsWaited)).toEqual([0, 0, 0, 1, 2, 3, 4, 5])
})

test('the last word of the dead that may prove them alive is from two seconds after their hiding', () => {
  expect([2, 10, 100, 1000].map(lifeSign_ms)).toEqual([1000, 1000, 4000, 7000])
})

test('each refutation asks for one report more, up to a majority of the observers', () => {
  expect([0, 1, 2, 3, 9].map((refutations) => reportsNeeded(8, refutations))).toEqual([3, 4, 5, 5, 5])
  expect([0, 1, 2].map((refutations) => reportsNeeded(3, refutations))).toEqual([2, 2, 2])
  expect([0, 1, 2].map((refutations) => reportsNeeded(2, refutations))).toEqual([2, 2, 2])
  expect([0, 1, 2].map((refutations) => reportsNeeded(1, refutations))).toEqual([1, 1, 1])
})

test('no refutation ever lowers what is needed, and nobody is hidden without a report', () => {
  for (let observers = 0; observers <= 60; observers++) {
    for (let refutations = 0; refutations <= 10; refutations++) {
      const needed = reportsNeeded(observers, refutations)
      expect(needed).toBeGreaterThanOrEqual(Math.max(1, reportsNeeded(observers, Math.max(0, refutations - 1))))
      if (observers > 0) expect(needed).toBeLessThanOrEqual(observers)
    }
  }
})

test.each([
  [20, 2, 64],
  [20, 3, 256],
  [100, 4, 64],
  [100, 5, 256],
  [1000, 32, 64],
  [1000, 33, 256],
])('among %i members whoever missed %i changes is told of %i members at once', (members, missed, expected) => {
  expect(relaysAtOnce(members, missed)).toBe(expected)
  expect(expected).toBeLessThanOrEqual(wireLimits.relayedHeartbeats)
})

test.each([
  [1, 8000],
  [20, 8000],
  [200, 8000],
  [250, 10_000],
  [1000, 40_000],
])('of %i members one that nobody hears is hidden after %i ms', (members, expected_ms) => {
  expect(slowPath_ms(members)).toBe(expected_ms)
})

test.each([
  [1, 5000, 5000],
  [20, 5000, 5000],
  [200, 5000, 5000],
  [1000, 15_000, 25_000],
])('of %i members a word is fresh for %i ms, and silence is inherited after %i ms', (members, fresh, inherited) => {
  expect([fresh_ms(members), inheritedSilence_ms(members)]).toEqual([fresh, inherited])
})

test.each([
  [0, 3000],
  [1, 3000],
  [10, 3000],
  [100, 6000],
  [1000, 9000],
])('of %i members a hidden one is dead after %i ms', (members, expected_ms) => {
  expect(deadAfter_ms(members)).toBeCloseTo(expected_ms, 6)
})

test.each([
  [0, 500],
  [1, 500],
  [2, 1000],
  [3, 2000],
  [10, 256_000],
  [11, 300_000],
  [500, 300_000],
])('after %i hidings a member must look well for %i ms', (hidings, expected_ms) => {
  expect(recovery_ms(hidings)).toBe(expected_ms)
})

test('the constants are those of the design, and fit each other', () => {
  expect([heartbeatInterval_ms, silence_ms, reportStanding_ms, reportRepeat_ms]).toEqual([1000, 2300, 5000, 2000])
  expect(silence_ms).toBeGreaterThan(2 * heartbeatInterval_ms)
  expect(reportStanding_ms).toBeGreaterThan(2 * reportRepeat_ms)
  for (const members of [1, 20, 400, 1000]) {
    expect(fresh_ms(members)).toBeGreaterThan(silence_ms)
    expect(inheritedSilence_ms(members)).toBeGreaterThanOrEqual(fresh_ms(members))
    expect(inheritedSilence_ms(members)).toBeLessThan(slowPath_ms(members))
  }
})
