// What a data directory does when the disk lied, filled up, or lost a part of the database: it starts, and it says what is gone.
import { existsSync } from 'node:fs'
import { cp, mkdir, open, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Level } from 'level'
import { afterEach, describe, expect, it, test, vi } from 'vitest'
import type { StoreOp } from '../../src/core/effects.js'
import { openDataDir, type DataDir } from '../../src/io/storage/data-dir.js'
import { encodeText, schemaKey } from '../../src/io/storage/records.js'
import { diskFaults, withFault } from './disk-faults.js'
import {
  bytes,
  canLimitFileSize,
  closeAndRemoveDirs,
  forget,
  note,
  openAt as openDirAt,
  snapshot,
  temporaryDir,
  text,
  update,
  withFilesUpTo,
} from './stored.js'

afterEach(closeAndRemoveDirs)

const openAt = (path: string, seconds = 1_800_000_000) => openDirAt(path, { wall: () => seconds * 1000 })

/** A directory, closed again, that holds the documents A, B and C, and a note. */
async function filledDir(content = 'c'): Promise<string> {
  const path = await temporaryDir()
  const dir = await openDataDir(path)
  for (const owner of ['A', 'B', 'C']) {
    await dir.storage.write([snapshot(owner, `head ${owner}`, content.repeat(500)), update(owner, 1, 'h', 'u')], true)
  }
  await dir.storage.write([note('n', 'v')], true)
  await dir.close()
  return path
}

async function filesOf(path: string, ending: RegExp): Promise<string[]> {
  const names = await readdir(join(path, 'db'))
  return names.filter((name) => ending.test(name)).map((name) => join(path, 'db', name))
}

/** Closing and opening turns the log of the previous run into a table. */
async function intoTables(path: string): Promise<void> {
  const dir = await openDataDir(path)
  await dir.close()
}

async function flip(file: string, from: number, length: number): Promise<void> {
  const handle = await open(file, 'r+')
  const { buffer } = await handle.read(Buffer.alloc(length), 0, length, from)
  await handle.write(
    buffer.map((byte) => byte ^ 0x5a),
    0,
    length,
    from,
  )
  await handle.close()
}

async function editRaw(path: string, edit: (database: Level<string, Uint8Array>) => Promise<void>): Promise<void> {
  const database = new Level<string, Uint8Array>(join(path, 'db'), { valueEncoding: 'view' })
  await edit(database)
  await database.close()
}

const ownersIn = async (dir: DataDir) => (await dir.storage.load()).documents.map(({ owner }) => owner)

