/**
 * A data directory without a disk: the same contracts, gone with the process. For nodes that are to leave no trace; each is a
 * new one, with a key of its own.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { StoredDocument, StoreOp } from '../../core/effects.js'
import type { PeerId } from '../../core/model/model.js'
import type { DataDir } from './data-dir.js'
import { checkOps } from './records.js'
import { closedError, type Storage } from './storage.js'

/** As `openDataDir` opens one on disk. */
export async function openMemoryDir(): Promise<DataDir> {
  const storage = memoryStorage()
  const key = await generateKeyPair('Ed25519')
  const forget = async (): Promise<void> => undefined
  return {
    path: '(memory)',
    storage,
    key,
    freshKey: true,
    generation: 0,
    warnings: [],
    raiseGeneration: forget,
    noteUp: forget,
    readAddressBook: async () => undefined,
    writeAddressBook: forget,
    describeHolder: forget,
    close: () => storage.close(),
  }
}

type Update = StoredDocument['updates'][number]

interface Held {
  snapshot?: NonNullable<StoredDocument['snapshot']>
  readonly updates: Map<number, Update>
}

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
    async flush() {
      return !closed
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
        snapshot: { head: new Uint8Array(op.head), content: new Uint8Array(op.content) },
        updates: new Map(),
      })
      break
    case 'update': {
      const held = documents.get(op.owner) ?? { updates: new Map<number, Update>() }
      held.updates.set(op.version, { head: new Uint8Array(op.head), update: new Uint8Array(op.update) })
      documents.set(op.owner, held)
      break
    }
    case 'forget':
      documents.delete(op.owner)
      break
    case 'note':
      notes.set(op.name, op.value)
      break
    case 'secrets':
    case 'generation': // outlives a run only where there is a disk
      break
  }
}

function asStored(owner: PeerId, held: Held): StoredDocument {
  const updates = [...held.updates].sort(([a], [b]) => a - b).map(([, update]) => update)
  return held.snapshot === undefined ? { owner, updates } : { owner, snapshot: held.snapshot, updates }
}
