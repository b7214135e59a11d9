// The documents that one machine holds, followed through what it writes to disk: tells which entries each write brings.
import { NodeDocument } from '../../../src/core/document/document.js'
import { type Change, differences } from '../../../src/core/document/entries.js'
import type { StoreOp } from '../../../src/core/effects.js'
import { type Head, decodeHead } from '../../../src/core/wire/head.js'
import { quickHash } from '../crypto.js'
import type { Disk } from '../disk.js'

/** A document's step from what was held to what is. */
export interface Step {
  readonly head: Head
  readonly before: Head | undefined
  readonly changes: readonly Change[]
}

export class Shelf {
  readonly #documents = new Map<string, NodeDocument>()

  /** A machine starts: it holds what it finds on its disk. */
  static of(disk: Disk): Shelf {
    const shelf = new Shelf()
    for (const { owner, snapshot, updates } of disk.load().documents) {
      if (snapshot !== undefined) shelf.take({ type: 'snapshot', owner, ...snapshot })
      for (const { head, update } of updates) shelf.take({ type: 'update', owner, version: 0, head, update })
    }
    return shelf
  }

  drop(owner: string): void {
    this.#documents.delete(owner)
  }

  take(op: StoreOp & { type: 'snapshot' | 'update' }): Step {
    const signed = decodeHead(op.head)
    if (signed === undefined) throw new Error(`what is written of ${op.owner} has no head`)
    const held = this.#documents.get(op.owner)
    const before = held?.signed.head
    if (op.type === 'update') {
      if (held === undefined || before === undefined)
        throw new Error(`an update of ${op.owner} is written onto nothing`)
      const step = { fromEpoch: before.epoch, fromVersion: before.version, bytes: op.update }
      const outcome = held.take(signed, step)
      if (outcome.type !== 'taken') throw new Error(`an update of ${op.owner} does not fit: ${outcome.type}`)
      return { head: signed.head, before, changes: outcome.changes }
    }
    const document = NodeDocument.load((bytes) => quickHash(bytes), signed, op.content)
    if (document === undefined) throw new Error(`what is written of ${op.owner} is not what its head says`)
    this.#documents.set(op.owner, document)
    const changes = held === undefined ? added(document) : differences(held.entries, document.entries)
    return { head: signed.head, before, changes }
  }
}

function added(document: NodeDocument): Change[] {
  return [...document.entries.sorted()].map(({ map, key, value }) => ({ map, key, after: value }))
}
