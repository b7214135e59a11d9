// The small files that say who this daemon is: kept over restarts, closed to others, never silently replaced.
import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { readHolder, SmallFile } from '../../src/io/identity.js'
import { openDataDir } from '../../src/io/storage/data-dir.js'
import { closeAndRemoveDirs, openAt, snapshot, temporaryDir } from './stored.js'

afterEach(closeAndRemoveDirs)

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('the key', () => {
  it('is made once and kept', async () => {
    const path = join(await temporaryDir(), 'deep', 'data')
    const first = await openAt(path)
    expect(first.freshKey).toBe(true)
    await first.close()
    const second = await openAt(path)
    expect(second.freshKey).toBe(false)
    expect(second.key.equals(first.key)).toBe(true)
    expect(second.warnings).toEqual([])
  })

  it('and its neighbours can be read by their owner alone', async () => {
    const path = join(await temporaryDir(), 'data')
    const dir = await openAt(path)
    await dir.raiseGeneration(1)
    await dir.noteUp(1)
    await dir.writeAddressBook('{}')
    expect(await modeOf(path)).toBe(0o700)
    for (const name of await readdir(path)) {
      expect([name, await modeOf(join(path, name))]).toEqual([name, name === 'db' ? 0o700 : 0o600])
    }
  })

  it('that others could read is taken back from them, with a warning', async () => {
    const path = await temporaryDir()
    await (await openAt(path)).close()
    await chmod(join(path, 'key'), 0o644)
    const dir = await openAt(path)
    expect(dir.warnings).toEqual([expect.stringMatching(/key file .*: others could read it \(mode 644\)/)])
    expect(await modeOf(join(path, 'key'))).toBe(0o600)
  })

  it.runIf(process.getuid?.() === 0)('that is not ours to close is used, with a warning', async () => {
    const path = await temporaryDir()
    await (await openAt(path)).close()
    const somebody = 12_345
    for (const name of ['', ...(await readdir(path, { recursive: true }))]) await chown(join(path, name), somebody, 0)
    await chown(join(path, 'key'), 0, 0)
    await chmod(join(path, 'key'), 0o644)
    process.seteuid?.(somebody)
    try {
      const dir = await openAt(path)
      expect(dir.warnings).toEqual([expect.stringMatching(/others could read it \(mode 644\), which .* \(EPERM\)/)])
      await dir.close()
    } finally {
      process.seteuid?.(0)
    }
  })

  it('that is damaged is never replaced: the start fails, names the file and the way out, and frees the directory', async () => {
    const path = await temporaryDir()
    await (await openAt(path)).close()
    const good = await readFile(join(path, 'key'))
    const flipped = (index: number) => good.map((byte, i) => (i === index ? byte ^ 1 : byte))
    for (const bad of [Buffer.alloc(0), good.subarray(0, 30), flipped(1), flipped(20), flipped(60)]) {
      await writeFile(join(path, 'key'), bad)
      await expect(openDataDir(path)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/key file .*key: damaged .* restore it from a backup, or remove it/),
      })
      expect(await readFile(join(path, 'key'))).toEqual(Buffer.from(bad))
    }
    await writeFile(join(path, 'key'), good)
    expect((await openAt(path)).freshKey).toBe(false)
  })

  it('that is gone makes a new node, and says so', async () => {
    const path = await temporaryDir()
    const first = await openAt(path)
    await first.close()
    await rm(join(path, 'key'))
    const second = await openAt(path)
    expect(second.freshKey).toBe(true)
    expect(second.key.equals(first.key)).toBe(false)
    expect(second.warnings).toEqual([expect.stringMatching(/was missing; this is a new node now/)])
  })
})

