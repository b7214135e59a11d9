/**
 * Reads a whole database, telling sound values from damaged ones. It never writes.
 */
import type { StoredDocument } from '../../core/effects.js'
import type { PeerId } from '../../core/model/model.js'
import type { Database } from './database.js'
import { checksumOf, decodePair, decodeText, parseKey, reckoningKey } from './records.js'
import { documentPrefix, parseReckoning, type ToldReckoning } from './reckoning.js'

export interface Scan {
  readonly documents: StoredDocument[]
  readonly notes: Map<string, string>
  /** For people and callers: owners, else keys. */
  readonly damaged: string[]
  readonly damagedOwners: ReadonlySet<PeerId>
  /** Damaged keys that belong to no document. */
  readonly damagedKeys: readonly string[]
  /** The versions of the updates of each owner, damaged ones among them. */
  readonly versions: Map<PeerId, Set<number>>
  /** Text of the schema record; undefined where it is absent or damaged. */
  readonly schema: string | undefined
}

/** Values fetched at a time: large enough that crossing into LevelDB's threads costs little, small beside the documents. */
const fetched = { entries: 1000, highWaterMarkBytes: 1024 * 1024 }
const nameLength = 160

interface Draft {
  snapshot?: NonNullable<StoredDocument['snapshot']>
  readonly updates: StoredDocument['updates'][number][]
}

/** @throws LevelDB's error where a table cannot be read */
export async function scan(database: Database): Promise<Scan> {
  const drafts = new Map<PeerId, Draft>()
  const notes = new Map<string, string>()
  const damagedOwners = new Set<PeerId>()
  const damagedKeys: string[] = []
  const versions = new Map<PeerId, Set<number>>()
  let schema: string | undefined

  for await (const [key, record] of entries(database)) {
    const parsed = parseKey(key)
    if (parsed === undefined) damagedKeys.push(key)
    else if (parsed.kind === 'reckoning') continue // of what it says only the own document is known
    else if (parsed.kind === 'schema') schema = decodeText(key, record)
    else if (parsed.kind === 'note') {
      const text = decodeText(key, record)
      if (text === undefined) damagedKeys.push(key)
      else notes.set(parsed.name, text)
    } else {
      if (parsed.kind === 'update') addVersion(versions, parsed.owner, parsed.version)
      if (!addPart(drafts, parsed, decodePair(key, record))) damagedOwners.add(parsed.owner)
    }
  }

  const sound = [...drafts].filter(([owner]) => !damagedOwners.has(owner))
  const documents = sound.map(([owner, draft]) => ({ owner, ...draft }))
  const damaged = [...damagedOwners, ...damagedKeys].map((name) => name.slice(0, nameLength))
  return { documents, notes, damaged, damagedOwners, damagedKeys, versions, schema }
}

/** The keys alone. */
export async function scanVersions(database: Database): Promise<Map<PeerId, Set<number>>> {
  const versions = new Map<PeerId, Set<number>>()
  for await (const key of database.keys({ gte: 'doc/', lt: 'doc0' })) {
    const parsed = parseKey(key)
    if (parsed?.kind === 'update') addVersion(versions, parsed.owner, parsed.version)
  }
  return versions
}

/** What one document has, and was last said to have. */
export async function scanChecksums(
  database: Database,
  owner: PeerId,
): Promise<{ readonly checksums: ReadonlyMap<string, number>; readonly told: ToldReckoning | undefined }> {
  const record = await database.get(reckoningKey)
  const text = record && decodeText(reckoningKey, record)
  const told = text === undefined ? undefined : parseReckoning(text)
  const checksums = new Map<string, number>()
  const prefix = documentPrefix(owner)
  for await (const [key, value] of entries(database, { gte: prefix, lt: `${prefix}~` }))
    checksums.set(key, checksumOf(value))
  return { checksums, told: told?.owner === owner ? told : undefined }
}

async function* entries(
  database: Database,
  range: { readonly gte?: string; readonly lt?: string } = {},
): AsyncGenerator<[string, Uint8Array]> {
  const { entries: size, ...options } = fetched
  const iterator = database.iterator({ ...options, ...range, fillCache: false })
  try {
    for (let batch = await iterator.nextv(size); batch.length > 0; batch = await iterator.nextv(size)) yield* batch
  } finally {
    await iterator.close()
  }
}

/** Keys come sorted, so the updates of an owner come in the order of their versions. */
function addPart(
  drafts: Map<PeerId, Draft>,
  key: { readonly kind: 'snapshot' | 'update'; readonly owner: PeerId },
  pair: { head: Uint8Array; body: Uint8Array } | undefined,
): boolean {
  if (pair === undefined) return false
  const draft = drafts.get(key.owner) ?? { updates: [] }
  drafts.set(key.owner, draft)
  if (key.kind === 'snapshot') draft.snapshot = { head: pair.head, content: pair.body }
  else draft.updates.push({ head: pair.head, update: pair.body })
  return true
}

function addVersion(versions: Map<PeerId, Set<number>>, owner: PeerId, version: number): void {
  const held = versions.get(owner)
  if (held === undefined) versions.set(owner, new Set([version]))
  else held.add(version)
}
