// What is remembered of the maintenance of instances that have ended: for a day, of so many, over a restart.
import { expect, test } from 'vitest'
import { KeptOut } from '../../src/core/records/kept-out.js'

const day_ms = 24 * 3600_000

test('it counts for a day, over restarts, and whatever the clock does meanwhile', () => {
  const before = new KeptOut(undefined)
  before.keep('x', 'new disk', day_ms)
  const note = before.takeNote(day_ms)
  expect(before.takeNote(day_ms)).toBeUndefined()
  const after = new KeptOut(note)
  expect([0, 1, 2].map((days) => after.of('x', (days + 1) * day_ms))).toEqual(['new disk', 'new disk', undefined])
  expect(after.of('x', -1)).toBeUndefined()
  expect([after.forget('x'), after.forget('x'), after.takeNote(day_ms)]).toEqual([true, false, '{}'])
})

test('a note that makes no sense, or is of another time, says nothing', () => {
  for (const note of ['', 'x', '[]', '{"x":5}', '{"x":{"reason":1,"at":0}}', '{"x":null}'])
    expect(new KeptOut(note).of('x', 0)).toBeUndefined()
})

test('of too many the last ones are remembered', () => {
  const kept = new KeptOut(undefined)
  for (let i = 0; i < 1030; i++) kept.keep(`i${i}`, 'so', 0)
  expect([kept.of('i5', 0), kept.of('i6', 0), kept.of('i1029', 0)]).toEqual([undefined, 'so', 'so'])
})
