// How long a caller waits for one instance before another one is asked, where many of them do not answer. In virtual time.
import { expect, test, vi } from 'vitest'
import { Callee } from '../../src/client/fetching/callee.js'
import { type Meets, World, useVirtualTime } from './world.js'

useVirtualTime()

interface Load {
  readonly calls: number
  readonly every_ms: number
  readonly init?: (i: number) => RequestInit
}

/** How long those calls took; -1: one that failed. */
async function took_ms(fetch: typeof globalThis.fetch, { calls, every_ms, init }: Load): Promise<number[]> {
  const took: number[] = []
  for (let i = 0; i < calls; i += 1) {
    const begun = performance.now()
    void fetch('rollcall://web/', init?.(i)).then(
      () => (took[i] = performance.now() - begun),
      () => (took[i] = -1),
    )
    await vi.advanceTimersByTimeAsync(every_ms)
  }
  await vi.advanceTimersByTimeAsync(35_000)
  return took
}

const hanging =
  (ids: string, after_ms = 5) =>
  ({ id }: { readonly id: string }): Meets =>
    ids.includes(id) ? 'hang' : { status: 200, after_ms }

test('who hangs makes the next wait no longer than that for a service of which nothing is known, however many do', async () => {
  // So many hang that nobody is left out, and each call may meet two of them.
  let areWell = true
  const hang = hanging('abc')
  const world = new World(['a', 'b', 'c', 'd'], (seen) => (areWell ? { status: 200, after_ms: 5 } : hang(seen)))
  const fetch = world.fetch()
  await took_ms(fetch, { calls: 300, every_ms: 10 })
  areWell = false
  const took = await took_ms(fetch, { calls: 200, every_ms: 250 })
  const answered = took.filter((one) => one >= 0).sort((a, b) => a - b)
  expect(answered.length).toBeGreaterThan(80) // the third attempt of the others meets one that hangs, and is waited for
  expect(answered.at(-1)).toBeLessThan(2 * 1150 + 100)
})

test('nor do those that nobody else may be asked for, which take all the time of a call', () => {
  const callee = new Callee()
  for (let i = 0; i < 200; i += 1) callee.answered('a', i, 5)
  const usual_ms = callee.patience_ms(200)
  expect(usual_ms).toBeLessThan(30)
  for (let i = 0; i < 20; i += 1) callee.late('b', 300 + i, 30_000)
  expect(callee.patience_ms(320)).toBeLessThan(1150)
  for (let i = 0; i < 200; i += 1) callee.answered('a', 400 + i, 2000) // but answers do, as that is how long it takes
  expect(callee.patience_ms(600)).toBeGreaterThan(6000)
})

test('where others have used up the budget it is asked for again, so that nobody waits for one that hangs until the end', async () => {
  const world = new World(['a', 'b', 'c', 'd'], ({ id }) => {
    if (performance.now() < 1000 && id !== 'a') return { status: 503 }
    return id === 'a' ? 'hang' : { status: 200, after_ms: 5 }
  })
  const took = await took_ms(world.fetch(), { calls: 200, every_ms: 5 })
  expect(world.countOf('a')).toBeGreaterThan(20)
  expect(took.filter((one) => one < 0).length).toBeLessThan(30) // of whom it was the last attempt: two of the others may be left out at that time
  expect(Math.max(...took)).toBeLessThan(20_000)
  expect(world.suspected).toContain('a')
})

test('an instance that leaves callers without an answer in their own time is left out as well', async () => {
  const world = new World(['a', 'b', 'c'], hanging('b'))
  const fetch = world.fetch()
  const init = (): RequestInit => ({ method: 'POST', signal: signalAfter(400) })
  const took = await took_ms(fetch, { calls: 100, every_ms: 50, init })
  expect(world.suspected).toEqual(['b'])
  expect(took.filter((one) => one < 0).length).toBeLessThan(10)
})

test('nobody is, for callers who have no time', async () => {
  const world = new World(['a', 'b', 'c'], hanging('', 50))
  const fetch = world.fetch()
  await took_ms(fetch, { calls: 20, every_ms: 10 })
  await took_ms(fetch, { calls: 50, every_ms: 10, init: () => ({ signal: signalAfter(40) }) })
  expect(world.suspected).toEqual([])
})

/** As `AbortSignal.timeout` does, in the time of the test. */
function signalAfter(duration_ms: number): AbortSignal {
  const over = new AbortController()
  setTimeout(() => over.abort(new DOMException('too late', 'TimeoutError')), duration_ms)
  return over.signal
}
