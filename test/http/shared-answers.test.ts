// Answers that cost much are made once for all who ask within a moment, and never twice at a time.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SharedAnswers } from '../../src/http/shared-answers.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Makes answers that take 100 ms. */
function costly() {
  let made = 0
  const make = async (): Promise<string> => {
    vi.advanceTimersByTime(100)
    return `${++made}`
  }
  return make
}

test('whoever asks while one is made, or for four times as long after, is given that one', async () => {
  const [shared, make] = [new SharedAnswers(), costly()]
  const ask = (): Promise<string> => shared.answer('doctor', make)
  expect(await Promise.all([ask(), ask(), ask()])).toEqual(['1', '1', '1'])
  vi.advanceTimersByTime(399)
  expect(await ask()).toBe('1')
  vi.advanceTimersByTime(1)
  expect(await Promise.all([ask(), ask()])).toEqual(['2', '2'])
})

test('each question has an answer of its own, of which a few are kept', async () => {
  const [shared, make] = [new SharedAnswers(), costly()]
  for (let i = 1; i <= 9; i++) expect(await shared.answer(`${i}`, async () => `${i}`)).toBe(`${i}`)
  expect(await shared.answer('a', make)).toBe('1')
  expect(await shared.answer('b', make)).toBe('2')
})

test('a failure is told to all who wait for it, and made anew for the next one', async () => {
  const shared = new SharedAnswers()
  const fail = async (): Promise<string> => Promise.reject(new Error('no'))
  const both = await Promise.allSettled([shared.answer('x', fail), shared.answer('x', fail)])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await shared.answer('x', () => 'well')).toBe('well')
})

test('of many different questions one is answered after the other, with a rest between; beyond a few they are refused', async () => {
  vi.useRealTimers()
  const shared = new SharedAnswers()
  const moments: number[] = []
  const make = (): string => {
    moments.push(performance.now())
    while (performance.now() - (moments.at(-1) as number) < 5); // as one that keeps the loop
    return 'made'
  }
  const asked = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => shared.answer(`${i}`, make)))
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(8)
  expect(moments).toHaveLength(8)
  for (const [i, moment] of moments.slice(1).entries()) expect(moment - (moments[i] as number)).toBeGreaterThan(8)
  expect(asked.at(-1)).toMatchObject({ reason: { code: 'unavailable' } })
})
