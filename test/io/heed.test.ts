/** Packets of multicast, which anybody may send: by the address they come from, by the time that all of them take. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Heed } from '../../src/io/network/heed.js'

let now_ms = 1_000_000
beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => now_ms)
  vi.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: now_ms * 1000, system: 0 }))
})
afterEach(() => void vi.restoreAllMocks())

test('who sends thousands is heard two hundred times a second, and everybody else as before', () => {
  let excess = 0
  const heed = new Heed(() => (excess += 1))
  const heard = { loud: 0, quiet: 0 }
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 5000; i++) heed.give('192.0.2.1', () => (heard.loud += 1))
    heed.give('192.0.2.2', () => (heard.quiet += 1))
    now_ms += 1000
  }
  expect(heard).toEqual({ loud: 1000 + 9 * 200, quiet: 10 })
  expect(excess).toBe(50_000 - heard.loud)
})

test('all of them together take a tenth of the time', () => {
  const heed = new Heed(() => {})
  let taken_ms = 0
  for (let i = 0; i < 20_000; i++) {
    heed.give(`192.0.2.${i % 250}`, () => {
      taken_ms += 0.5
      now_ms += 0.5
    })
    now_ms += 0.5
  }
  expect(taken_ms).toBeGreaterThan(1000)
  expect(taken_ms).toBeLessThan(2000)
})

test('who says little is heard, though many others take all the time that there is', () => {
  let excess = 0
  const heed = new Heed(() => (excess += 1))
  let heard = 0
  for (let n = 0; n < 20_000; n++) {
    heed.give(`192.0.2.${n % 10}`, () => (now_ms += 0.5))
    if (n % 1000 === 999) heed.give('192.0.2.77', () => (heard += 1))
    now_ms += 0.5
  }
  expect(heard).toBe(20)
  expect(excess).toBeGreaterThan(10_000)
})
