/**
 * The store on LevelDB: batches in, one at a time, in order; documents out. It never decides what a document means, nor what
 * becomes of a damaged database.
 *
 * Writes that nobody waits for are gathered, and go as one batch with those that came before them; a synced one takes along
 * what was gathered. Where such a batch fails, its writes are tried one by one, so that each has the fate of its own.
 *
 * Batches run one after another because LevelDB's binding hands each to another thread, where two may overtake each other.
 * After a failed batch the database is closed and opened anew before the next: a record that was cut off by a full disk
 * leaves LevelDB's log misaligned, and everything acknowledged behind it would be skipped, silently, at the next start.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreOp } from '../../core/effects.js'
import { RegistryError } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'
import { openDatabase, reasonOf, schema, type Database } from './database.js'
import { Gathering } from './gathering.js'
import { checkOps, encodePair, encodeText, noteKey, schemaKey, snapshotKey, updateKey } from './records.js'
import { scan, scanChecksums, scanVersions, type Scan } from './scan.js'
import { type Beside, closedError, type Storage, type StoredState } from './storage.js'
import { lossOf, sumOf, Reckoning, type BatchPart } from './reckoning.js'

type Step =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'clear'; readonly owner: PeerId }
  | { readonly type: 'append'; readonly owner: PeerId; readonly version: number; readonly value: Uint8Array }
  | Beside

interface Write {
  readonly steps: readonly Step[]
  readonly bytes: number
  readonly sync: boolean
  readonly settle: (error?: RegistryError) => void
}

/** Lower than every version: no update mends a lost snapshot. */
const snapshotLost = -1

export class LevelStorage implements Storage {
  readonly #path: string
  readonly #writeBeside: (op: Beside) => Promise<void>
  #database: Database
  /** The update keys of each owner, so that a snapshot can delete them without reading the disk. */
  #versions: Map<PeerId, Set<number>>
  /** What was read at opening, until it is asked for or outdated. */
  #opened: Scan | undefined
  /** The first update of each owner that was lost, or `snapshotLost`; see the rule in storage.ts. */
  readonly #lost = new Map<PeerId, number>()
  #mustReopen = false
  #reckoning: Reckoning | undefined
  /** Acknowledged writes of the document that there is a reckoning of. */
  #written = 0
  readonly #gathering = new Gathering<Write>((writes) => void this.#inTurn(() => this.#commit(writes)))
  #tail: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  /** @param opened what `scan` found in `database` just now */
  constructor(path: string, database: Database, opened: Scan, writeBeside: (op: Beside) => Promise<void>) {
    this.#path = path
    this.#database = database
    this.#opened = opened
    this.#versions = opened.versions
    this.#writeBeside = writeBeside
  }

