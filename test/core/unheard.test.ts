// Whose document goes first where a table of owners is full: plain data, minutes as numbers.
import { expect, test } from 'vitest'
import { Unheard } from '../../src/core/replica/unheard.js'
import { wireLimits } from '../../src/core/wire/limits.js'

const minute_ms = 60_000
const full = wireLimits.documents

function names(count: number, prefix = 'n'): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(4, '0')}`)
}

function arrived(owners: readonly string[], via = 'seed'): Unheard {
  const unheard = new Unheard()
  for (const owner of owners) unheard.arrived(owner, via, 0)
  return unheard
}

test('a thousand nodes that all start at once, and another thousand that are off, fit, whoever brings them', () => {
  const living = names(1000)
  const unheard = arrived([...living, ...names(1000, 'off')])
  unheard.look((owner) => living.includes(owner), 5 * minute_ms) // through relays
  unheard.look(() => false, 11 * minute_ms)
  expect(unheard.size).toBe(1000)
  expect(unheard.toGo(2000)).toEqual([])
  expect(unheard.mayBring('seed', 2000, 11 * minute_ms)).toBe(true)
})

test('silent owners keep an eighth of a table that fills, the same ones at every node, and one more makes room where it is full', () => {
  const ghosts = names(600, 'ghost')
  const [one, other] = [arrived(ghosts), arrived(ghosts.toReversed())]
  expect(one.toGo(full)).toEqual([]) // a word may still come
  for (const unheard of [one, other]) unheard.look(() => false, 10 * minute_ms)
  expect(one.toGo(full - 1)).toEqual(other.toGo(full - 1))
  expect(one.toGo(full - 1)).toHaveLength(600 - full / 8)
  for (const owner of one.toGo(full - 1)) one.forget(owner)
  expect(one.toGo(full - 1)).toEqual([])
  expect(one.toGo(full)).toEqual(['ghost0511'])
})

test('a peer brings so many that nobody hears within an hour, is named for it, and is free of it after that', () => {
  const unheard = arrived(names(full / 8), 'liar')
  expect(unheard.mayBring('liar', full - 1, minute_ms)).toBe(true)
  unheard.look(() => false, 10 * minute_ms)
  expect(unheard.mayBring('liar', full - 1, 11 * minute_ms)).toBe(false)
  expect(unheard.mayBring('liar', full / 2, 11 * minute_ms)).toBe(true) // nobody needs the room
  expect(unheard.mayBring('other', full - 1, 11 * minute_ms)).toBe(true)
  expect(unheard.troubleOf('liar', 11 * minute_ms)?.text).toMatch(/records of 512 nodes/)
  expect(unheard.mayBring('liar', full - 1, 70 * minute_ms)).toBe(true)
  expect(unheard.troubleOf('liar', 70 * minute_ms)).toBeUndefined()
})
