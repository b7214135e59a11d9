// What is passed on: only news, to each listener what it missed most of; nothing is told twice, and nothing is forgotten.
import { expect, test } from 'vitest'
import { relaysAtOnce, slowPath_ms } from '../../src/core/membership/formulas.js'
import { Rings, placesOf } from '../../src/core/membership/observers.js'
import { Piggyback } from '../../src/core/basics/piggyback.js'
import { quickHash } from '../sim/crypto.js'

interface Thing {
  readonly name: string
  generation: number
  sequence: number
  backAt: number
}

function thing(name: string, sequence = 1, generation = 1): Thing {
  return { name, generation, sequence, backAt: 0 }
}

function many(count: number): Thing[] {
  return Array.from({ length: count }, (_, i) => thing(`m${i}`))
}

function piggybackOf(...things: Thing[]): Piggyback<Thing> {
  const piggyback = new Piggyback<Thing>('self')
  for (const one of things) piggyback.add(one)
  return piggyback
}

/** Takes what fits, all of it worth telling unless said. @returns names in the order in which they are told */
function takeInOrder(
  piggyback: Piggyback<Thing>,
  listener: string,
  room = 64,
  worth: (one: Thing) => boolean = () => true,
): string[] {
  let left = room
  return piggyback.take(listener, worth, () => left-- > 0).map(({ name }) => name)
}

function take(...of: Parameters<typeof takeInOrder>): string[] {
  return takeInOrder(...of).sort()
}

test('a listener is told each thing once, and again when there is news of it', () => {
  const [a, b] = [thing('a'), thing('b')]
  const piggyback = piggybackOf(a, b)
  expect(take(piggyback, 'x')).toEqual(['a', 'b'])
  expect(take(piggyback, 'x')).toEqual([])
  expect(take(piggyback, 'y')).toEqual(['a', 'b'])
  b.sequence = 2
  expect(take(piggyback, 'x')).toEqual(['b'])
  b.sequence = 1 // an older word is no news
  expect(take(piggyback, 'x')).toEqual([])
})

test('a new generation is news, though its sequence begins again', () => {
  const a = thing('a', 50)
  const piggyback = piggybackOf(a)
  take(piggyback, 'x')
  Object.assign(a, { generation: 2, sequence: 1 })
  expect(take(piggyback, 'x')).toEqual(['a'])
})

test('what is not worth telling waits, and takes no room', () => {
  const piggyback = piggybackOf(thing('a'), thing('b'), thing('c'))
  expect(take(piggyback, 'x', 2, ({ name }) => name !== 'a')).toEqual(['b', 'c'])
  expect(take(piggyback, 'x')).toEqual(['a'])
})

test('where there are more than fit, what was missed most of goes first, so all come round', () => {
  const things = many(150)
  const piggyback = piggybackOf(...things)
  const lastTold = new Map<string, number>()
  let longest = 0
  for (let round = 1; round <= 60; round++) {
    for (const one of things) one.sequence = round
    const told = take(piggyback, 'x')
    expect(told).toHaveLength(64)
    for (const name of told) {
      longest = Math.max(longest, round - (lastTold.get(name) ?? 0))
      lastTold.set(name, round)
    }
  }
  expect(longest).toBe(Math.ceil(150 / 64))
})

test('what jumped far is told before what went on by a step, and what was never told before both', () => {
  const [a, b] = [thing('a'), thing('b')]
  const piggyback = piggybackOf(a, b)
  take(piggyback, 'x')
  a.sequence = 2
  b.sequence = 9
  piggyback.add(thing('c'))
  expect(takeInOrder(piggyback, 'x')).toEqual(['c', 'b', 'a'])
})

test('of those who were thought to be gone and are back a listener is told before all others, and at once', () => {
  const things = many(1000)
  const piggyback = piggybackOf(...things)
  const goOn = (which: readonly Thing[]): void => which.forEach((one) => (one.sequence += 1))
  const hear = (): string[] => piggyback.take('x', () => true, roomAmong(1000)).map(({ name }) => name)
  for (let round = 0; round < 20; round++, goOn(things)) hear()
  const gone = things.slice(0, 500)
  for (const one of gone) one.backAt = one.sequence + 1
  for (let round = 0; round < 10; round++, goOn(things.slice(500))) hear()
  for (const one of gone) one.sequence += 10
  const heard = [...hear(), ...hear()]
  expect([...new Set(heard.slice(0, 500))].sort()).toEqual(gone.map(({ name }) => name).sort())
  goOn(things)
  expect(hear()).toHaveLength(64) // of each of them once
})

test('claims beyond all measure do not keep others from being told', () => {
  const things = many(100)
  const liar = thing('liar', 2 ** 40)
  const piggyback = piggybackOf(liar, ...things)
  const told = Array.from({ length: 20 }, (_, round) => {
    for (const one of things) one.sequence = round + 2
    liar.sequence += 2 ** 30
    return take(piggyback, 'x', 10)
  })
  for (const one of things) expect(told.flat()).toContain(one.name)
})

