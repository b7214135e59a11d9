// Whether what the first ones hold is here, step by step.
import { expect, test } from 'vitest'
import { FirstSync, type Incoming, nobodyElse, whole } from '../../src/core/sync/first-sync.js'

const [yes, no] = [() => true, () => false]
const fetching = (...owners: readonly string[]) => ({ fetched: () => new Set(owners) })
const idle: Incoming = { isComparing: false, ...fetching(), isSomebodyUnheard: no, isPeerUnheard: no }

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
  first.compared('p', whole, 0)
  first.look(idle, 200)
  expect([first.unready, first.isOver]).toEqual([undefined, true])
})

test('another one that is being asked is waited for', () => {
  const first = met()
  first.compared('p', whole, 0)
  first.look({ ...idle, isComparing: true }, 100)
  expect(first.isOver).toBe(false)
  first.look(idle, 200)
  expect(first.isOver).toBe(true)
})

test('what found no room is asked for once more, before it counts', () => {
  const first = met()
  first.lost()
  expect(first.compared('p', whole, 0)).toBe(true)
  first.look(idle, 100)
  expect(first.isOver).toBe(false)
  expect(first.compared('p', whole, 0)).toBe(false)
  first.look(idle, 200)
  expect(first.isOver).toBe(true)
  first.lost()
  expect(first.compared('p', whole, 0)).toBe(false) // from now on heartbeats tell
})

test('what was put off is waited for, what comes up later is not', () => {
  const first = met()
  first.compared('p', whole, 0)
  first.look({ ...idle, ...fetching('a', 'b') }, 100)
  first.look({ ...idle, ...fetching('b', 'c') }, 200)
  expect(first.isOver).toBe(false)
  first.look({ ...idle, ...fetching('a', 'c') }, 300)
  expect(first.isOver).toBe(true)
})

test('the word of an owner that is connected is waited for, however long it takes', () => {
  const first = met()
  first.compared('p', whole, 0)
  for (const now of [1000, 3300, 7000]) first.look({ ...idle, isSomebodyUnheard: yes, isPeerUnheard: yes }, now)
  expect(first.unready?.why).toContain('not known yet')
  first.look({ ...idle, isSomebodyUnheard: yes }, 7001)
  expect(first.isOver).toBe(true)
})

test('owners of whom no word has come have the time of two heartbeats', () => {
  const first = met()
  first.compared('p', whole, 0)
  first.look({ ...idle, isSomebodyUnheard: yes }, 1000)
  first.look({ ...idle, isSomebodyUnheard: yes }, 3299)
  expect(first.unready?.why).toContain('not known yet')
  first.look({ ...idle, isSomebodyUnheard: yes }, 3300)
  expect(first.isOver).toBe(true)
})

test('who has not all itself is asked again until it has, or until it waits for nobody else', () => {
  for (const end of [whole, nobodyElse]) {
    const first = met()
    for (const [i, steps] of [1, 3, 1].entries()) {
      first.compared('p', steps, i * 1000)
      first.look(idle, i * 1000 + 199)
      expect([first.isOver, first.due(false, i * 1000 + 199)]).toEqual([false, []])
      expect([first.due(true, i * 1000 + 200), first.due(false, i * 1000 + 200)]).toEqual([[], ['p']])
    }
    first.compared('p', end, 3000)
    first.look(idle, 3000)
    expect(first.isOver).toBe(true)
  }
})

test('one that has all is enough, and one that is gone is not waited for', () => {
  const [one, other] = [met(), met()]
  for (const first of [one, other]) {
    first.compared('p', 1, 0)
    first.compared('q', first === one ? whole : nobodyElse, 0)
  }
  expect([one.due(false, 200), other.due(false, 200)]).toEqual([[], ['p']])
  for (const first of [one, other]) first.look(idle, 100)
  expect([one.isOver, other.isOver]).toEqual([true, false])
  other.forget('p')
  other.look(idle, 200)
  expect(other.isOver).toBe(true)
})

test('whoever asks is told how far it is to somebody else who waits for a reason of his own', () => {
  const first = new FirstSync()
  expect(first.stepsFor('p', true, false)).toBe(1)
  first.met()
  expect(first.stepsFor('p', false, false)).toBe(1)
  expect(first.stepsFor('p', true, true)).toBe(1)
  expect([first.stepsFor('p', true, false, ['p', 'q']), first.stepsFor('p', true, false, ['p'])]).toEqual([
    1,
    nobodyElse,
  ])
  first.compared('p', 1, 0)
  expect([first.stepsFor('p', true, false), first.stepsFor('q', true, false)]).toEqual([nobodyElse, 2])
  first.compared('q', 2, 0)
  expect([first.stepsFor('p', true, false), first.stepsFor('q', true, false)]).toEqual([3, 2])
  first.compared('q', 3, 0)
  expect(first.stepsFor('p', true, false)).toBe(nobodyElse)
  first.compared('q', 1000, 0)
  expect(first.stepsFor('p', true, false)).toBe(nobodyElse)
  first.begins('over')
  expect(first.stepsFor('p', true, true)).toBe(whole)
})

test('while somebody is still to be tried of whom it was told nothing is over', () => {
  const first = met()
  first.begins('seeking')
  first.compared('p', nobodyElse, 0)
  first.look(idle, 100)
  expect([first.isOver, first.stepsFor('p', true, false)]).toEqual([false, 1])
  first.begins('met')
  first.look(idle, 200)
  expect([first.isOver, first.stepsFor('p', true, false)]).toEqual([true, whole])
})
