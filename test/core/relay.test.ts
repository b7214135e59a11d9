// What is passed on: only news, the longest untold first, as much as fits; and nothing is told twice.
import { expect, test } from 'vitest'
import { Rota } from '../../src/core/membership/relay.js'

interface Thing {
  readonly name: string
  generation: number
  sequence: number
}

function thing(name: string, sequence = 1, generation = 1): Thing {
  return { name, generation, sequence }
}

function rotaOf(...things: Thing[]): Rota<Thing> {
  const rota = new Rota<Thing>()
  for (const one of things) rota.add(one)
  return rota
}

/** Takes what fits, all of it worth telling unless said. */
function take(rota: Rota<Thing>, listener: string, room = 64, worth: (one: Thing) => boolean = () => true): string[] {
  let left = room
  return rota.take(listener, worth, () => left-- > 0).map(({ name }) => name)
}

test('a listener is told each thing once, and again when there is news of it', () => {
  const [a, b] = [thing('a'), thing('b')]
  const rota = rotaOf(a, b)
  expect(take(rota, 'x')).toEqual(['a', 'b'])
  expect(take(rota, 'x')).toEqual([])
  expect(take(rota, 'y')).toEqual(['a', 'b'])
  b.sequence = 2
  expect(take(rota, 'x')).toEqual(['b'])
  b.sequence = 1 // an older word is no news
  expect(take(rota, 'x')).toEqual([])
})

test('a new generation is news, though its sequence begins again', () => {
  const a = thing('a', 50)
  const rota = rotaOf(a)
  take(rota, 'x')
  Object.assign(a, { generation: 2, sequence: 1 })
  expect(take(rota, 'x')).toEqual(['a'])
})

test('what is not worth telling waits, and takes no room', () => {
  const rota = rotaOf(thing('a'), thing('b'), thing('c'))
  expect(take(rota, 'x', 2, ({ name }) => name !== 'a')).toEqual(['b', 'c'])
  expect(take(rota, 'x')).toEqual(['a'])
})

test('where there are more than fit, those longest untold go first, so all come round', () => {
  const things = Array.from({ length: 150 }, (_, i) => thing(`m${i}`))
  const rota = rotaOf(...things)
  const rounds = [1, 2, 3].map((sequence) => {
    for (const one of things) one.sequence = sequence
    return take(rota, 'x')
  })
  expect(rounds.map((round) => round.length)).toEqual([64, 64, 64])
  expect(new Set(rounds.flat()).size).toBe(150)
  expect(rounds[2]?.slice(0, 22)).toEqual(Array.from({ length: 22 }, (_, i) => `m${128 + i}`))
})

test('what comes new is told before what was told already', () => {
  const things = [thing('a'), thing('b')]
  const rota = rotaOf(...things)
  take(rota, 'x')
  for (const one of things) one.sequence = 2
  rota.add(thing('c'))
  expect(take(rota, 'x', 2)).toEqual(['c', 'a'])
  expect(take(rota, 'x')).toEqual(['b'])
})

test('what does not fit stays to be told, and what comes after it is not told before it', () => {
  const rota = rotaOf(thing('a'), thing('b'), thing('c'))
  expect(take(rota, 'x', 1)).toEqual(['a'])
  expect(take(rota, 'x', 0)).toEqual([])
  expect(take(rota, 'x', 1)).toEqual(['b'])
})

test('what is deleted is told no more, and a listener that was forgotten is told all again', () => {
  const [a, b] = [thing('a'), thing('b')]
  const rota = rotaOf(a, b)
  take(rota, 'x')
  rota.forgetListener('x')
  rota.delete(b)
  expect(take(rota, 'x')).toEqual(['a'])
})
