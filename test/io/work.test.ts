/** How much this thread works, and waits for a core: by what the system counts, while others have the machine or not. */
import { expect, test } from 'vitest'
import { Waits, Work } from '../../src/io/work.js'

const shared = new Int32Array(new SharedArrayBuffer(4))

function busyFor(time_ms: number): void {
  const end = performance.now() + time_ms
  while (performance.now() < end);
}

test('work is what was worked, not what was waited for', () => {
  const waiting = new Work()
  Atomics.wait(shared, 0, 0, 200)
  expect(waiting.time_ms()).toBeLessThan(100)
  const working = new Work()
  busyFor(100)
  expect(working.time_ms()).toBeGreaterThan(0)
  expect(working.time_ms()).toBeLessThanOrEqual(1000)
})

test('who stands still with something to do waits for a core; who has nothing to do does not', async () => {
  const waits = new Waits()
  await new Promise((resolve) => setTimeout(resolve, 20))
  waits.share()
  await new Promise((resolve) => {
    setImmediate(() => {
      Atomics.wait(shared, 0, 0, 300) // as the system does it
      setImmediate(resolve)
    })
  })
  expect(waits.share()).toBeGreaterThan(0.5)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(waits.share()).toBeLessThan(0.5)
})
