// Single faults of a disk under a real database: what it acknowledged is there, or it is told that it is not; never is anything wrong.
//
//     refuses, is full     for one write or several, then it takes them again: nothing acknowledged is lost
//     lies                 it said that all was on the platter, and the power goes: what is held is what once stood
//     loses                a file is gone
//     spoils               some bytes of a file are others
//
// Of copies LevelDB may lose some without a word: they are fetched again. Of the own document nothing is lost that the next start is
// not told, but where a disk lies and forgets what it had said of that, too.
//
// Each content repeats its document and version, so that what is read back shows by itself whether it was once written so.
import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { StoredDocument, StoreOp } from '../../src/core/effects.js'
import { RegistryError } from '../../src/core/model/errors.js'
import { openDataDir, type DataDir } from '../../src/io/storage/data-dir.js'
import { PowerCord, seeded, type Random } from './power.js'
import { canLimitFileSize, note, snapshot, temporaryDir, text, update, withFilesUpTo } from './stored.js'

export type DiskFault = 'refuses' | 'is full' | 'lies' | 'loses' | 'spoils'

/** Those that can be had on this machine. */
export const diskFaults: readonly DiskFault[] = canLimitFileSize
  ? ['refuses', 'is full', 'lies', 'loses', 'spoils']
  : ['lies', 'loses', 'spoils']

/** What came of it. */
export interface Outcome {
  readonly acknowledged: number
  /** Writes that the disk refused, and that were then written again. */
  readonly refused: number
  /** Whether something acknowledged of the own document is gone, and whether the next start was told so. */
  readonly loss: 'none' | 'told' | 'not told'
}

interface Written {
  readonly owner: string
  readonly version: number
  readonly isWhole: boolean
  readonly ops: readonly StoreOp[]
}

const copies = ['OtherA', 'OtherB'] as const
/** How much a full disk has room for, beyond what it holds. */
const room_bytes = 20_000

/**
 * A data directory that is written to, has one fault at a moment of chance, and is opened again.
 * @throws where something is wrong that nobody could have written, or something is lost that must not be
 */
export async function withFault(fault: DiskFault, seed: number): Promise<Outcome> {
  const random = seeded(seed)
  const path = await temporaryDir()
  const life = new Life(await openDataDir(path), random)
  await life.write(5 + Math.floor(random() * 30))
  if (random() < 0.5) await life.reopen(path) // what was in the log is in a table now
  await life.write(1 + Math.floor(random() * 30))
  if (fault === 'refuses' || fault === 'is full') {
    const writes = fault === 'refuses' ? 1 : 2 + Math.floor(random() * 8)
    await withFilesUpTo(Math.floor(random() * room_bytes), () => life.write(writes))
    await life.write(1 + Math.floor(random() * 10))
  }
  const held = fault === 'lies' ? await cutOff(path, random) : path
  await life.close()
  if (fault === 'loses' || fault === 'spoils') await damage(path, fault, random)
  return life.survey(held, fault)
}

/** The power goes, and what the disk called written since the beginning of its log may not be. */
async function cutOff(path: string, random: Random): Promise<string> {
  const copy = await temporaryDir()
  new PowerCord(path, random).cut(copy)
  return copy
}

async function damage(path: string, fault: 'loses' | 'spoils', random: Random): Promise<void> {
  const directory = join(path, 'db')
  const names = (await readdir(directory)).filter((name) => name !== 'LOCK' && !name.startsWith('LOG'))
  const file = join(directory, names[Math.floor(random() * names.length)] ?? '')
  if (fault === 'loses') return rm(file)
  const content = await readFile(file)
  const from = Math.floor(random() * content.length)
  for (let i = from; i < Math.min(content.length, from + 1 + random() * 400); i++) content[i]! ^= 1 + random() * 255
  await writeFile(file, content)
}

/** Writes one after the other, each again until it is taken, as a daemon does. */
class Life {
  #dir: DataDir
  readonly #own: string
  readonly #random: Random
  readonly #versions = new Map<string, number>()
  readonly #waiting: Written[] = []
  #notes = 0
  /** What stood after each acknowledged write: the versions of each document, from its snapshot on. */
  readonly #history: ReadonlyMap<string, readonly number[]>[] = [new Map()]
  #refused = 0

