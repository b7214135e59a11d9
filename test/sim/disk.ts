// A disk in memory with the one property that matters: what was not synced is gone after a power cut, in whole batches from the end.
import { NodeDocument } from '../../src/core/document/document.js'
import type { Entry } from '../../src/core/document/entries.js'
import type { StoreOp, StoredDocument } from '../../src/core/effects.js'
import { decodeHead } from '../../src/core/wire/head.js'
import { quickHash } from './crypto.js'
import type { Random } from './random.js'

interface Kept {
  snapshot?: { head: Uint8Array; content: Uint8Array }
  updates: { version: number; head: Uint8Array; update: Uint8Array }[]
}

interface State {
  documents: Map<string, Kept>
  notes: Map<string, string>
  generation: number
  secrets?: string
  up: number | undefined
}

export class Disk {
  #durable: State = { documents: new Map(), notes: new Map(), generation: 0, up: undefined }
  /** Batches that the machine has taken, but that a power cut may still take back. */
  #tail: (readonly StoreOp[])[] = []
  /** While set, every write fails with it; `deaf`: no write is ever answered. */
  failure: string | undefined

  write(ops: readonly StoreOp[], sync: boolean): void {
    this.#tail.push(ops)
    if (sync) this.#flush(this.#tail.length)
  }

  noteUp(wall: number): void {
    this.#durable.up = wall
  }

  /** As if its daemon had been up for so much longer, and had heard of everybody that it hears of. */
  live(duration_ms: number): void {
    this.#flush(this.#tail.length)
    const noted = JSON.parse(this.#durable.notes.get('uptime') ?? '{}') as { up?: number }
    if (noted.up === undefined) return
    this.#durable.notes.set('uptime', JSON.stringify({ ...noted, up: noted.up + duration_ms }))
  }

  /** Keeps a random number of the unsynced batches. */
  powerCut(random: Random): void {
    this.#flush(random.below(this.#tail.length + 1))
    this.#tail = []
  }

  #flush(batches: number): void {
    for (const ops of this.#tail.splice(0, batches)) for (const op of ops) apply(this.#durable, op)
  }

  /** What a start finds, whether or not the last one ended well. */
  load(): {
    documents: StoredDocument[]
    notes: Record<string, string>
    secrets?: string
    generation: number
    lastUp: number | undefined
  } {
    this.#flush(this.#tail.length)
    const { documents, notes, generation, secrets, up } = this.#durable
    return {
      // By owner, as the keys of the real one go: a fence may come before what it ends, and after it.
      documents: [...documents]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([owner, { snapshot, updates }]) => ({
          owner,
          ...(snapshot !== undefined && { snapshot }),
          updates: [...updates].sort((a, b) => a.version - b.version),
        })),
      notes: Object.fromEntries(notes),
      ...(secrets !== undefined && { secrets }),
      generation,
      lastUp: up,
    }
  }

  /** Everything but the key and the generation file is gone. */
  loseStore(): void {
    this.#tail = []
    this.#durable = {
      documents: new Map(),
      notes: new Map(),
      generation: this.#durable.generation,
      up: this.#durable.up,
    }
  }

  /** The entries of an owner's document, as a start would read them. */
  entriesOf(owner: string): Entry[] {
    const document = this.load().documents.find((one) => one.owner === owner)
    const signed = document?.snapshot && decodeHead(document.snapshot.head)
    if (document?.snapshot === undefined || signed === undefined) return []
    const read = NodeDocument.load((bytes) => quickHash(bytes), signed, document.snapshot.content)
    for (const { head, update } of document.updates) {
      const next = decodeHead(head)
      const from = read?.signed.head
      if (next === undefined || from === undefined) return []
      const outcome = read?.take(next, { fromEpoch: from.epoch, fromVersion: from.version, bytes: update })
      if (outcome?.type !== 'taken') throw new Error(`an update on disk does not fit: ${outcome?.type}`)
    }
    return [...(read?.entries.sorted() ?? [])]
  }

  /** Everything but the key is gone. */
  loseAll(): void {
    this.loseStore()
    this.#durable.generation = 0
    this.#durable.up = undefined
  }

  /** As the file outside the database says. */
  get generation(): number {
    return this.#durable.generation
  }

  /** A backup, and its restoration on a disk of its own. */
  copy(): Disk {
    const copy = new Disk()
    this.#flush(this.#tail.length)
    copy.#durable = structuredClone(this.#durable)
    return copy
  }

  /** Bytes on disk of one owner's document. */
  contentBytes(owner: string): number {
    this.#flush(this.#tail.length)
    const { snapshot, updates } = this.#durable.documents.get(owner) ?? { updates: [] }
    return updates.reduce((sum, { update, head }) => sum + update.length + head.length, snapshot?.content.length ?? 0)
  }
}

function apply(state: State, op: StoreOp): void {
  switch (op.type) {
    case 'snapshot':
      state.documents.set(op.owner, { snapshot: { head: op.head, content: op.content }, updates: [] })
      break
    case 'update': {
      const kept = state.documents.get(op.owner) ?? { updates: [] }
      kept.updates.push({ version: op.version, head: op.head, update: op.update })
      state.documents.set(op.owner, kept)
      break
    }
    case 'forget':
      state.documents.delete(op.owner)
      break
    case 'note':
      state.notes.set(op.name, op.value)
      break
    case 'secrets':
      state.secrets = op.text
      break
    case 'generation':
      state.generation = Math.max(state.generation, op.generation)
      break
  }
}
