// What names of others stand for: known at once, asked again behind that, kept where nobody answers.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HostAddresses, type Resolve } from '../../src/dns/addresses.js'

const one = [{ address: '10.0.0.9', family: 4 }] as const
const other = [{ address: '10.0.0.8', family: 4 }] as const

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

test('a name is asked for again after a second, behind what is known; silence changes nothing', async () => {
  const answers = [one, undefined, other]
  const resolve = vi.fn<Resolve>(async () => answers.shift())
  const addresses = new HostAddresses(resolve)
  expect(addresses.find('a.lan')).toBe('unknown')
  await addresses.settle(['a.lan'])
  for (const expected of [one, one, other]) {
    for (let i = 0; i < 3; i += 1) expect(addresses.find('a.lan')).toBe(expected)
    vi.advanceTimersByTime(1000)
    addresses.find('a.lan')
    await vi.advanceTimersByTimeAsync(0)
  }
  expect(resolve).toHaveBeenCalledTimes(4)
})

test('who does not answer is waited for half a second by all who ask, and is asked once', async () => {
  const resolve = vi.fn<Resolve>(() => new Promise(() => undefined))
  const addresses = new HostAddresses(resolve)
  const settled = Promise.all([addresses.settle(['a.lan']), addresses.settle(['a.lan'])])
  await vi.advanceTimersByTimeAsync(500)
  await settled
  vi.advanceTimersByTime(5000)
  expect(addresses.find('a.lan')).toBe('silent')
  expect(resolve).toHaveBeenCalledTimes(1)
})

test('what was found long ago is waited for again, and counts where nobody answers now', async () => {
  const answers = [one, other, undefined]
  const addresses = new HostAddresses(async () => answers.shift())
  await addresses.settle(['a.lan'])
  for (const expected of [other, other]) {
    vi.advanceTimersByTime(60_000)
    expect(addresses.find('a.lan')).toBe('unknown')
    await addresses.settle(['a.lan'])
    expect(addresses.find('a.lan')).toBe(expected)
  }
})
