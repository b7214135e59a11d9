/**
 * What the daemon asks of a store of documents, and the store that keeps everything in memory; neither ever touches a disk.
 *
 * The one rule that a caller must know: **what was rejected is written again, or a snapshot in its place, before anything
 * later of the same owner**. An update behind a lost one would be acknowledged and yet be unreadable, so it is refused; and a
 * batch is rejected whole, so owners that need not stand or fall together belong into batches of their own.
 */
import type { StoredDocument, StoreOp } from '../../core/effects.js'
import { RegistryError } from '../../core/errors.js'
import type { PeerId } from '../../core/model.js'
import { checkOps } from './records.js'

export interface Storage {
  /**
   * Writes one atomic batch, after all batches that were handed in before it. Resolves when it is on disk; with `sync` it then
   * survives a power cut. The bytes are copied before the call returns.
   * @throws RegistryError `unavailable` with the reason; a rejected batch is on disk either wholly (rarely) or not at all
   */
  write(ops: readonly StoreOp[], sync: boolean): Promise<void>
  /** Everything that is held. Damaged documents are dropped, whole, and named. */
  load(): Promise<Holdings>
  /** Waits for the writes that were handed in; idempotent. Everything later is rejected. */
  close(): Promise<void>
}

export interface Holdings {
  readonly documents: StoredDocument[]
  readonly notes: ReadonlyMap<string, string>
  /** The owners of dropped documents; for damage that belongs to no document, its key. */
  readonly damaged: string[]
}

type Update = StoredDocument['updates'][number]

interface Held {
  snapshot?: NonNullable<StoredDocument['snapshot']>
  readonly updates: Map<number, Update>
}

/** A store for daemons that are to leave no trace: the same contract, gone with the process. */
export function memoryStorage(): Storage {
  const documents = new Map<PeerId, Held>()
  const notes = new Map<string, string>()
  let closed = false

  return {
    async write(ops) {
      if (closed) throw closedError('memory')
      checkOps(ops)
      for (const op of ops) applyOp(op, documents, notes)
    },
    async load() {
      if (closed) throw closedError('memory')
      return {
        documents: [...documents].map(([owner, held]) => asStored(owner, held)),
        notes: new Map(notes),
        damaged: [],
      }
    },
    async close() {
      closed = true
    },
  }
}

function applyOp(op: StoreOp, documents: Map<PeerId, Held>, notes: Map<string, string>): void {
  switch (op.type) {
    case 'snapshot':
      documents.set(op.owner, {
        snapshot: { head: op.head.slice(), content: op.content.slice() },
        updates: new Map(),
      })
      break
    case 'update': {
      const held = documents.get(op.owner) ?? { updates: new Map<number, Update>() }
      held.updates.set(op.version, { head: op.head.slice(), update: op.update.slice() })
      documents.set(op.owner, held)
      break
    }
    case 'forget':
      documents.delete(op.owner)
      break
    case 'note':
      notes.set(op.name, op.value)
      break
    case 'generation': // outlives a run only where there is a disk
      break
  }
}

function asStored(owner: PeerId, held: Held): StoredDocument {
  const updates = [...held.updates].sort(([a], [b]) => a - b).map(([, update]) => update)
  return held.snapshot === undefined ? { owner, updates } : { owner, snapshot: held.snapshot, updates }
}

/** Why a closed store refuses. */
export function closedError(where: string): RegistryError {
  return new RegistryError(
    'unavailable',
    `storage (${where}): closed; this daemon is stopping, ask it again after its start`,
  )
}
