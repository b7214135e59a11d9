// Power cuts and kill -9 on a real database: whatever was acknowledged as synced is there afterwards, and no document is half of anything.
//
// Each content repeats its owner and version, each update names its version, so that a document that was read back shows by
// itself whether it is what was once written. ROLLCALL_SEED and ROLLCALL_CUTS choose other and more cuts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { StoredDocument, StoreOp } from '../../src/core/effects.js'
import { openDataDir, type DataDir } from '../../src/io/storage/data-dir.js'
import { compiled } from './compiled.js'
import { PowerCord, seeded, type Random } from './power.js'
import { note, removeTemporaryDirs, snapshot, temporaryDir, text, update } from './stored.js'

const firstSeed = Number(process.env['ROLLCALL_SEED'] ?? 1)
const runs = Math.ceil(Number(process.env['ROLLCALL_CUTS'] ?? 64) / 8)

afterEach(removeTemporaryDirs)

const writer = await compiled('endless-writer.ts')

const own = 'Own'
const others = ['OtherA', 'OtherB', 'OtherC']

/** The daemon's side: writes, and remembers what was promised to it. */
class Writer {
  readonly #dir: DataDir
  readonly #cord: PowerCord
  readonly #random: Random
  readonly #versions = new Map<string, number>()
  /** What must be there after a cut. */
  promised = { version: -1, generation: 0, note: -1 }
  #notes = 0

  constructor(dir: DataDir, cord: PowerCord, random: Random) {
    this.#dir = dir
    this.#cord = cord
    this.#random = random
  }

