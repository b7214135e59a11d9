// The registry for tests of programs: what its time brings about, what it kills, what answers in it, whatever the timers of the test do.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTestRegistry } from '../../src/testing.js'

const web = (n: number): { id: string; slug: string; url: string } => ({
  id: `web-${n}`,
  slug: 'web',
  url: `http://10.0.0.${n}:8080`,
})

describe.each([
  ['as they are', undefined],
  ['replaced', ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance']],
  [
    'replaced, the turns of the process, too',
    ['setTimeout', 'setImmediate', 'nextTick', 'queueMicrotask', 'Date', 'performance'],
  ],
] as const)('with the timers %s', (_, toFake) => {
  if (toFake !== undefined) {
    beforeEach(() => void vi.useFakeTimers({ toFake: [...toFake] }))
    afterEach(() => void vi.useRealTimers())
  }

  test('what is registered is picked, in turn', async () => {
    const registry = createTestRegistry()
    for (const n of [1, 2]) await registry.register(web(n))
    expect([1, 2, 3].map(() => registry.pick('web')?.id)).toEqual(['web-1', 'web-2', 'web-1'])
    expect(registry.lookup('web')).toMatchObject({ degraded: false, instances: [{ status: 'Healthy' }, {}] })
  })

  test('a program that is killed is picked no more at once, and gone after its grace', async () => {
    const registry = createTestRegistry()
    const { id } = await registry.registerSelf(web(1))
    await registry.advance('1m')
    expect(registry.pick('web')?.id).toBe(id)
    registry.kill(id)
    expect(registry.pick('web')).toBeUndefined()
    expect(registry.lookup('web')?.instances).toMatchObject([{ status: 'Unreachable' }])
    await registry.advance('4s')
    expect(registry.lookup('web')?.instances).toHaveLength(1)
    await registry.advance('2s')
    expect(registry.lookup('web')).toBeUndefined()
  })
})
