/**
 * What the daemon asks of a store of documents, on disk or in memory. Nothing in here does anything.
 *
 * The one rule that a caller must know: **what was rejected is written again, or a snapshot in its place, before anything
 * later of the same owner**. An update behind a lost one would be acknowledged and yet be unreadable, so it is refused; and a
 * batch is rejected whole, so owners that need not stand or fall together belong into batches of their own.
 */
import type { StoredDocument, StoreOp } from '../../core/effects.js'
import { RegistryError } from '../../core/model/errors.js'

export interface Storage {
  /**
   * Writes one atomic batch, after all batches that were handed in before it. Resolves when it is on disk; with `sync` it then
   * survives a power cut. Without, it may be held back for some tens of milliseconds, until the next synced write, `load` or
   * `close` at the latest. The bytes are copied before the call returns.
   * @throws RegistryError `unavailable` with the reason; a rejected batch is on disk either wholly (rarely) or not at all
   */
  write(ops: readonly StoreOp[], sync: boolean): Promise<void>
  /**
   * Writes what is held back: then all that was handed in before survives the end of this process.
   * @returns whether all of it is on disk, and all before it; never rejects
   */
  flush(): Promise<boolean>
  /** Everything that is held. Damaged documents are dropped, whole, and named. */
  load(): Promise<StoredState>
  /** Waits for the writes that were handed in; idempotent. Everything later is rejected. */
  close(): Promise<void>
}

/** What is written into files of their own, before the rest of its batch. */
export type Beside = StoreOp & { readonly type: 'generation' | 'secrets' }

/** What a store held when it was read. */
export interface StoredState {
  readonly documents: StoredDocument[]
  readonly notes: ReadonlyMap<string, string>
  /** The owners of dropped documents; for damage that belongs to no document, its key. */
  readonly damaged: string[]
}

/** Why a closed store refuses. */
export function closedError(where: string): RegistryError {
  return new RegistryError(
    'unavailable',
    `storage (${where}): closed; this daemon is stopping, ask it again after its start`,
  )
}
