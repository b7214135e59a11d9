// Which of several registrations of one id counts, by their bytes alone: also beside daemons that know of no stamps.
import { expect, test } from 'vitest'
import { instances } from '../../src/core/records/instances.js'
import { type RegistrationClaim, compareRegistrations, isOutdated, latestOf } from '../../src/core/records/later.js'
import { Stamps } from '../../src/core/records/stamps.js'

const claim = (owner: string, n: number, stamp?: number): RegistrationClaim => ({
  owner,
  value: { n, ...(stamp !== undefined && { stamp }) },
})

test.each([
  ['the number first', claim('a', 2, 1), claim('b', 1, 9)],
  ['the number first, stamp or none', claim('a', 2), claim('b', 1, 9)],
  ['then the stamp', claim('a', 1, 9), claim('b', 1, 1)],
  ['then the owner', claim('b', 1, 9), claim('a', 1, 9)],
  ['the owner where one has no stamp', claim('b', 1), claim('a', 1, 9)],
  ['the owner where the other one has none', claim('b', 1, 1), claim('a', 1)],
  ['the owner where neither has one', claim('b', 1), claim('a', 1)],
])('%s', (_, later, earlier) => {
  expect(compareRegistrations(later, earlier)).toBeGreaterThan(0)
  expect(compareRegistrations(earlier, later)).toBeLessThan(0)
  for (const both of [
    [later, earlier],
    [earlier, later],
  ])
    expect(latestOf(both)).toBe(later)
})

const ways = [claim('o', 1), claim('o', 1, 1), claim('o', 1, 2), claim('o', 2), claim('o', 2, 1)]
const trios = ways.flatMap((a) =>
  ways.flatMap((b) => ways.map((c) => [a, b, c].map(({ value }, i) => ({ owner: 'abc'.charAt(i), value })))),
)

test('three of any kind have one winner, in whatever order they come', () => {
  for (const trio of trios) {
    const [a, b, c] = trio as [RegistrationClaim, RegistrationClaim, RegistrationClaim]
    const orders = [trio, [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]]
    expect(new Set(orders.map(latestOf)).size).toBe(1)
  }
})

test('owners of this version and of earlier ones, which know the number and the owner alone, never all drop their own', () => {
  const isDroppedByEarlier = (own: RegistrationClaim, others: RegistrationClaim[]): boolean =>
    others.some((one) => one.value.n > own.value.n || (one.value.n === own.value.n && one.owner > own.owner))
  for (const trio of trios)
    for (let earlier = 0; earlier < 8; earlier++) {
      // Only a daemon of this version has written a stamp.
      const isEarlier = (i: number): boolean => (earlier & (1 << i)) !== 0 && trio[i]?.value.stamp === undefined
      const kept = trio.filter((own, i) => !(isEarlier(i) ? isDroppedByEarlier : isOutdated)(own, trio))
      expect([trio, earlier, kept.length > 0]).toEqual([trio, earlier, true])
    }
})

test('an owner keeps its own beside one without a stamp, and drops it for one with a stamp', () => {
  expect(isOutdated(claim('a', 1, 1), [claim('b', 1)])).toBe(false)
  expect(isOutdated(claim('a', 1), [claim('b', 1)])).toBe(false)
  expect(isOutdated(claim('a', 1), [claim('b', 1, 1)])).toBe(true)
  expect(isOutdated(claim('a', 1), [claim('b', 2)])).toBe(true)
})

test('a stamp is read where it is one, and does not keep the record from being read', () => {
  const read = (stamp: unknown): unknown =>
    instances.read('x', JSON.stringify({ n: 1, status: 'Healthy', url: 'http://x.test', stamp }))?.stamp
  expect([7, 0, -1, 1.5, 'x', 2 ** 50, null].map(read)).toEqual([7, ...Array.from({ length: 6 }, () => undefined)])
})

const year_ms = 365 * 24 * 3600_000
const wall = 1_800_000_000_000

test.each([
  ['nobody else has dated anything', [], 0],
  ['others have started before', [-5000, -9000], 0],
  ['another clock is ahead', [5000, -9000], 5000],
  ['ours is beyond all others', [-2 * year_ms, -3 * year_ms], -2 * year_ms],
  ['one alone is years ahead', [3 * year_ms, -1000], 0],
  ['one alone is years ahead, of two of us', [3 * year_ms], 0],
  ['two are years ahead', [3 * year_ms, 4 * year_ms], 3 * year_ms],
])('%s', (_, dates, expected) => {
  const stamps = new Stamps()
  dates.forEach((date, i) => stamps.heard(`o${i}`, wall + date, 0))
  expect(stamps.next(0, { now: 0, wall })).toBe(wall + expected)
  expect(stamps.next(wall + 7 * year_ms, { now: 0, wall })).toBe(wall + 7 * year_ms + 1)
})

test('time passes for what was seen, and a machine that does not know the time believes any date', () => {
  const stamps = new Stamps()
  stamps.heard('b', wall, 1000)
  stamps.heard('b', wall + 1, 5000) // earlier than what has passed since
  expect(stamps.next(0, { now: 61_000, wall: 0 })).toBe(wall + 60_000)
  stamps.forget('b')
  expect(stamps.next(0, { now: 61_000, wall: 0 })).toBe(1)
  stamps.heard('hostile', Number.MAX_SAFE_INTEGER, 0)
  expect(stamps.next(Number.MAX_SAFE_INTEGER, { now: 0, wall })).toBeLessThan(2 ** 45)
})
