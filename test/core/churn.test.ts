// Which services are said to change without end, by what was counted.
import { expect, test } from 'vitest'
import { ChurnCounts, type Churn } from '../../src/core/doctor/churn.js'

/** @param each so many changes in each second */
function change(counts: ChurnCounts, slug: string, each: number, from: number, to: number): Churn[] {
  const begun: Churn[] = []
  for (let s = from; s < to; s++)
    for (let i = 0; i < each; i++) {
      const churn = counts.note('p', slug, 1000 * s)
      if (churn !== undefined) begun.push(churn)
    }
  return begun
}

test('a service that changes for many seconds on end is told, with its pace; one burst is not, a slow one is not', () => {
  const counts = new ChurnCounts()
  expect(change(counts, 'fast', 30, 0, 20)).toEqual([{ home: 'p', slug: 'fast', perSecond: 30, lasts_ms: 15_000 }])
  expect(change(counts, 'slow', 5, 0, 20)).toEqual([])
  expect(change(counts, 'burst', 5000, 18, 20)).toEqual([])
  expect(counts.lasting(20_000)).toEqual([{ home: 'p', slug: 'fast', perSecond: 30, lasts_ms: 20_000 }])
})

test('that it is told does not hang on who asks meanwhile, and at which moment', () => {
  const counts = new ChurnCounts()
  change(counts, 'fast', 30, 0, 15)
  expect(counts.lasting(15_000)).toHaveLength(1)
  expect(change(counts, 'fast', 30, 15, 40)).toHaveLength(1)
})

test('what has come to rest is told no more', () => {
  const counts = new ChurnCounts()
  change(counts, 'fast', 30, 0, 20)
  expect(counts.lasting(24_000)).toHaveLength(1)
  expect(counts.lasting(25_000)).toEqual([])
  change(counts, 'fast', 30, 40, 45)
  expect(counts.lasting(45_000)).toEqual([])
})

test('bursts with a pause between them are not one that lasts', () => {
  const counts = new ChurnCounts()
  for (const at of [0, 10, 20, 30, 40]) expect(change(counts, 'jobs', 30, at, at + 5)).toEqual([])
  expect(counts.lasting(45_000)).toEqual([])
})