describe('a database that makes no sense', () => {
  const damages: Record<string, (path: string) => Promise<void>> = {
    'missing CURRENT': async (path) => rm(join(path, 'db', 'CURRENT')),
    'empty CURRENT': async (path) => truncate(join(path, 'db', 'CURRENT'), 0),
    'garbage MANIFEST': async (path) => {
      for (const file of await filesOf(path, /^MANIFEST/)) await writeFile(file, 'no manifest at all '.repeat(20))
    },
    'missing MANIFEST': async (path) => {
      for (const file of await filesOf(path, /^MANIFEST/)) await rm(file)
    },
    'missing table': async (path) => {
      for (const file of await filesOf(path, /\.ldb$/)) await rm(file)
    },
    'garbage table': async (path) => {
      for (const file of await filesOf(path, /\.ldb$/)) await flip(file, 0, (await stat(file)).size)
    },
    'cut table': async (path) => {
      for (const file of await filesOf(path, /\.ldb$/)) await truncate(file, 100)
    },
  }

  it.each(Object.entries(damages))('%s: is moved aside, named, and replaced by an empty one', async (_name, damage) => {
    const path = await filledDir()
    await intoTables(path)
    await damage(path)

    const dir = await openAt(path)
    expect(dir.lostStore).toMatch(/was damaged .* moved to .*db\.damaged-1800000000, and this start begins/)
    expect(await readdir(join(path, 'db.damaged-1800000000'))).not.toEqual([])
    expect(await dir.storage.load()).toEqual({ documents: [], notes: new Map(), damaged: [] })

    await dir.storage.write([snapshot('A', 'h', 'c')], true)
    await dir.close()
    const again = await openAt(path)
    expect(again.lostStore).toBeUndefined()
    expect(await ownersIn(again)).toEqual(['A'])
  })

  it('a vanished database is said to be missing', async () => {
    const path = await filledDir()
    await rm(join(path, 'db'), { recursive: true })
    const dir = await openAt(path)
    expect(dir.lostStore).toMatch(/was missing/)
    expect(dir.freshKey).toBe(false)
  })

  it('an emptied database is not taken for a new one', async () => {
    const path = await filledDir()
    await editRaw(path, (database) => database.clear())
    const dir = await openAt(path)
    expect(dir.lostStore).toMatch(/it was empty/)
  })

  it('a first start that was cut short has lost nothing', async () => {
    const path = await temporaryDir()
    await mkdir(join(path, 'db'))
    await writeFile(join(path, 'db', 'MANIFEST-000001'), '')
    expect((await openAt(path)).lostStore).toBeUndefined()
  })

  it('a first start that was cut short before its first record has lost nothing', async () => {
    const path = await temporaryDir()
    await editRaw(path, (database) => database.open())
    const dir = await openAt(path)
    expect(dir.lostStore).toBeUndefined()
    expect(await ownersIn(dir)).toEqual([])
  })

  it('at most three are kept, the newest', async () => {
    const path = await filledDir()
    for (const seconds of [5, 70, 70, 800, 9000]) {
      await rm(join(path, 'db', 'CURRENT'))
      const dir = await openAt(path, seconds)
      await dir.storage.write([note('n', 'v')], true)
      await dir.close()
    }
    const kept = (await readdir(path)).filter((name) => name.startsWith('db.'))
    expect(kept.sort()).toEqual(['db.damaged-70-2', 'db.damaged-800', 'db.damaged-9000'])
  })

  it('a database of a newer program is left alone', async () => {
    const path = await filledDir()
    await editRaw(path, (database) => database.put(schemaKey, encodeText(schemaKey, '2')))
    await expect(openDataDir(path)).rejects.toThrow(/has schema 2, this program reads 1: upgrade it/)
    expect((await readdir(path)).filter((name) => name.startsWith('db'))).toEqual(['db'])
  })
})

describe('what checks say to prove who asks', () => {
  const whole = '{"x":{"headers":{"x-probe":"s"}}}'

  it.each([
    ['cut off', whole.slice(0, 12), undefined],
    ['empty', '', undefined],
    ['of another form', '[1]', undefined],
    ['odd in one place', '{"x":{"userinfo":"a:b"},"y":5}', '{"x":{"userinfo":"a:b"},"y":5}'],
  ])('is put aside where it is %s, and that is said', async (_what, content, read) => {
    const path = await filledDir()
    const file = join(path, 'check-secrets.json')
    await writeFile(file, content)
    const dir = await openAt(path)
    expect(dir.secrets).toBe(read)
    expect(dir.warnings).toEqual([expect.stringMatching(/check-secrets\.json: makes no sense; it was put aside as/)])
    await dir.storage.write([{ type: 'secrets', text: whole }, note('n', 'w')], true)
    await dir.close()
    expect(await readFile(`${file}.damaged-1800000000`, 'utf8')).toBe(content)
    const again = await openAt(path)
    expect([again.secrets, again.warnings]).toEqual([whole, []])
  })

  it('is a clear error where it cannot be read', async () => {
    const path = await filledDir()
    await mkdir(join(path, 'check-secrets.json'))
    await expect(openAt(path)).rejects.toThrow(/check-secrets\.json: cannot be read: .*; make the data directory/)
  })

  it('refuses a write that it cannot take, by name', async () => {
    const path = await filledDir()
    await mkdir(join(path, 'check-secrets.json.tmp', 'x'), { recursive: true })
    const dir = await openAt(path)
    const write = dir.storage.write([{ type: 'secrets', text: whole }, note('n', 'w')], true)
    await expect(write).rejects.toThrow(/check-secrets\.json: cannot be written/)
    await rm(join(path, 'check-secrets.json.tmp'), { recursive: true })
    await dir.storage.write([{ type: 'secrets', text: whole }, note('n', 'w')], true)
  })
})