  constructor(dir: DataDir, random: Random) {
    this.#dir = dir
    this.#own = peerIdFromPrivateKey(dir.key).toString()
    this.#random = random
  }

  async write(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#waiting.push(this.#next())
      await this.#writeWaiting()
    }
  }

  async #writeWaiting(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      try {
        await this.#dir.storage.write(next.ops, true)
      } catch (error) {
        assert.ok(
          error instanceof RegistryError && error.code === 'unavailable',
          `a refusal without a way out: ${error}`,
        )
        this.#refused += 1
        return
      }
      this.#waiting.shift()
      const before = this.#history.at(-1) ?? new Map<string, readonly number[]>()
      const versions = next.isWhole ? [] : (before.get(next.owner) ?? [])
      this.#history.push(new Map([...before, [next.owner, [...versions, next.version]]]))
    }
  }

  #next(): Written {
    const owner = [this.#own, ...copies][Math.floor(this.#random() * 3)] as string
    const version = (this.#versions.get(owner) ?? -1) + 1
    this.#versions.set(owner, version)
    const body = `${labelOf(owner)} ${version} `.repeat(1 + Math.floor(this.#random() * 200))
    const isWhole = version === 0 || this.#random() < 0.1
    const op = isWhole ? snapshot(owner, String(version), body) : update(owner, version, String(version), body)
    return { owner, version, isWhole, ops: [op, note('newest', String(++this.#notes))] }
  }

  async reopen(path: string): Promise<void> {
    await this.#dir.close()
    this.#dir = await openDataDir(path)
  }

  async close(): Promise<void> {
    assert.deepEqual(this.#waiting, [], 'the disk works, and does not take what it refused before')
    await this.#dir.close()
  }

  async survey(path: string, fault: DiskFault): Promise<Outcome> {
    const dir = await openDataDir(path)
    try {
      const found = await dir.storage.load()
      const held = new Map(found.documents.map((document) => [document.owner, versionsOf(document)]))
      const last = this.#history.at(-1)
      const isHeld = (owner: string): boolean => isDeepStrictEqual(held.get(owner), last?.get(owner))
      const said = [dir.lostStore, dir.lostWrites, ...found.damaged, ...dir.warnings].filter((one) => one !== undefined)
      const isTold = said.length > 0
      const isWhole = isHeld(this.#own)
      const isAll = isWhole && copies.every(isHeld)
      if (fault === 'refuses' || fault === 'is full') assert.ok(isAll, 'something acknowledged is lost')
      if (isAll) assert.deepEqual(said, [], 'a loss is told, and nothing is lost')
      if (fault !== 'lies') assert.ok(isWhole || isTold, 'something is lost, and nobody is told')
      if (fault === 'lies' && !isTold) {
        const then = this.#history[Number(found.notes.get('newest') ?? 0)]
        assert.deepEqual(new Map([...held].sort()), new Map([...(then ?? [])].sort()), 'what is held never stood so')
      }
      await dir.storage.write([snapshot(this.#own, '0', 'Own 0 ')], true) // and it goes on from there
      const loss = isWhole ? 'none' : isTold ? 'told' : 'not told'
      return { acknowledged: this.#history.length - 1, refused: this.#refused, loss }
    } finally {
      await dir.close()
    }
  }
}

/** As short as that of others: how large a write is decides where faults hit. */
function labelOf(owner: string): string {
  return copies.find((copy) => copy === owner) ?? 'Own'
}

/** After checking that all of it is as it was written. */
function versionsOf({ owner, snapshot: whole, updates }: StoredDocument): number[] {
  const parts = [
    ...(whole === undefined ? [] : [{ head: whole.head, body: whole.content }]),
    ...updates.map(({ head, update: body }) => ({ head, body })),
  ]
  return parts.map(({ head, body }) => {
    const version = Number(text(head))
    assert.equal(text(body).replaceAll(`${labelOf(owner)} ${version} `, ''), '', `${owner}: nobody wrote this`)
    return version
  })
}
