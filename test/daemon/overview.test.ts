// What a node sees of all others: one look for all who ask, seldom where it is much work, whatever comes and goes meanwhile.
import { expect, test, vi } from 'vitest'
import { type Steps, atOnce } from '../../src/core/basics/steps.js'
import type { MemberView, SelfView } from '../../src/core/views.js'
import { inTurns } from '../../src/daemon/in-turns.js'
import { type OverviewParts, overlooking } from '../../src/daemon/overview.js'

function looking(members: readonly string[], work_ms = 0): { parts: OverviewParts; looks: () => number } {
  let looks = 0
  const spend = (): void => {
    const end = performance.now() + work_ms
    while (performance.now() < end);
  }
  const read = {
    *membersInSteps() {
      looks += 1
      spend()
      yield
      return members.map((peer) => ({ peer, self: false, state: 'alive' }) as MemberView)
    },
    *digestInSteps() {
      return { digest: 'd', documents: [] }
    },
    ...{ missing: () => 0, doubt: undefined, ownersDeclined: 0 },
  }
  const network = { peers: () => [], failures: () => [], mdns: () => undefined }
  const parts = {
    ...{ registry: { read }, network, engine: { now: () => ({ now: 0, wall: 0 }) } },
    ...{ labels: { look: () => undefined, of: () => undefined }, self: () => ({}) as SelfView },
  } as unknown as OverviewParts
  return { parts, looks: () => looks }
}

test('all who ask while somebody looks are told the same', async () => {
  const { parts, looks } = looking(['a', 'b'])
  const look = overlooking(parts, inTurns)
  const [one, other] = await Promise.all([look(), look()])
  expect(one).toBe(other)
  expect(one.members.map(({ peer }) => peer)).toEqual(['a', 'b'])
  expect(looks()).toBe(1)
})

test('whoever asks without end has it looked at for a small share of the time', async () => {
  const { parts, looks } = looking(['a'], 10)
  const look = overlooking(parts, inTurns)
  const begun = performance.now()
  for (let i = 0; i < 2000; i++) {
    await look()
    if (i % 100 === 0) await new Promise(setImmediate)
  }
  const took_ms = performance.now() - begun
  expect(looks()).toBeLessThanOrEqual(1 + took_ms / 200)
})

test('a look that took as long as a pause of this machine is not told again for longer than some seconds', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const { parts, looks } = looking(['a'])
    const slow = async <T>(steps: Steps<T>) => ({ value: atOnce(steps), took_ms: 10_000 })
    const look = overlooking(parts, slow)
    await look()
    vi.advanceTimersByTime(2900)
    await look()
    expect(looks()).toBe(1)
    vi.advanceTimersByTime(200)
    await look()
    expect(looks()).toBe(2)
  } finally {
    vi.useRealTimers()
  }
})

test('where that goes wrong the next one who asks has another look', async () => {
  const { parts, looks } = looking(['a'])
  let isWell = false
  const self = (): SelfView => {
    if (!isWell) throw new Error('not now')
    return {} as SelfView
  }
  const look = overlooking({ ...parts, self }, inTurns)
  await expect(look()).rejects.toThrow('not now')
  isWell = true
  await expect(look()).resolves.toMatchObject({ members: [{ peer: 'a' }] })
  expect(looks()).toBe(1)
})
