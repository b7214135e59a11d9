// Writes that nobody waits for share a batch on LevelDB: held back, never out of order, never at another's cost. The clock stands
// still in here unless a test moves it, so what is written was released by something else than time.
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoreOp } from '../../src/core/effects.js'
import type { DataDir } from '../../src/io/storage/data-dir.js'
import {
  canLimitFileSize,
  closeAndRemoveDirs,
  forget,
  note,
  openAt,
  snapshot,
  temporaryDir,
  text,
  update,
  withFilesUpTo,
} from './stored.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await closeAndRemoveDirs()
})

/** The batches that reach LevelDB from now on: how many puts and deletions each has, and whether it is synced. */
function watchBatches(): { readonly size: number; readonly sync: boolean }[] {
  const batches: { size: number; sync: boolean }[] = []
  const original = Level.prototype.batch as (...args: unknown[]) => unknown
  vi.spyOn(Level.prototype, 'batch').mockImplementation(function (this: unknown, ...args: unknown[]) {
    const [parts, { sync }] = args as [unknown[], { sync: boolean }]
    batches.push({ size: parts.length, sync })
    return original.apply(this, args) as never
  })
  return batches
}

/** The updates of each owner that a start would find, by their heads. */
async function headsIn(dir: DataDir): Promise<Record<string, string[]>> {
  const { documents } = await dir.storage.load()
  return Object.fromEntries(documents.map(({ owner, updates }) => [owner, updates.map(({ head }) => text(head))]))
}

const updateOf = (owner: string, version: number, bytes = 10): StoreOp =>
  update(owner, version, `h${version}`, 'u'.repeat(bytes))

describe('unsynced writes', () => {
  it('are held back, and then go as one batch', async () => {
    const dir = await openAt(await temporaryDir())
    const batches = watchBatches()
    const writes = ['A', 'B', 'C'].map((owner) => dir.storage.write([updateOf(owner, 1)], false))
    await new Promise(setImmediate)
    expect(batches).toEqual([])
    vi.runAllTimers()
    await Promise.all(writes)
    expect(batches).toEqual([{ size: 3, sync: false }])
  })

  it('are gathered anew after each batch', async () => {
    const dir = await openAt(await temporaryDir())
    const batches = watchBatches()
    for (const version of [1, 2]) {
      const write = dir.storage.write([updateOf('A', version), updateOf('B', version)], false)
      vi.runAllTimers()
      await write
    }
    expect(batches).toEqual([
      { size: 2, sync: false },
      { size: 2, sync: false },
    ])
  })

  it('go with the synced write that comes after them, before it, in its batch', async () => {
    const dir = await openAt(await temporaryDir())
    const batches = watchBatches()
    const order: string[] = []
    const write = async (name: string, op: StoreOp, sync: boolean) => {
      await dir.storage.write([op], sync)
      order.push(name)
    }
    await Promise.all([
      write('copy', updateOf('A', 1), false),
      write('whole copy', snapshot('A', 'h', 'c'), false),
      write('newer copy', updateOf('A', 2), false),
      write('own', updateOf('Own', 1), true),
    ])
    expect(order).toEqual(['copy', 'whole copy', 'newer copy', 'own'])
    expect(batches.map(({ sync }) => sync)).toEqual([true])
    expect(await headsIn(dir)).toEqual({ A: ['h2'], Own: ['h1'] })
  })

  it('handed in after a synced one wait for their own batch, and come after it', async () => {
    const dir = await openAt(await temporaryDir())
    const batches = watchBatches()
    const synced = dir.storage.write([updateOf('A', 1)], true)
    const copy = dir.storage.write([snapshot('A', 'h', 'c')], false)
    await synced
    expect(batches).toEqual([{ size: 1, sync: true }])
    vi.runAllTimers()
    await copy
    expect(batches.map(({ sync }) => sync)).toEqual([true, false])
    expect(await headsIn(dir)).toEqual({ A: [] })
  })

  it('are read by a load that comes after them', async () => {
    const dir = await openAt(await temporaryDir())
    const write = dir.storage.write([updateOf('A', 1), note('n', 'v')], false)
    const { documents, notes } = await dir.storage.load()
    await write
    expect(documents.map(({ owner }) => owner)).toEqual(['A'])
    expect([...notes]).toEqual([['n', 'v']])
  })

  it('are on disk after a close, which leaves no timer behind', async () => {
    const path = await temporaryDir()
    const dir = await openAt(path)
    const writes = [updateOf('A', 1), updateOf('B', 1), forget('A')].map((op) => dir.storage.write([op], false))
    await dir.close()
    expect(vi.getTimerCount()).toBe(0)
    await Promise.all(writes)
    expect(await headsIn(await openAt(path))).toEqual({ B: ['h1'] })
  })

  it('are not held back beyond a bound, in number', async () => {
    const dir = await openAt(await temporaryDir())
    const batches = watchBatches()
    const writes = Array.from({ length: 1000 }, (_, i) => dir.storage.write([updateOf('A', i)], false))
    await Promise.all(writes.slice(0, 500))
    const written = batches.reduce((sum, { size }) => sum + size, 0)
    expect(written).toBeGreaterThanOrEqual(500)
    expect(written).toBeLessThan(1000) // the rest still waits for time, so nothing but the bound let these go
    vi.runAllTimers()
    await Promise.all(writes)
    expect((await headsIn(dir))['A']).toEqual(Array.from({ length: 1000 }, (_, i) => `h${i}`))
  })

  it('are not held back beyond a bound, in bytes', async () => {
    const dir = await openAt(await temporaryDir())
    const batches = watchBatches()
    const writes = Array.from({ length: 5 }, (_, i) => dir.storage.write([updateOf('A', i, 400_000)], false))
    await Promise.all(writes.slice(0, 3))
    expect(batches).toEqual([{ size: 3, sync: false }])
    vi.runAllTimers()
    await Promise.all(writes)
    expect(batches.map(({ size }) => size)).toEqual([3, 2])
  })
})

