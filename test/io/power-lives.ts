// Lives of a real database whose power is cut again and again: whatever was acknowledged as synced is there afterwards, and nothing is half.
//
// Each content repeats its owner and version, each update names its version, so that a document that was read back shows by
// itself whether it is what was once written.
import assert from 'node:assert/strict'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { StoredDocument, StoreOp } from '../../src/core/effects.js'
import type { PeerId } from '../../src/core/model/model.js'
import { openDataDir, type DataDir } from '../../src/io/storage/data-dir.js'
import { PowerCord, seeded, type Random } from './power.js'
import { note, snapshot, temporaryDir, text, update } from './stored.js'

const others = ['OtherA', 'OtherB', 'OtherC']

/** The daemon's side: writes, and remembers what was promised to it. */
export class Writer {
  readonly #dir: DataDir
  readonly #own: PeerId
  readonly #cord: PowerCord
  readonly #random: Random
  readonly #versions = new Map<string, number>()
  /** What must be there after a cut. */
  promised = { version: -1, generation: 0, note: -1 }
  acknowledged = 0
  copies = 0
  #notes = 0

  constructor(dir: DataDir, cord: PowerCord, random: Random) {
    this.#dir = dir
    this.#own = ownerOf(dir)
    this.#cord = cord
    this.#random = random
  }

  /** One write of ours, synced; the promise is given when it is acknowledged. */
  async writeOwn(): Promise<void> {
    const version = this.#next(this.#own)
    const generation = this.#random() < 0.05 ? this.#dir.generation + 1 : this.#dir.generation
    const ops: StoreOp[] = [this.#change(this.#own, version), note('newest', String(++this.#notes))]
    if (generation > this.#dir.generation) ops.unshift({ type: 'generation', generation })
    const promise = { version, generation, note: this.#notes }
    await this.#dir.storage.write(ops, true)
    this.#cord.acknowledge()
    this.acknowledged += 1
    this.promised = promise
  }

  /** A copy of another's document, unsynced: nothing is promised. It is held back for a moment, so a daemon does not wait for it. */
  async writeCopy(): Promise<void> {
    const owner = others[Math.floor(this.#random() * others.length)]!
    this.copies += 1
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
    const body = `${labelOf(owner)} ${version} `.repeat(1 + Math.floor((this.#random() * size) / 10))
    const whole = version === 0 || this.#random() < 0.1
    return whole ? snapshot(owner, String(version), body) : update(owner, version, String(version), body)
  }
}

function ownerOf(dir: DataDir): PeerId {
  return peerIdFromPrivateKey(dir.key).toString()
}

/** As short as that of others, so that their writes are as large. */
function labelOf(owner: PeerId): string {
  return others.find((other) => other === owner) ?? 'Own'
}

/** The newest version of a document, after checking that all of it is as it was written, and that no promise can hide in a gap. */
function newestOf(document: StoredDocument, own: PeerId): number {
  const start =
    document.snapshot === undefined ? [] : [{ head: document.snapshot.head, body: document.snapshot.content }]
  const parts = [...start, ...document.updates.map(({ head, update: body }) => ({ head, body }))]
  let newest = -1
  for (const { head, body } of parts) {
    const version = Number(text(head))
    assert.equal(text(body).replaceAll(`${labelOf(document.owner)} ${version} `, ''), '')
    // LevelDB does not sync a log that it leaves. So of a copy, a snapshot may be lost that deleted an update, while a later
    // snapshot is there: the update is back, older than its document, and whoever reads it must pass it over.
    if (document.owner !== own && version < newest) continue
    assert.ok(version > newest, `version ${version} of ${document.owner} behind ${newest}`)
    newest = version
  }
  if (document.owner === own) {
    const first = Number(text(parts[0]!.head))
    assert.ok(document.snapshot !== undefined, 'the own document begins with an update')
    assert.deepEqual(
      parts.map(({ head }) => Number(text(head))),
      parts.map((_, i) => first + i),
    )
  }
  return newest
}

export async function survey(path: string, promised: Writer['promised']): Promise<void> {
  const dir = await openDataDir(path)
  try {
    const own = ownerOf(dir)
    assert.equal(dir.lostStore, undefined)
    assert.equal(dir.lostWrites, undefined)
    assert.equal(dir.freshKey, false)
    assert.deepEqual(dir.warnings, [])
    const found = await dir.storage.load()
    assert.deepEqual(found.damaged, [])
    const newest = new Map(found.documents.map((document) => [document.owner, newestOf(document, own)]))
    const held = { version: newest.get(own) ?? -1, note: Number(found.notes.get('newest') ?? -1) }
    for (const [what, count] of Object.entries({ ...held, generation: dir.generation })) {
      const least = promised[what as keyof typeof promised]
      assert.ok(count >= least, `${what} ${count} is held, and ${least} was acknowledged`)
    }
    await dir.storage.write([snapshot(own, '0', 'Own 0 ')], true) // and it goes on from there
  } finally {
    await dir.close()
  }
}

/** What was done in a life. */
export interface PowerLife {
  readonly cuts: number
  /** Synced writes that were acknowledged, and copies of others. */
  readonly acknowledged: number
  readonly copies: number
  /** How long each of the directories that a cut left took to be opened and read. */
  readonly opened_ms: readonly number[]
}

/**
 * Cuts in one life, each at a random moment of it, half of them while a write runs.
 * @throws where a cut has taken what was acknowledged, with the seed and what was cut
 */
export async function live(seed: number, cuts = 8): Promise<PowerLife> {
  const random = seeded(seed)
  const path = await temporaryDir()
  const dir = await openDataDir(path)
  const cord = new PowerCord(path, random)
  const writer = new Writer(dir, cord, random)
  const opened_ms: number[] = []
  for (let cut = 0; cut < cuts; cut++) {
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
    const begun = performance.now()
    await survey(copy, promised).catch((cause: unknown) => {
      throw new Error(`seed ${seed}, cut ${cut} (${done}): ${String(cause)}`, { cause })
    })
    opened_ms.push(performance.now() - begun)
  }
  await dir.close()
  return { cuts, acknowledged: writer.acknowledged, copies: writer.copies, opened_ms }
}