describe('the generation', () => {
  it('begins at 0, is raised, and never lowered', async () => {
    const path = await temporaryDir()
    const dir = await openAt(path)
    expect(dir.generation).toBe(0)
    await Promise.all([dir.raiseGeneration(5), dir.raiseGeneration(9), dir.raiseGeneration(7)])
    await dir.raiseGeneration(3)
    expect(dir.generation).toBe(9)
    await dir.close()
    expect((await openAt(path)).generation).toBe(9)
  })

  it('is raised by a batch that carries it', async () => {
    const path = await temporaryDir()
    const dir = await openAt(path)
    await dir.storage.write([{ type: 'generation', generation: 1_800_000_000 }, snapshot('A', 'h', 'c')], true)
    expect(await readFile(join(path, 'generation'), 'utf8')).toBe('1800000000\n')
    expect(dir.generation).toBe(1_800_000_000)
  })

  it('that cannot be raised rejects its batch, of which nothing is then on disk', async () => {
    const path = await temporaryDir()
    const dir = await openAt(path)
    await mkdir(join(path, 'generation'))
    const batch = [{ type: 'generation', generation: 5 } as const, snapshot('A', 'h', 'c')]
    await expect(dir.storage.write(batch, true)).rejects.toMatchObject({ code: 'unavailable' })
    expect((await dir.storage.load()).documents).toEqual([])
    expect(dir.generation).toBe(0)
  })

  it.each(['', 'x', '-4', '1e9', '99999999999999999999', '12\u000034'])(
    'that is damaged (%j) counts as 0',
    async (content) => {
      const path = await temporaryDir()
      await (await openAt(path)).close()
      await writeFile(join(path, 'generation'), content)
      const dir = await openAt(path)
      expect(dir.generation).toBe(0)
      expect(dir.warnings).toEqual([expect.stringMatching(/generation file .*: damaged/)])
      await dir.raiseGeneration(1)
      expect(await readFile(join(path, 'generation'), 'utf8')).toBe('1\n')
    },
  )
})

describe('the other files', () => {
  it('the note of having been up speaks of the time before this start', async () => {
    const path = await temporaryDir()
    const first = await openAt(path)
    expect(first.lastUp).toBeUndefined()
    await first.noteUp(1_790_000_000_123.7)
    expect(first.lastUp).toBeUndefined()
    await first.close()
    expect((await openAt(path)).lastUp).toBe(1_790_000_000_123)
  })

  it('a damaged note of having been up counts as none', async () => {
    const path = await temporaryDir()
    await writeFile(join(path, 'last-up'), 'yesterday')
    expect((await openAt(path)).lastUp).toBeUndefined()
  })

  it('the address book is the last one written', async () => {
    const path = await temporaryDir()
    const dir = await openAt(path)
    expect(await dir.readAddressBook()).toBeUndefined()
    await Promise.all(['1', '2', '3'].map((json) => dir.writeAddressBook(json)))
    expect(await dir.readAddressBook()).toBe('3')
  })

  it('the holder is described while it holds, and not after', async () => {
    const path = await temporaryDir()
    const dir = await openAt(path)
    await dir.describeHolder({ http: 'http://127.0.0.1:58231' })
    expect(await readHolder(path)).toMatchObject({ pid: process.pid, http: 'http://127.0.0.1:58231' })
    await dir.close()
    expect(await readHolder(path)).toBeUndefined()
  })

  it('nothing is written after close: the directory may be another daemon`s by then', async () => {
    const dir = await openAt(await temporaryDir())
    await dir.close()
    await expect(dir.noteUp(1)).rejects.toThrow(/closed/)
    await expect(dir.raiseGeneration(1)).rejects.toThrow(/closed/)
    await expect(dir.writeAddressBook('')).rejects.toThrow(/closed/)
    await expect(dir.describeHolder({})).rejects.toThrow(/closed/)
  })

  it('a temporary file left by a power cut is in nobody`s way', async () => {
    const path = await temporaryDir()
    await writeFile(join(path, 'generation.tmp'), 'half')
    await chmod(join(path, 'generation.tmp'), 0o400)
    const dir = await openAt(path)
    await dir.raiseGeneration(4)
    expect(await readdir(path)).not.toContain('generation.tmp')
  })

  it('a file that fails to be replaced keeps what it held', async () => {
    const path = await temporaryDir()
    const file = new SmallFile(join(path, 'missing', 'file'))
    await expect(file.replace('x')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(file.path),
    })
    expect(await file.read()).toBeUndefined()
  })
})