describe('damage to single values', () => {
  it('drops the one document, whole and for good, and names it', async () => {
    const path = await filledDir()
    await editRaw(path, async (database) => {
      const key = 'doc/B/upd/0000000000000001'
      const value = Buffer.from((await database.get(key)) ?? [])
      value[value.length - 1]! ^= 1
      await database.put(key, value)
    })
    const dir = await openAt(path)
    expect(dir.lostStore).toBeUndefined()
    const found = await dir.storage.load()
    expect(found.damaged).toEqual(['B'])
    expect(found.documents.map(({ owner }) => owner)).toEqual(['A', 'C'])
    expect(found.notes).toEqual(new Map([['n', 'v']]))

    await dir.storage.write([update('B', 7, 'h', 'u')], true)
    await dir.close()
    const again = await (await openAt(path)).storage.load()
    expect(again.damaged).toEqual([])
    expect(again.documents.find(({ owner }) => owner === 'B')).toEqual({
      owner: 'B',
      updates: [{ head: bytes('h'), update: bytes('u') }],
    })
  })

  it('a sound value under the wrong key counts as damage', async () => {
    const path = await filledDir()
    await editRaw(path, async (database) => database.put('doc/C/snap', (await database.get('doc/A/snap'))!))
    const found = await (await openAt(path)).storage.load()
    expect(found.damaged).toEqual(['C'])
  })

  it('damaged notes and keys that nobody wrote are named and dropped', async () => {
    const path = await filledDir()
    await editRaw(path, (database) =>
      database.batch([
        { type: 'put', key: 'note/n', value: new Uint8Array(3) },
        { type: 'put', key: 'doc/!/snap', value: new Uint8Array(30) },
      ]),
    )
    const dir = await openAt(path)
    const found = await dir.storage.load()
    expect(found.damaged.sort()).toEqual(['doc/!/snap', 'note/n'])
    expect(found.notes).toEqual(new Map())
    expect((await dir.storage.load()).damaged).toEqual([])
  })

  it('damage in the middle of the log loses records, but never gives wrong ones', async () => {
    const path = await temporaryDir()
    const dir = await openDataDir(path)
    const content = (i: number) => `${i} `.repeat(2000)
    for (let i = 0; i < 40; i++) await dir.storage.write([snapshot(`A${i}`, `h${i}`, content(i))], true)
    await dir.close()
    const [log] = await filesOf(path, /\.log$/)
    await flip(log!, Math.trunc((await stat(log!)).size / 2), 200)

    const again = await openAt(path)
    expect(again.lostStore).toBeUndefined()
    const { documents } = await again.storage.load()
    expect(documents.length).toBeGreaterThan(10)
    expect(documents.length).toBeLessThan(40)
    for (const { owner, snapshot } of documents)
      expect(snapshot?.content).toEqual(bytes(content(Number(owner.slice(1)))))
  })

  it('damage that takes the first record is a lost store', async () => {
    const path = await filledDir()
    const [log] = await filesOf(path, /\.log$/)
    await flip(log!, 0, 64)
    const dir = await openAt(path)
    expect(dir.lostStore).toMatch(/it was empty|first records were gone/)
  })

  it('a torn tail costs the torn batch alone', async () => {
    const path = await filledDir()
    const [log] = await filesOf(path, /\.log$/)
    await truncate(log!, (await stat(log!)).size - 3)
    const found = await (await openAt(path)).storage.load()
    expect(found.documents.map(({ owner }) => owner)).toEqual(['A', 'B', 'C'])
    expect(found.notes).toEqual(new Map())
  })
})