describe('a batch of several writes that fails', () => {
  /** What became of each: 'written', or why not. */
  async function fates(...writes: Promise<void>[]): Promise<string[]> {
    const settled = await Promise.allSettled(writes)
    return settled.map((one) => (one.status === 'fulfilled' ? 'written' : (one.reason as Error).message))
  }

  it.skipIf(!canLimitFileSize)(
    'costs the write alone that the disk refuses, and what stands behind its hole',
    async () => {
      const path = await temporaryDir()
      const dir = await openAt(path)
      const fate = await withFilesUpTo(4000, () =>
        fates(
          dir.storage.write([updateOf('B', 1)], false),
          dir.storage.write([updateOf('A', 1, 50_000)], false),
          dir.storage.write([updateOf('A', 2)], false),
          dir.storage.write([updateOf('C', 1)], false),
          dir.storage.write([updateOf('Own', 1), note('n', 'v')], true),
        ),
      )
      expect(fate).toEqual([
        'written',
        expect.stringMatching(/cannot be written: .*large/),
        expect.stringMatching(/earlier write for A failed/),
        'written',
        'written',
      ])
      await dir.storage.write([updateOf('B', 2)], true)
      await dir.storage.write([updateOf('A', 1), updateOf('A', 2)], true)
      await dir.close()
      expect(await headsIn(await openAt(path))).toEqual({ A: ['h1', 'h2'], B: ['h1', 'h2'], C: ['h1'], Own: ['h1'] })
    },
  )

  it.skipIf(!canLimitFileSize)('of a synced write leaves the copies before it alone', async () => {
    const path = await temporaryDir()
    const dir = await openAt(path)
    const fate = await withFilesUpTo(4000, () =>
      fates(
        dir.storage.write([updateOf('A', 1)], false),
        dir.storage.write([snapshot('A', 'h', 'c')], false),
        dir.storage.write([updateOf('Own', 1, 50_000)], true),
      ),
    )
    expect(fate).toEqual(['written', 'written', expect.stringMatching(/cannot be written/)])
    await dir.storage.write([updateOf('A', 2)], true)
    await expect(dir.storage.write([updateOf('Own', 2)], true)).rejects.toThrow(/earlier write for Own failed/)
    await dir.close()
    expect(await headsIn(await openAt(path))).toEqual({ A: ['h2'] })
  })

  it('for a hole costs the write alone that stands behind it, and is synced where it was to be', async () => {
    const dir = await openAt(await temporaryDir())
    vi.spyOn(Level.prototype, 'batch').mockRejectedValueOnce(new Error('disk on fire'))
    expect(await fates(dir.storage.write([updateOf('A', 1)], true))).toEqual([expect.stringMatching(/disk on fire/)])
    vi.restoreAllMocks()
    const batches = watchBatches()
    const fate = await fates(
      dir.storage.write([updateOf('B', 1)], false),
      dir.storage.write([updateOf('A', 2)], false),
      dir.storage.write([updateOf('Own', 1)], true),
    )
    expect(fate).toEqual(['written', expect.stringMatching(/earlier write for A failed/), 'written'])
    expect(batches).toEqual([
      { size: 1, sync: false },
      { size: 1, sync: true },
    ])
    expect(await headsIn(dir)).toEqual({ B: ['h1'], Own: ['h1'] })
  })

  it('mends what was lost where one of them brings it again', async () => {
    const dir = await openAt(await temporaryDir())
    vi.spyOn(Level.prototype, 'batch').mockRejectedValueOnce(new Error('disk on fire'))
    await fates(dir.storage.write([updateOf('A', 1)], true))
    vi.restoreAllMocks()
    const batches = watchBatches()
    const fate = await fates(
      dir.storage.write([updateOf('B', 1)], false),
      dir.storage.write([updateOf('A', 1)], false),
      dir.storage.write([updateOf('A', 2)], true),
    )
    expect(fate).toEqual(['written', 'written', 'written'])
    expect(batches).toEqual([{ size: 3, sync: true }])
    await dir.storage.write([updateOf('A', 3)], true)
    expect(await headsIn(dir)).toEqual({ A: ['h1', 'h2', 'h3'], B: ['h1'] })
  })
})
