/** What keeps the registry of a daemon going, whatever it is fed with. */
import { expect, test } from 'vitest'
import { Engine, type EngineParts } from '../../src/daemon/engine.js'

test('a wake that is due comes, though something is fed in each turn of the event loop', async () => {
  let wakes = 0
  const registry = {
    wakeAt: 0,
    handle({ type }: { readonly type: string }) {
      if (type === 'wake') wakes += 1
      return []
    },
  }
  const onBug = (error: unknown): never => {
    throw error
  }
  const engine = new Engine({ registry, onBug } as unknown as EngineParts)
  await new Promise<void>((resolve) => {
    const feed = (turns: number): void => {
      // Before what is fed here, so that it comes first in the next turn.
      if (turns > 0) setImmediate(() => feed(turns - 1))
      else resolve()
      engine.feed({ type: 'gossip', author: 'a', bytes: new Uint8Array() })
    }
    feed(100)
  })
  expect(wakes).toBeGreaterThan(30)
  await engine.stop()
})
