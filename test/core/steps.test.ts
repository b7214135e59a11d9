// Work that can be left off between its parts: all at once, or a little in each turn of the event loop.
import { expect, test } from 'vitest'
import { atOnce, ofEach } from '../../src/core/basics/steps.js'
import { inTurns } from '../../src/daemon/in-turns.js'

const numbers = Array.from({ length: 100 }, (_, i) => i)

test('what is made of each is the same at once and in turns; what is undefined is left out', async () => {
  const even = () => ofEach(numbers, (n) => (n % 2 === 0 ? n * n : undefined))
  const squares = numbers.filter((n) => n % 2 === 0).map((n) => n * n)
  expect(atOnce(even())).toEqual(squares)
  expect((await inTurns(even())).value).toEqual(squares)
})

test('whoever drives it may leave it off after a few, and never take it up again', () => {
  const seen: number[] = []
  const steps = ofEach(numbers, (n) => void seen.push(n))
  steps.next()
  expect(seen.length).toBeGreaterThan(0)
  expect(seen.length).toBeLessThan(numbers.length / 2)
})

test('what else there is to do comes in between: a turn has an end, however much there is of it', async () => {
  let others = 0
  let isOver = false
  const other = (): void => {
    others += 1
    if (!isOver) setImmediate(other)
  }
  setImmediate(other)
  // Forty times one millisecond that is spent, by the clock that says when a turn is over.
  const { took_ms } = await inTurns(
    ofEach(Array.from({ length: 40 * 16 }), (_) => {
      const end = performance.now() + 1 / 16
      while (performance.now() < end);
    }),
  )
  isOver = true
  expect(others).toBeGreaterThan(5)
  expect(took_ms).toBeGreaterThanOrEqual(40)
})
