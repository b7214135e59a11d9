/** What is said while one waits: nothing at first, nothing in a file, and nothing is left of it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { saying } from '../../src/cli/progress.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function waitFor(duration_ms: number, isTTY: boolean): Promise<string[]> {
  const written: string[] = []
  const work = new Promise<string>((resolve) => setTimeout(() => resolve('done'), duration_ms))
  const said = saying('waiting', work, { isTTY, write: (text) => written.push(text) })
  await vi.advanceTimersByTimeAsync(duration_ms)
  expect(await said).toBe('done')
  return written
}

test('what takes longer than a second is said on a terminal, and wiped away after', async () => {
  expect(await waitFor(1500, true)).toEqual(['\r\u001b[Kwaiting…', '\r\u001b[K'])
})

test('what is quick is not worth a word, and a file gets none', async () => {
  expect(await waitFor(900, true)).toEqual([])
  expect(await waitFor(1500, false)).toEqual([])
})

test('a failure comes through, and leaves no word behind', async () => {
  const written: string[] = []
  const work = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no')), 1500))
  const said = saying('waiting', work, { isTTY: true, write: (text) => written.push(text) })
  const outcome = expect(said).rejects.toThrow('no')
  await vi.advanceTimersByTimeAsync(1500)
  await outcome
  expect(written.at(-1)).toBe('\r\u001b[K')
})