test('what does not fit stays to be told', () => {
  const piggyback = piggybackOf(thing('a'), thing('b'), thing('c'))
  const first = take(piggyback, 'x', 1)
  expect(first).toHaveLength(1)
  expect(take(piggyback, 'x', 0)).toEqual([])
  expect([...first, ...take(piggyback, 'x', 2)].sort()).toEqual(['a', 'b', 'c'])
})

test('what is deleted is told no more, and changes nothing of what was told of others', () => {
  const things = ['a', 'b', 'c', 'd'].map((name) => thing(name))
  const piggyback = piggybackOf(...things)
  expect(take(piggyback, 'x')).toEqual(['a', 'b', 'c', 'd'])
  piggyback.delete(things[1] as Thing)
  for (const one of things) one.sequence = 2
  expect(take(piggyback, 'x')).toEqual(['a', 'c', 'd'])
  expect(take(piggyback, 'x')).toEqual([])
  piggyback.add(thing('e', 2)) // at a place where another was before
  expect(take(piggyback, 'x')).toEqual(['e'])
})

test('a listener that was forgotten is told all again', () => {
  const piggyback = piggybackOf(thing('a'))
  take(piggyback, 'x')
  piggyback.forgetListener('x')
  expect(take(piggyback, 'x')).toEqual(['a'])
})

test('no two daemons tell in the same order', () => {
  const things = many(200)
  const [one, other] = ['one', 'other'].map((self) => {
    const piggyback = new Piggyback<Thing>(self)
    for (const each of things) piggyback.add(each)
    return new Set(takeInOrder(piggyback, 'x'))
  }) as [Set<string>, Set<string>]
  expect([...one].filter((name) => other.has(name)).length).toBeLessThan(64)
})

/** A word of each member at each: its sequence counts seconds, so it says how old the word is. */
interface Word extends Thing {
  readonly of: number
}

/** What fits into a heartbeat. */
function roomAmong(members: number): (word: Thing, missed: number) => boolean {
  let told = 0
  return (_, missed) => told++ < relaysAtOnce(members, missed)
}

/** How old the oldest word is that anybody has of anybody, in seconds, once each has told its observers this often. */
function oldestWord_s(count: number, rounds: number): number {
  const ids = Array.from({ length: count }, (_, i) => `n${i}`)
  const places = ids.map((id) => placesOf(quickHash(new TextEncoder().encode(id))))
  const rings = new Rings(ids[0] as string, places[0] as Uint32Array)
  ids.forEach((id, i) => rings.add(id, places[i] as Uint32Array))
  const daemons = ids.map((self, i) => {
    const words = ids.map((name, of): Word => ({ ...thing(name, 0), of }))
    const piggyback = new Piggyback<Word>(self)
    for (const word of words) if (word.of !== i) piggyback.add(word)
    const observers = rings.observersOf(self, places[i] as Uint32Array).map((id) => [id, ids.indexOf(id)] as const)
    return { words, piggyback, observers }
  })
  for (let second = 1; second <= rounds; second++) {
    daemons.forEach(({ piggyback, observers }, i) => {
      for (const [observer, place] of observers) {
        const at = daemons[place] as (typeof daemons)[number]
        for (const { of, sequence } of piggyback.take(observer, (word) => word.sequence > 0, roomAmong(count))) {
          const known = at.words[of] as Word
          known.sequence = Math.max(known.sequence, sequence)
        }
        ;(at.words[i] as Word).sequence = second
      }
    })
  }
  return Math.max(
    ...daemons.map(({ words }, i) => rounds - Math.min(...words.map((w) => (w.of === i ? rounds : w.sequence)))),
  )
}

test.each([100, 250])('among %i members every word comes round long before its absence counts as a death', (count) => {
  expect(oldestWord_s(count, 15) * 1000).toBeLessThanOrEqual(slowPath_ms(count) * 0.6)
})

test('who starts anew among 1000 members has heard of all after three heartbeats of its neighbours', () => {
  const things = many(1000)
  const neighbours = Array.from({ length: 8 }, (_, i) => {
    const piggyback = new Piggyback<Thing>(`n${i}`)
    for (const one of things) piggyback.add(one)
    return piggyback
  })
  const heard = new Set<string>()
  for (let second = 0; second < 3; second++) {
    for (const piggyback of neighbours)
      for (const { name } of piggyback.take('x', () => true, roomAmong(1000))) heard.add(name)
  }
  expect(heard.size).toBe(1000)
})

test.each([20, 1000, 4096])('a newcomer among %i members is told of as many at once as fit', (count) => {
  const piggyback = piggybackOf(...many(count))
  expect(piggyback.take('x', () => true, roomAmong(count))).toHaveLength(Math.min(count, 256))
})
