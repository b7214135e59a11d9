// What must not come back is remembered for 35 days, and for good where nobody can say since when.
import { expect, test } from 'vitest'
import { firstDay_ms, isOver } from '../../src/core/records/lifetimes.js'

const lifetime_ms = 35 * 24 * 3600_000

test.each([
  ['since 35 days', firstDay_ms, firstDay_ms + lifetime_ms, false],
  ['since longer', firstDay_ms, firstDay_ms + lifetime_ms + 1, true],
  ['since a moment that is still to come', firstDay_ms + 1, firstDay_ms, false],
  ['dated by a machine that thought it was 1970', 0, firstDay_ms, false],
  ['dated by one whose clock stood on the day before the first', firstDay_ms - 1, 2 * firstDay_ms, false],
])('remembered %s', (_, since_ms, now_ms, over) => {
  expect(isOver(since_ms, now_ms)).toBe(over)
})