describe('what LevelDB loses without a word', () => {
  const content = (i: number) => `${i} `.repeat(2000)

  /** A directory, closed again, with a table, and a log that holds writes 3 to 20 of the own document. */
  async function ownDir(): Promise<string> {
    const path = await temporaryDir()
    for (const [from, to] of [
      [0, 3],
      [3, 21],
    ] as const) {
      const dir = await openDataDir(path)
      const own = peerIdFromPrivateKey(dir.key).toString()
      for (let i = from; i < to; i++)
        await dir.storage.write([i === 0 ? snapshot(own, 'h', content(0)) : update(own, i, 'h', content(i))], true)
      await dir.close()
    }
    return path
  }

  const losses: Record<string, readonly [said: RegExp, damage: (log: string) => Promise<void>]> = {
    'a log that is gone': [/it has 3 of 21 writes of the own document/, (log) => rm(log)],
    'a log that is cut off': [/it has 19 of 21 writes/, async (log) => truncate(log, (await stat(log)).size - 7000)],
    'a log that is spoiled in its middle': [
      /what it holds of the own document is not what was last written/,
      async (log) => flip(log, Math.trunc((await stat(log)).size / 2), 100),
    ],
  }

  it.each(Object.entries(losses))('%s: is told, once', async (_name, [said, damage]) => {
    const path = await ownDir()
    const [log = ''] = await filesOf(path, /\.log$/)
    await damage(log)
    const dir = await openAt(path)
    expect(dir.lostWrites).toMatch(said)
    expect((await dir.storage.load()).documents).toHaveLength(1)
    await dir.close()
    expect((await openAt(path)).lostWrites).toBeUndefined()
  })

  it('is no word about what was never written, or was written by a daemon that was killed', async () => {
    const path = await ownDir()
    const killed = await temporaryDir()
    const dir = await openAt(path)
    const own = peerIdFromPrivateKey(dir.key).toString()
    for (let i = 21; i < 30; i++) await dir.storage.write([update(own, i, 'h', content(i))], true)
    await cp(path, killed, { recursive: true })
    const found = await openAt(killed)
    expect((await found.storage.load()).documents[0]?.updates).toHaveLength(29)
    expect(found.lostWrites).toBeUndefined()
  })

  it('an empty database in the place of a lost one has lost nothing more', async () => {
    const path = await ownDir()
    await rm(join(path, 'db'), { recursive: true })
    for (const lost of [/was missing/, undefined]) {
      const dir = await openAt(path)
      if (lost === undefined) expect(dir.lostStore).toBeUndefined()
      else expect(dir.lostStore).toMatch(lost)
      expect(dir.lostWrites).toBeUndefined()
      await dir.close()
    }
  })
})

