// What every Storage promises, asked of the one in memory and of the one on disk; crashes and damage are asked elsewhere.
import { afterEach, describe, expect, it } from 'vitest'
import type { StoreOp } from '../../src/core/effects.js'
import { openDataDir } from '../../src/io/storage/data-dir.js'
import { memoryStorage } from '../../src/io/storage/memory.js'
import type { Storage } from '../../src/io/storage/storage.js'
import { bytes, forget, note, removeTemporaryDirs, snapshot, temporaryDir, update } from './stored.js'

const kinds: Record<string, () => Promise<Storage>> = {
  'in memory': async () => memoryStorage(),
  'on LevelDB': async () => (await openDataDir(await temporaryDir())).storage,
}

const open: Storage[] = []
afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close()
  await removeTemporaryDirs()
})

describe.each(Object.entries(kinds))('a storage %s', (_name, make) => {
  async function begin(...batches: StoreOp[][]): Promise<Storage> {
    const storage = await make()
    open.push(storage)
    for (const batch of batches) await storage.write(batch, false)
    return storage
  }

  it('begins empty', async () => {
    const storage = await begin()
    expect(await storage.load()).toEqual({ documents: [], notes: new Map(), damaged: [] })
  })

  it('says once all is written, and that it is not once it is closed', async () => {
    const storage = await begin()
    const writing = storage.write([snapshot('A', 'h1', 'c1')], false)
    expect(await storage.flush()).toBe(true)
    await writing
    await storage.close()
    expect(await storage.flush()).toBe(false)
  })

  it('gives back a snapshot and the updates after it, by version', async () => {
    const storage = await begin(
      [snapshot('A', 'h1', 'c1')],
      [update('A', 9, 'h9', 'u9'), update('A', 10, 'h10', 'u10')],
    )
    const { documents } = await storage.load()
    expect(documents).toEqual([
      {
        owner: 'A',
        snapshot: { head: bytes('h1'), content: bytes('c1') },
        updates: [
          { head: bytes('h9'), update: bytes('u9') },
          { head: bytes('h10'), update: bytes('u10') },
        ],
      },
    ])
  })

  it('gives back updates whose snapshot was never written', async () => {
    const storage = await begin([update('A', 1, 'h', 'u')])
    const { documents } = await storage.load()
    expect(documents).toEqual([{ owner: 'A', updates: [{ head: bytes('h'), update: bytes('u') }] }])
  })

  it('keeps empty content and empty updates', async () => {
    const storage = await begin([snapshot('A', 'h', ''), update('A', 2, 'h2', '')])
    const { documents } = await storage.load()
    expect(documents[0]?.snapshot?.content).toEqual(new Uint8Array(0))
    expect(documents[0]?.updates[0]?.update).toEqual(new Uint8Array(0))
  })

  it('replaces everything of an owner by a snapshot, and nothing of another', async () => {
    const storage = await begin(
      [snapshot('A', 'old', 'old'), update('A', 1, 'h', 'u'), snapshot('AB', 'h', 'c'), update('AB', 1, 'h', 'u')],
      [snapshot('A', 'new', 'new')],
    )
    const { documents } = await storage.load()
    expect(documents.find(({ owner }) => owner === 'A')).toEqual({
      owner: 'A',
      snapshot: { head: bytes('new'), content: bytes('new') },
      updates: [],
    })
    expect(documents.find(({ owner }) => owner === 'AB')?.updates).toHaveLength(1)
  })

  it('obeys the order within a batch: the update after the snapshot stays, the one before it goes', async () => {
    const storage = await begin([update('A', 1, 'h1', 'u1'), snapshot('A', 'h', 'c'), update('A', 1, 'h2', 'u2')])
    const { documents } = await storage.load()
    expect(documents[0]?.updates).toEqual([{ head: bytes('h2'), update: bytes('u2') }])
  })

  it('forgets an owner whole', async () => {
    const storage = await begin(
      [snapshot('A', 'h', 'c'), update('A', 1, 'h', 'u'), snapshot('B', 'h', 'c')],
      [forget('A')],
    )
    const { documents } = await storage.load()
    expect(documents.map(({ owner }) => owner)).toEqual(['B'])
  })

  it('keeps the newest value of a note, whatever its name', async () => {
    const storage = await begin([note('a/b ü', '1'), note('x', '')], [note('a/b ü', '2')])
    const { notes } = await storage.load()
    expect([...notes].sort()).toEqual([
      ['a/b ü', '2'],
      ['x', ''],
    ])
  })

  it('writes in the order of the calls, synced or not', async () => {
    const storage = await begin()
    const writes = Array.from({ length: 200 }, (_, i) =>
      storage.write([i % 10 === 9 ? snapshot('A', `h${i}`, `c${i}`) : update('A', i, `h${i}`, `u${i}`)], i % 3 === 0),
    )
    await Promise.all(writes)
    await storage.write([update('A', 200, 'h200', 'u200')], false)
    const { documents } = await storage.load()
    expect(documents[0]?.snapshot?.head).toEqual(bytes('h199'))
    expect(documents[0]?.updates.map(({ head }) => head)).toEqual([bytes('h200')])
  })

  it('copies the bytes before the call returns', async () => {
    const storage = await begin()
    const content = bytes('good')
    const written = storage.write([{ type: 'snapshot', owner: 'A', head: bytes('h'), content }], false)
    content.fill(0)
    await written
    const { documents } = await storage.load()
    expect(documents[0]?.snapshot?.content).toEqual(bytes('good'))
  })

  it('refuses an owner that is no peer id, and writes nothing of that batch', async () => {
    const storage = await begin()
    for (const owner of ['', 'a/b', '../x', 'A\u0000', 'x'.repeat(129)]) {
      await expect(storage.write([snapshot('B', 'h', 'c'), forget(owner)], false)).rejects.toThrow(/assertion failed/)
    }
    expect((await storage.load()).documents).toEqual([])
  })

  it('refuses versions that would not sort', async () => {
    const storage = await begin()
    for (const version of [-1, 1.5, Number.NaN, 2 ** 53]) {
      await expect(storage.write([update('A', version, 'h', 'u')], false)).rejects.toThrow(/assertion failed/)
    }
  })

  it('finishes what it was handed before it closes, closes twice, and then says that it is closed', async () => {
    const storage = await begin()
    const writes = Array.from({ length: 20 }, (_, i) => storage.write([update('A', i, 'h', 'u')], i % 2 === 0))
    await Promise.all([storage.close(), storage.close(), ...writes])
    await expect(storage.write([note('a', 'b')], true)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(storage.load()).rejects.toThrow(/closed/)
    await storage.close()
  })
})
