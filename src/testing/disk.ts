/**
 * What a disk holds after the batches that were written to it, in memory: what a node that starts again finds.
 */
import type { StoreOp, StoredDocument } from '../core/effects.js'
import type { RegistryStart } from '../core/state.js'

interface Kept {
  snapshot?: NonNullable<StoredDocument['snapshot']>
  readonly updates: { readonly version: number; readonly head: Uint8Array; readonly update: Uint8Array }[]
}

/** What of the start of a registry comes from its disk. */
export type Stored = Pick<RegistryStart, 'documents' | 'notes' | 'generation' | 'secrets' | 'lastUp'>

export class Disk {
  readonly #documents = new Map<string, Kept>()
  readonly #notes = new Map<string, string>()
  #generation = 0
  #secrets: string | undefined
  #up: number | undefined

  write(ops: readonly StoreOp[]): void {
    for (const op of ops) this.#apply(op)
  }

  noteUp(wall: number): void {
    this.#up = wall
  }

  load(): Stored {
    return {
      documents: [...this.#documents].map(([owner, { snapshot, updates }]) => ({
        owner,
        ...(snapshot !== undefined && { snapshot }),
        updates: [...updates].sort((a, b) => a.version - b.version),
      })),
      notes: Object.fromEntries(this.#notes),
      generation: this.#generation,
      ...(this.#secrets !== undefined && { secrets: this.#secrets }),
      ...(this.#up !== undefined && { lastUp: this.#up }),
    }
  }

  #apply(op: StoreOp): void {
    switch (op.type) {
      case 'snapshot':
        this.#documents.set(op.owner, { snapshot: { head: op.head, content: op.content }, updates: [] })
        break
      case 'update': {
        const kept = this.#documents.get(op.owner) ?? { updates: [] }
        kept.updates.push({ version: op.version, head: op.head, update: op.update })
        this.#documents.set(op.owner, kept)
        break
      }
      case 'forget':
        this.#documents.delete(op.owner)
        break
      case 'note':
        this.#notes.set(op.name, op.value)
        break
      case 'secrets':
        this.#secrets = op.text
        break
      case 'generation':
        this.#generation = Math.max(this.#generation, op.generation)
        break
    }
  }
}