describe('a disk that refuses', () => {
  it.skipIf(!canLimitFileSize)(
    'rejects while it is full, and keeps everything that it acknowledges before and after',
    async () => {
      const path = await temporaryDir()
      const dir = await openDataDir(path)
      const size = 1000
      const noise = (i: number) => `${i}-`.padEnd(size, String.fromCharCode(33 + (i % 90)))
      const acknowledged = new Set<string>()
      let refused = 0
      const writeSome = async (from: number) => {
        for (let i = from; i < from + 40; i++) {
          try {
            await dir.storage.write([snapshot(`A${i}`, 'h', noise(i))], true)
            acknowledged.add(`A${i}`)
          } catch (error) {
            expect(error).toMatchObject({
              code: 'unavailable',
              message: expect.stringMatching(/cannot be written: .*large/),
            })
            refused++
          }
        }
      }
      await writeSome(0)
      await withFilesUpTo(50_000, () => writeSome(40))
      await writeSome(80)
      expect(refused).toBeGreaterThan(0)
      for (let i = 80; i < 120; i++) expect(acknowledged).toContain(`A${i}`)
      await dir.close()
      const held = new Set(await ownersIn(await openAt(path)))
      expect([...acknowledged].filter((owner) => !held.has(owner))).toEqual([])
    },
  )

  /** A directory whose disk has just refused `ops`. */
  async function refusing(...ops: StoreOp[]): Promise<DataDir> {
    const dir = await openAt(await temporaryDir())
    await dir.storage.write([snapshot('A', 'h', 'c'), snapshot('B', 'h', 'c')], true)
    await withFilesUpTo(1000, () => expect(dir.storage.write(ops, true)).rejects.toThrow(/large/))
    return dir
  }

  const headsIn = async (dir: DataDir) =>
    (await dir.storage.load()).documents.map(({ owner, updates }) => [owner, ...updates.map(({ head }) => text(head))])

  const large = 'u'.repeat(5000)

  it.skipIf(!canLimitFileSize)('refuses an update behind a lost one until that one is written again', async () => {
    const dir = await refusing(update('A', 1, 'h1', large), update('A', 2, 'h2', large))
    await expect(dir.storage.write([update('A', 3, 'h3', 'u')], true)).rejects.toThrow(/write that one again/)
    await expect(dir.storage.write([update('A', 2, 'h2', 'u')], true)).rejects.toThrow(/write that one again/)
    await dir.storage.write([update('B', 1, 'h1', 'u')], true)
    await dir.storage.write([update('A', 1, 'h1', large), update('A', 2, 'h2', large)], true)
    await dir.storage.write([update('A', 3, 'h3', 'u')], true)
    expect(await headsIn(dir)).toEqual([
      ['A', 'h1', 'h2', 'h3'],
      ['B', 'h1'],
    ])
  })

  it.skipIf(!canLimitFileSize)('takes a snapshot in place of what was lost', async () => {
    const dir = await refusing(update('A', 1, 'h1', large))
    await dir.storage.write([snapshot('A', 'new', 'c'), update('A', 2, 'h2', 'u')], true)
    await dir.storage.write([update('A', 3, 'h3', 'u')], true)
    expect(await headsIn(dir)).toEqual([['A', 'h2', 'h3'], ['B']])
  })

  it.skipIf(!canLimitFileSize)('takes no update in place of a lost snapshot', async () => {
    const dir = await refusing(snapshot('A', 'new', large))
    await expect(dir.storage.write([update('A', 1, 'h1', 'u')], true)).rejects.toThrow(/or a snapshot/)
    await dir.storage.write([forget('A')], true)
    await dir.storage.write([update('A', 1, 'h1', 'u')], true)
    expect(await headsIn(dir)).toEqual([['A', 'h1'], ['B']])
  })

  it('names the path and the way out where the directory cannot be made', async () => {
    const path = await temporaryDir()
    await writeFile(join(path, 'file'), '')
    await expect(openDataDir(join(path, 'file', 'data'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /data directory .*file\/data: cannot be made .*; make it writable .* or choose another/,
      ),
    })
    await expect(openDataDir(join(path, 'file'))).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('belongs to one cluster: its records are told to no other', async () => {
    const path = await filledDir() // as older programs left it
    for (const cluster of ['a', 'a']) await (await openDataDir(path, { cluster })).close()
    await expect(openDataDir(path, { cluster: 'b' })).rejects.toMatchObject({
      code: 'conflict',
      message: `data directory ${path}: holds the records of cluster "a", not of "b"; choose another directory, or go on as a member of a`,
    })
    await (await openDataDir(path, { cluster: 'a' })).close()
  })

  it('does not move aside what it merely cannot read', async () => {
    const path = await temporaryDir()
    await writeFile(join(path, 'db'), 'a file')
    await expect(openDataDir(path)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await readFile(join(path, 'db'), 'utf8')).toBe('a file')
  })

  it.skipIf(!existsSync('/dev/full'))('asks for room where the disk is full', async () => {
    const path = await filledDir()
    for (let n = 10; n < 30; n++) await symlink('/dev/full', join(path, 'db', `0000${n}.ldb`))
    for (let n = 4; n < 10; n++) await symlink('/dev/full', join(path, 'db', `00000${n}.ldb`))
    await expect(openDataDir(path)).rejects.toThrow(/its disk is full.+make room there/)
  })
})

test.each(diskFaults)('a disk that %s, at a moment of chance, gives nothing wrong', async (fault) => {
  for (const seed of [1, 2]) expect((await withFault(fault, seed)).acknowledged).toBeGreaterThan(0)
})

describe('a synced write', () => {
  it('is fsynced by LevelDB before it is acknowledged, and only such a one is', async () => {
    const dir = await openAt(await temporaryDir())
    const batch = vi.spyOn(Level.prototype, 'batch')
    await dir.storage.write([snapshot('A', 'h', 'c')], true)
    await dir.storage.write([snapshot('B', 'h', 'c')], false)
    expect(batch.mock.calls.map((args) => (args as unknown[])[1])).toEqual([{ sync: true }, { sync: false }])
    batch.mockRestore()
  })
})

describe('two daemons and one directory', () => {
  it('the second is told who holds it, and changes nothing', async () => {
    const path = await temporaryDir()
    const first = await openAt(path)
    await first.describeHolder({ http: 'http://127.0.0.1:1' })
    const before = await readFile(join(path, 'holder.json'), 'utf8')
    await expect(openDataDir(path)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(
        /data directory .*: another node in this very process holds it; stop that one first/,
      ),
    })
    expect(await readFile(join(path, 'holder.json'), 'utf8')).toBe(before)
    expect(JSON.parse(before)).toMatchObject({ pid: process.pid, http: 'http://127.0.0.1:1' })
    await first.storage.write([note('still', 'works')], true)
  })

  it('is free again after close', async () => {
    const path = await temporaryDir()
    const first = await openAt(path)
    await Promise.all([first.close(), first.close()])
    expect(existsSync(join(path, 'holder.json'))).toBe(false)
    await openAt(path)
  })
})
