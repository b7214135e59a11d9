/**
 * Every kind of entry that a document can hold, in one table that the compiler proves complete: how it is read, how it is written,
 * who wins, how long it lives, what becomes of it when its document goes.
 */
import { tellAncestry } from '../model/ancestry.js'
import type { EntryMaps, MapName } from '../document/entries.js'
import { type InstanceRecord, type NodeRecord, canonicalJson, modelLimits, readNodeRecord } from '../model/model.js'
import type { Kind } from './claims.js'
import { type DefinitionEntry, definitions } from './definitions.js'
import { type FenceEntry, fences } from './fences.js'
import { instances } from './instances.js'
import { floorStep } from './numbers.js'
import { type RemovalEntry, removals } from './removals.js'

export interface Values {
  node: NodeRecord
  instances: InstanceRecord
  definitions: DefinitionEntry
  removals: RemovalEntry
  fences: FenceEntry
}

/** The only key of the map `node`. */
export const nodeKey = 'self'

/** Of a node there is one record, in its own document. */
const node: Kind<NodeRecord> = {
  maxLength: 64 * 1024,
  read: (_, json) => readNodeRecord(json),
  write: ({ ancestry, ...fields }) =>
    canonicalJson({ ...fields, ...(ancestry && { ancestry: tellAncestry(ancestry) }) }),
  compare: () => 0,
  livesFrom: () => undefined,
  copy: () => undefined,
  /** What a node says of itself is what this start says. */
  merge: (ours, theirs) => ({ ...withFloor(ours, theirs.floor ?? 0), ...(theirs.draining && { draining: true }) }),
  rewrite: ({ after }) => ({ type: 'write', value: after }),
}

/** Numbers that another start of ours may have used are used. */
function withFloor(record: NodeRecord, used: number): NodeRecord {
  const isAhead = used > 0 && used + floorStep > (record.floor ?? 0)
  return isAhead ? { ...record, floor: used + floorStep } : record
}

export const kinds: { readonly [M in MapName]: Kind<Values[M]> } = { node, instances, definitions, removals, fences }

/** @returns undefined for what no honest daemon has written */
export function readEntry<M extends MapName>(map: M, key: string, json: string | undefined): Values[M] | undefined {
  const kind: Kind<Values[M]> = kinds[map]
  const isSane = json !== undefined && json.length <= kind.maxLength && key.length <= modelLimits.idLength
  return isSane ? kind.read(key, json) : undefined
}

/** What a document says of its node. */
export function nodeRecordOf(entries: EntryMaps): NodeRecord | undefined {
  return readEntry('node', nodeKey, entries.of('node').get(nodeKey))
}

export function writeEntry<M extends MapName>(map: M, value: Values[M] | undefined): string | undefined {
  const kind: Kind<Values[M]> = kinds[map]
  return value === undefined ? undefined : kind.write(value)
}
