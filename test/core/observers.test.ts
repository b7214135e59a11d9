// Who observes whom: eight distinct ones, the same for all who see the same members, and few changes when one comes or goes.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Places, Rings, placesOf, ringCount } from '../../src/core/membership/observers.js'

function places(id: string): Places {
  return placesOf(createHash('sha256').update(id).digest())
}

function names(count: number, prefix = 'm'): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`)
}

function rings(self: string, others: readonly string[]): Rings {
  const all = new Rings(self, places(self))
  for (const id of others) all.add(id, places(id))
  return all
}

const observersIn = (view: Rings, id: string): readonly string[] => view.observersOf(id, places(id))

/** All pairs `observer>subject`. */
function pairs(view: Rings, ids: readonly string[]): Set<string> {
  return new Set(ids.flatMap((id) => observersIn(view, id).map((observer) => `${observer}>${id}`)))
}

test.each([1, 2, 3, 8, 9])('of %i everyone observes everyone', (count) => {
  const ids = names(count)
  const view = rings('m0', ids)
  for (const id of ids) expect([...observersIn(view, id)].sort()).toEqual(ids.filter((other) => other !== id).sort())
  expect(view.subjects().sort()).toEqual(ids.slice(1).sort())
})

test.each([10, 11, 40, 1000])('of %i each has eight distinct observers, and is none of its own', (count) => {
  const ids = names(count)
  const view = rings('m0', ids)
  for (const id of ids) {
    const observers = observersIn(view, id)
    expect(new Set(observers).size).toBe(ringCount)
    expect(observers).not.toContain(id)
  }
})

test('the observer on a ring is the nearest predecessor there that is not chosen yet', () => {
  const at = (...rest: number[]): Places => Uint32Array.from({ length: ringCount }, (_, i) => rest[i] ?? 0)
  const view = new Rings('s', at(500, 500))
  for (let i = 0; i < 10; i++) view.add(`m${i}`, at(i * 100, 1000 - i * 100))
  const [first, second] = view.observersOf('s', at(500, 500))
  expect(first).toBe('m5') // stands at the same place, and comes before: ids decide
  expect(second).toBe('m6') // m5 would be nearest, and is chosen
  expect(view.observersOf('x', at(0, 0))[0]).toBe('m0')
  expect(view.observersOf('a', at(0, 0))[0]).toBe('m9') // round the end
})

describe('for any members', () => {
  const cluster = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 60 })

  test('two daemons with equal views agree, whatever the order in which they learned them', () => {
    fc.assert(
      fc.property(cluster, fc.nat(), (ids, seed) => {
        const other = ids[seed % ids.length] as string
        const one = rings(ids[0] as string, ids)
        const two = rings(other, [...ids].reverse())
        for (const id of ids) expect(observersIn(two, id)).toEqual(observersIn(one, id))
      }),
    )
  })

  test('subjects are exactly those whose observer one is', () => {
    fc.assert(
      fc.property(cluster, (ids) => {
        const self = ids[0] as string
        const view = rings(self, ids)
        const observed = ids.filter((id) => observersIn(view, id).includes(self))
        expect(view.subjects().sort()).toEqual(observed.sort())
      }),
    )
  })

  test('answers that were given before some went, or came back, are as if asked for the first time', () => {
    const change = fc.record({ who: fc.nat(), asked: fc.array(fc.nat(), { maxLength: 6 }) })
    fc.assert(
      fc.property(cluster, fc.array(change, { maxLength: 40 }), (ids, changes) => {
        const [self = 'a', ...others] = ids
        const standing = new Set(others)
        const view = rings(self, others)
        const expectAsAnew = (asked: Iterable<string>): void => {
          const anew = rings(self, [...standing])
          for (const id of asked) expect(observersIn(view, id)).toEqual(observersIn(anew, id))
        }
        expectAsAnew(ids)
        for (const { who, asked } of changes) {
          const id = others[who % others.length]
          if (id === undefined) return
          if (standing.delete(id)) view.remove(id)
          else {
            standing.add(id)
            view.add(id, places(id))
          }
          // Not all are asked about after each change: some answers are looked at again only after many.
          expectAsAnew(asked.map((number) => ids[number % ids.length] as string))
        }
        expectAsAnew(ids)
      }),
      { numRuns: 300 },
    )
  })

  test('who is off the rings has the observers that it would have on them', () => {
    fc.assert(
      fc.property(cluster, (ids) => {
        const [self, hidden = ''] = ids
        if (self === undefined || hidden === '') return
        const view = rings(self, ids)
        const before = observersIn(view, hidden)
        view.remove(hidden)
        expect(view.has(hidden)).toBe(false)
        expect(observersIn(view, hidden)).toEqual(before)
      }),
    )
  })
})

test('when one goes, only its neighbours find others: nobody loses more than the one observer', () => {
  const ids = names(200)
  const view = rings('m0', ids)
  const before = pairs(view, ids)
  const { version } = view
  view.remove('m77')
  expect(view.version).toBeGreaterThan(version)
  const rest = ids.filter((id) => id !== 'm77')
  const after = pairs(view, rest)
  const lost = [...before].filter((pair) => !after.has(pair) && !pair.includes('m77'))
  const gained = [...after].filter((pair) => !before.has(pair))
  expect(gained.length).toBeLessThanOrEqual(3 * ringCount)
  expect(lost.length).toBeLessThanOrEqual(2 * ringCount)
  view.add('m77', places('m77'))
  expect(pairs(view, ids)).toEqual(before)
})

test('everyone observes about as many as observe it: nobody carries the cluster', () => {
  const ids = names(300)
  const view = rings('m0', ids)
  const load = new Map<string, number>()
  for (const id of ids) for (const observer of observersIn(view, id)) load.set(observer, (load.get(observer) ?? 0) + 1)
  expect(Math.max(...load.values())).toBeLessThanOrEqual(3 * ringCount)
  expect(Math.min(...ids.map((id) => load.get(id) ?? 0))).toBeGreaterThanOrEqual(1)
})

test('a choice by place stays while others come and go', () => {
  const view = rings('m0', names(100))
  const chosen = view.at(123_456_789)
  const others = names(100).filter((id) => id !== chosen)
  for (const id of others.slice(0, 50)) view.remove(id)
  expect(view.at(123_456_789)).toBe(chosen)
  view.remove(chosen)
  expect(view.at(123_456_789)).not.toBe(chosen)
  expect(new Set(Array.from({ length: 200 }, (_, i) => view.at(i * 21_474_836))).size).toBeGreaterThan(20)
})
