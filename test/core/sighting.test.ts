// Which word of a member was spoken after a moment, and which was only late.
import { expect, test } from 'vitest'
import { newMember } from '../../src/core/membership/member.js'
import { cameAfter, isAfter, sightingOf } from '../../src/core/membership/sighting.js'
import { headOf } from './beats.js'

const saidAt = 100_000
const member = { ...newMember('a', new Uint8Array(32), headOf('a', 5), 0), heardGeneration: 5, sequence: 40, saidAt }

test.each([
  [0, 41],
  [799, 41],
  [800, 42],
  [1799, 42],
  [1800, 43],
  [2400, 43],
  [8100, 49],
])('%s ms after the fortieth heartbeat the first new one is number %s at the least', (later_ms, sequence) => {
  const sighting = sightingOf(member, saidAt + later_ms)
  expect(sighting).toMatchObject({ generation: 5, sequence })
  expect(isAfter(sighting, { generation: 5, sequence: sequence - 1 })).toBe(false)
  expect(isAfter(sighting, { generation: 5, sequence })).toBe(true)
})

test('of a later start every word counts, of an earlier one none', () => {
  const sighting = sightingOf(member, saidAt)
  expect(isAfter(sighting, { generation: 6, sequence: 1 })).toBe(true)
  expect(isAfter(sighting, { generation: 4, sequence: 99 })).toBe(false)
  const unfollowed = sightingOf({ ...member, heardGeneration: 6, sequence: 2 }, saidAt)
  expect(isAfter(unfollowed, { generation: 6, sequence: 2 })).toBe(false)
  expect(isAfter(unfollowed, { generation: 6, sequence: 3 })).toBe(true)
})

test('an incarnation that a report names was known when it hid', () => {
  const report = { authorGeneration: 1, sequence: 1, until: 0 }
  const reports = new Map([
    ['b', { ...report, generation: 5, incarnation: 3 }],
    ['c', { ...report, generation: 4, incarnation: 9 }],
  ])
  expect(sightingOf({ ...member, reports }, saidAt).incarnation).toBe(3)
})

test('who sends us a word himself has spoken after it, but for what was on its way, or waited while we slept', () => {
  const sighting = sightingOf(member, saidAt)
  expect(cameAfter(sighting, saidAt + 200, 0)).toBe(false)
  expect(cameAfter(sighting, saidAt + 201, 0)).toBe(true)
  expect(cameAfter(sighting, saidAt + 60_000, saidAt + 59_900)).toBe(false)
  expect(cameAfter(sighting, saidAt + 60_000, saidAt + 59_400)).toBe(true)
})