  /** One write of ours, synced; the promise is given when it is acknowledged. */
  async writeOwn(): Promise<void> {
    const version = this.#next(own)
    const generation = this.#random() < 0.05 ? this.#dir.generation + 1 : this.#dir.generation
    const ops: StoreOp[] = [this.#change(own, version), note('newest', String(++this.#notes))]
    if (generation > this.#dir.generation) ops.unshift({ type: 'generation', generation })
    const promise = { version, generation, note: this.#notes }
    await this.#dir.storage.write(ops, true)
    this.#cord.acknowledge()
    this.promised = promise
  }

  /** A copy of another's document, unsynced: nothing is promised. It is held back for a moment, so a daemon does not wait for it. */
  async writeCopy(): Promise<void> {
    const owner = others[Math.floor(this.#random() * others.length)]!
    await this.#dir.storage.write([this.#change(owner, this.#next(owner))], false)
  }

  #next(owner: string): number {
    const version = (this.#versions.get(owner) ?? -1) + 1
    this.#versions.set(owner, version)
    return version
  }

  /** Sizes are such that LevelDB begins new logs and tables every now and then. */
  #change(owner: string, version: number): StoreOp {
    const size = this.#random() < 0.15 ? 800_000 : 2000
    const body = `${owner} ${version} `.repeat(1 + Math.floor((this.#random() * size) / 10))
    const whole = version === 0 || this.#random() < 0.1
    return whole ? snapshot(owner, String(version), body) : update(owner, version, String(version), body)
  }
}

/** The newest version of a document, after checking that all of it is as it was written, and that no promise can hide in a gap. */
function newestOf(document: StoredDocument): number {
  const start =
    document.snapshot === undefined ? [] : [{ head: document.snapshot.head, body: document.snapshot.content }]
  const parts = [...start, ...document.updates.map(({ head, update: body }) => ({ head, body }))]
  let newest = -1
  for (const { head, body } of parts) {
    const version = Number(text(head))
    expect(text(body).replaceAll(`${document.owner} ${version} `, '')).toBe('')
    // LevelDB does not sync a log that it leaves. So of a copy, a snapshot may be lost that deleted an update, while a later
    // snapshot is there: the update is back, older than its document, and whoever reads it must pass it over.
    if (document.owner !== own && version < newest) continue
    expect(version).toBeGreaterThan(newest)
    newest = version
  }
  if (document.owner === own) {
    const first = Number(text(parts[0]!.head))
    expect(document.snapshot).toBeDefined()
    expect(parts.map(({ head }) => Number(text(head)))).toEqual(parts.map((_, i) => first + i))
  }
  return newest
}

async function survey(path: string, promised: Writer['promised']): Promise<void> {
  const dir = await openDataDir(path)
  try {
    expect(dir.lostStore).toBeUndefined()
    expect(dir.freshKey).toBe(false)
    expect(dir.warnings).toEqual([])
    const found = await dir.storage.load()
    expect(found.damaged).toEqual([])
    const newest = new Map(found.documents.map((document) => [document.owner, newestOf(document)]))
    expect(newest.get(own) ?? -1).toBeGreaterThanOrEqual(promised.version)
    expect(Number(found.notes.get('newest') ?? -1)).toBeGreaterThanOrEqual(promised.note)
    expect(dir.generation).toBeGreaterThanOrEqual(promised.generation)
    await dir.storage.write([snapshot(own, '0', `${own} 0 `)], true) // and it goes on from there
  } finally {
    await dir.close()
  }
}

/** Eight cuts in one life, each at a random moment of it, half of them while a write runs. */
async function live(seed: number): Promise<void> {
  const random = seeded(seed)
  const path = await temporaryDir()
  const dir = await openDataDir(path)
  const cord = new PowerCord(path, random)
  const writer = new Writer(dir, cord, random)
  for (let cut = 0; cut < 8; cut++) {
    const copies: Promise<void>[] = []
    for (let left = 1 + Math.floor(random() * 60); left > 0; left--) {
      if (random() < 0.4) await writer.writeOwn()
      else copies.push(writer.writeCopy())
    }
    if (random() < 0.5) await Promise.all(copies.splice(0)) // else the last of them are held back, and lost
    const running = random() < 0.5 ? (random() < 0.5 ? writer.writeOwn() : dir.storage.load()) : undefined
    const until = performance.now() + random() * 2
    while (performance.now() < until) await Promise.resolve()
    const { promised } = writer
    const copy = await temporaryDir()
    const done = cord.cut(copy)
    await Promise.all([running, ...copies])
    await survey(copy, promised).catch((cause: unknown) => {
      throw new Error(`seed ${seed}, cut ${cut} (${done}): ${String(cause)}`, { cause })
    })
  }
  await dir.close()
}

/** The lines that a process of its own printed before it was killed: the batches that were acknowledged to it. */
async function killedAfter(lines: number, path: string, from: number): Promise<number[]> {
  const child = spawn(process.execPath, [writer, path, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
    if (printed.split('\n').length > lines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  return printed.split('\n').slice(0, -1).map(Number)
}

describe('kill -9', () => {
  it('loses nothing acknowledged, synced or not', async () => {
    const path = await temporaryDir()
    const acknowledged: number[] = []
    for (const lines of [1, 50, 400]) {
      acknowledged.push(...(await killedAfter(lines, path, acknowledged.length)))
      const dir = await openDataDir(path)
      const { documents, damaged } = await dir.storage.load()
      await dir.close()
      expect([dir.lostStore, dir.warnings, damaged]).toEqual([undefined, [], []])
      const held = documents.flatMap(({ updates }) => updates.map(({ head }) => Number(text(head))))
      expect(held.slice(0, acknowledged.length)).toEqual(acknowledged)
    }
  })
})

describe('power cuts', () => {
  it.each(Array.from({ length: runs }, (_, i) => firstSeed + i))(
    'lose nothing acknowledged (seed %i)',
    async (seed) => {
      await live(seed)
    },
  )

  it('a cut that takes acknowledged bytes is noticed by this test', async () => {
    const path = await temporaryDir()
    const dir = await openDataDir(path)
    const cord = new PowerCord(path, () => 0) // keeps nothing that was not marked, and nothing is marked
    const writer = new Writer(dir, new PowerCord(path, seeded(1)), seeded(1))
    for (let i = 0; i < 5; i++) await writer.writeOwn()
    const copy = await temporaryDir()
    cord.cut(copy)
    await expect(survey(copy, writer.promised)).rejects.toThrow()
    await dir.close()
  })
})
