// What is pulled later: once for each owner, whole where anybody said so, and never sooner than was said.
import { expect, test } from 'vitest'
import { Postponed } from '../../src/core/sync/postponed.js'

test('whoever rests is not fetched sooner for what comes of it meanwhile', () => {
  const postponed = new Postponed()
  postponed.note('o', 'a', 5000)
  postponed.note('o', 'b', 1000, true)
  expect(postponed.isResting('o', 4999)).toBe(true)
  expect(postponed.due(4999)).toEqual([])
  expect(postponed.due(5000)).toEqual([{ owner: 'o', via: 'b', isWhole: true }])
  expect([postponed.size, postponed.due(9000)]).toEqual([0, []])
})

test('of one that was taken nothing is left', () => {
  const postponed = new Postponed()
  postponed.note('o', 'a', 5000)
  postponed.delete('o')
  postponed.note('o', 'a', 1000)
  expect(postponed.due(1000)).toEqual([{ owner: 'o', via: 'a', isWhole: false }])
})