  async write(ops: readonly StoreOp[], sync: boolean): Promise<void> {
    if (this.#closing !== undefined) throw closedError(this.#path)
    checkOps(ops)
    const steps = ops.flatMap(toSteps)
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: RegistryError): void => (error === undefined ? resolve() : reject(error))
      this.#gathering.add({ steps, bytes: sizeOf(steps), sync, settle })
    })
  }

  flush(): Promise<boolean> {
    this.#gathering.flush()
    return this.#inTurn(async () => this.#closing === undefined && this.#lost.size === 0)
  }

  async load(): Promise<StoredState> {
    if (this.#closing !== undefined) throw closedError(this.#path)
    this.#gathering.flush()
    return this.#inTurn(async () => {
      try {
        await this.#reopenIfNeeded()
        const found = this.#opened ?? (await scan(this.#database))
        this.#opened = undefined
        this.#versions = found.versions
        await this.#dropDamaged(found)
        return { documents: found.documents, notes: found.notes, damaged: found.damaged }
      } catch (cause) {
        throw this.#unavailable('cannot be read', cause)
      }
    })
  }

  /**
   * Keeps a reckoning of one document from now on; of copies there is none, see reckoning.ts.
   * @param written so many writes of it were once acknowledged, at least
   * @returns what of it was lost without a word, as half a sentence
   */
  keepReckoning(owner: PeerId, written: number): Promise<string | undefined> {
    return this.#inTurn(async () => {
      try {
        const { checksums, told } = await scanChecksums(this.#database, owner)
        const sum = sumOf(checksums)
        this.#written = Math.max(written, told?.writes ?? 0)
        this.#reckoning = new Reckoning({ owner, writes: this.#written, sum }, checksums)
        const loss = lossOf(told, sum, written)
        // From here on what is there stands. A full disk must not keep a daemon from starting: then the next one is told again.
        if (loss !== undefined) await this.#writeBatch([this.#reckoning.asPart()], true).catch(() => undefined)
        return loss
      } catch (cause) {
        throw this.#unavailable('cannot be read', cause)
      }
    })
  }

  /** How many writes of that document are on disk, with those that were handed in before. */
  written(): Promise<number> {
    this.#gathering.flush()
    return this.#inTurn(async () => this.#written)
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#gathering.flush()
      this.#closing = this.#inTurn(() => this.#database.close())
    }
    return this.#closing
  }

  /** Marks a new database as one of ours. */
  async initialise(): Promise<void> {
    const value = encodeText(schemaKey, String(schema))
    await this.#inTurn(() => this.#database.batch([{ type: 'put', key: schemaKey, value }], { sync: true }))
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task)
    this.#tail = result.catch(() => undefined)
    return result
  }

  async #commit(writes: readonly Write[]): Promise<void> {
    if (writes.length > 1 && (await this.#commitTogether(writes))) return
    for (const write of writes) await this.#commitAlone(write)
  }

  /** @returns whether it succeeded; if not, it has decided nothing about any of them */
  async #commitTogether(writes: readonly Write[]): Promise<boolean> {
    try {
      await this.#apply(
        writes.flatMap(({ steps }) => steps),
        writes.some(({ sync }) => sync),
      )
    } catch {
      return false
    }
    for (const { settle } of writes) settle()
    return true
  }

  async #commitAlone({ steps, sync, settle }: Write): Promise<void> {
    try {
      await this.#apply(steps, sync)
      settle()
    } catch (cause) {
      for (const step of steps) this.#noteLost(step)
      settle(cause instanceof RegistryError ? cause : this.#unavailable('cannot be written', cause))
    }
  }

  async #apply(steps: readonly Step[], sync: boolean): Promise<void> {
    this.#refuseHoles(steps)
    await this.#reopenIfNeeded()
    for (const step of steps) if (isBeside(step)) await this.#writeBeside(step)
    this.#opened = undefined
    await this.#writeBatch(this.#plan(steps), sync)
    for (const step of steps) this.#noteMended(step)
  }

  async #writeBatch(batch: BatchPart[], sync: boolean): Promise<void> {
    if (batch.length === 0) return
    try {
      await this.#database.batch([...batch, ...(this.#reckoning?.follow(batch) ?? [])], { sync })
      this.#written = this.#reckoning?.writes ?? 0
    } catch (cause) {
      this.#mustReopen = true
      throw cause
    }
  }

  #refuseHoles(steps: readonly Step[]): void {
    const mended = new Set<PeerId>()
    for (const step of steps) {
      if (step.type === 'clear') mended.add(step.owner)
      if (step.type !== 'append' || mended.has(step.owner)) continue
      const lost = this.#lost.get(step.owner)
      if (lost === step.version) mended.add(step.owner)
      else if (lost !== undefined && step.version > lost) {
        throw new RegistryError(
          'unavailable',
          `storage ${this.#path}: an earlier write for ${step.owner} failed, so this update would stand behind a hole; write that one again, or a snapshot`,
        )
      }
    }
  }

  #noteLost(step: Step): void {
    if (step.type === 'clear') this.#lost.set(step.owner, snapshotLost)
    else if (step.type === 'append') {
      this.#lost.set(step.owner, Math.min(step.version, this.#lost.get(step.owner) ?? Number.POSITIVE_INFINITY))
    }
  }

  #noteMended(step: Step): void {
    const isLostUpdate = step.type === 'append' && this.#lost.get(step.owner) === step.version
    if (step.type === 'clear' || isLostUpdate) this.#lost.delete(step.owner)
  }

  /** Turns steps into LevelDB's words. Where the batch fails, the bookkeeping done here is read anew from the disk. */
  #plan(steps: readonly Step[]): BatchPart[] {
    const batch: BatchPart[] = []
    for (const step of steps) {
      switch (step.type) {
        case 'put':
          batch.push(step)
          break
        case 'clear':
          batch.push(...this.#deletions(step.owner))
          this.#versions.delete(step.owner)
          break
        case 'append': {
          const versions = this.#versions.get(step.owner) ?? new Set<number>()
          this.#versions.set(step.owner, versions.add(step.version))
          batch.push({ type: 'put', key: updateKey(step.owner, step.version), value: step.value })
          break
        }
        case 'generation':
        case 'secrets':
          break
      }
    }
    return batch
  }

  #deletions(owner: PeerId): BatchPart[] {
    const versions = [...(this.#versions.get(owner) ?? [])]
    const keys = [snapshotKey(owner), ...versions.map((version) => updateKey(owner, version))]
    return keys.map((key) => ({ type: 'del', key }))
  }

  /** What is left of a damaged document must not mix with what will be written in its place. */
  async #dropDamaged(found: Scan): Promise<void> {
    const batch: BatchPart[] = found.damagedKeys.map((key) => ({ type: 'del', key }))
    for (const owner of found.damagedOwners) {
      batch.push(...this.#deletions(owner))
      this.#versions.delete(owner)
    }
    try {
      await this.#writeBatch(batch, false)
    } catch {
      // A full disk must not keep a daemon from starting: what could not be deleted yet, the next snapshot deletes.
      for (const owner of found.damagedOwners) this.#lost.set(owner, snapshotLost)
    }
  }

  async #reopenIfNeeded(): Promise<void> {
    if (!this.#mustReopen) return
    await this.#database.close()
    await access(join(this.#path, 'CURRENT')) // without it LevelDB would take the rest for rubbish and delete it
    this.#database = await openDatabase(this.#path, false)
    this.#versions = await scanVersions(this.#database)
    if (this.#reckoning !== undefined) await this.#continueReckoning(this.#reckoning)
    this.#mustReopen = false
  }

  /** The failed batch is there or not. What was last told stands, so that the next start is told what may be missing meanwhile. */
  async #continueReckoning({ owner }: Reckoning): Promise<void> {
    const { checksums, told } = await scanChecksums(this.#database, owner)
    this.#reckoning = new Reckoning(told ?? { owner, writes: this.#written, sum: sumOf(checksums) }, checksums)
  }

  #unavailable(what: string, cause: unknown): RegistryError {
    const wayOut = 'check the disk for space and errors'
    return new RegistryError('unavailable', `storage ${this.#path}: ${what}: ${reasonOf(cause)}; ${wayOut}`, { cause })
  }
}

function isBeside(step: Step): step is Beside {
  return step.type === 'generation' || step.type === 'secrets'
}

function sizeOf(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + ('value' in step ? step.value.length : 0), 0)
}

/** The bytes of the caller are copied here, before its call returns. */
function toSteps(op: StoreOp): Step[] {
  switch (op.type) {
    case 'snapshot': {
      const key = snapshotKey(op.owner)
      return [
        { type: 'clear', owner: op.owner },
        { type: 'put', key, value: encodePair(key, op.head, op.content) },
      ]
    }
    case 'update': {
      const value = encodePair(updateKey(op.owner, op.version), op.head, op.update)
      return [{ type: 'append', owner: op.owner, version: op.version, value }]
    }
    case 'forget':
      return [{ type: 'clear', owner: op.owner }]
    case 'note':
      return [{ type: 'put', key: noteKey(op.name), value: encodeText(noteKey(op.name), op.value) }]
    case 'generation':
    case 'secrets':
      return [op]
  }
}
