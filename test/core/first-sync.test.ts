// Whether what the first ones hold is here, step by step.
import { expect, test } from 'vitest'
import { FirstSync, type Incoming } from '../../src/core/sync/first-sync.js'

const idle: Incoming = { isComparing: false, fetched: new Set(), isSomebodyUnheard: false }

/** One that has met somebody, and looked while that was asked. */
function met(): FirstSync {
  const first = new FirstSync()
  first.met()
  first.look({ ...idle, isComparing: true }, 0)
  return first
}

test('nobody waits where nobody was met', () => {
  const first = new FirstSync()
  first.look(idle, 0)
  expect([first.unready, first.isOver]).toEqual([undefined, false])
})

test('that nothing is asked any more is not yet an answer', () => {
  const first = met()
  first.look(idle, 100)
  expect(first.unready?.cause).toBe('behind')
  first.compared()
  first.look(idle, 200)
  expect([first.unready, first.isOver]).toEqual([undefined, true])
})

test('another one that is being asked is waited for', () => {
  const first = met()
  first.compared()
  first.look({ ...idle, isComparing: true }, 100)
  expect(first.isOver).toBe(false)
  first.look(idle, 200)
  expect(first.isOver).toBe(true)
})

test('what found no room is asked for once more, before it counts', () => {
  const first = met()
  first.lost()
  expect(first.compared()).toBe(true)
  first.look(idle, 100)
  expect(first.isOver).toBe(false)
  expect(first.compared()).toBe(false)
  first.look(idle, 200)
  expect(first.isOver).toBe(true)
  first.lost()
  expect(first.compared()).toBe(false) // from now on heartbeats tell
})

test('what was put off is waited for, what comes up later is not', () => {
  const first = met()
  first.compared()
  first.look({ ...idle, fetched: new Set(['a', 'b']) }, 100)
  first.look({ ...idle, fetched: new Set(['b', 'c']) }, 200)
  expect(first.isOver).toBe(false)
  first.look({ ...idle, fetched: new Set(['a', 'c']) }, 300)
  expect(first.isOver).toBe(true)
})

test('owners of whom no word has come have the time of two heartbeats', () => {
  const first = met()
  first.compared()
  first.look({ ...idle, isSomebodyUnheard: true }, 1000)
  first.look({ ...idle, isSomebodyUnheard: true }, 3299)
  expect(first.unready?.why).toContain('not known yet')
  first.look({ ...idle, isSomebodyUnheard: true }, 3300)
  expect(first.isOver).toBe(true)
})
