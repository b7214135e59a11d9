/**
 * The values of a document's entries other than instances and nodes: definitions, removals, fences; to JSON and back.
 */
import type { InstanceRecord, NodeRecord, PeerId, Definition } from '../model.js'
import { canonicalJson, hex, isDeeper, modelLimits, readObject, unhex } from '../model.js'
import { type SignedHead, decodeHead } from '../wire/head.js'

/** A definition, or the mark that it was deleted. The highest (stamp, writer) of an id counts. */
export interface DefinitionEntry {
  /** Lamport: 1 + the highest that its writer had seen for the id. */
  readonly stamp: number
  readonly writer: PeerId
  /** Absent in a deletion mark. */
  readonly definition?: Definition
  /** Unix seconds by the clock of the document's owner; present in a deletion mark, which lives from then on. */
  readonly at?: number
}

/** Hides every record of the id up to this registration number. */
export interface RemovalEntry {
  readonly n: number
  readonly at: number
}

/** Ends every document of an owner up to the generation of this head. Its signature proves that there was such a generation. */
export interface FenceEntry {
  readonly fenced: SignedHead
  readonly at: number
}

/** Stamp, writer and their names, beside a definition of the largest size. */
const entryOverhead = 512

/** The only key of the map `node`. */
export const nodeKey = 'self'

export function writeInstanceRecord(record: InstanceRecord): string {
  const { id: _, ...fields } = record
  return canonicalJson(fields)
}

export function writeNodeRecord(node: NodeRecord): string {
  return canonicalJson(node)
}

export function writeDefinitionEntry(entry: DefinitionEntry): string {
  return canonicalJson(entry)
}

export function writeRemovalEntry(entry: RemovalEntry): string {
  return canonicalJson(entry)
}

export function writeFenceEntry({ fenced, at }: FenceEntry): string {
  return canonicalJson({ at, head: hex(fenced.bytes) })
}

/** What callers may not send, peers may not either. */
export function readDefinitionEntry(id: string, json: string): DefinitionEntry | undefined {
  if (json.length > modelLimits.definitionBytes + entryOverhead || id.length > modelLimits.idLength) return undefined
  const fields = readObject(json)
  if (fields === undefined || isDeeper(fields, modelLimits.jsonDepth + 1)) return undefined
  const { stamp, writer, definition, at } = fields
  if (!isCount(stamp) || typeof writer !== 'string') return undefined
  if (definition === undefined) return isCount(at) ? { stamp, writer, at } : undefined
  if (typeof definition !== 'object' || definition === null || (definition as Definition).id !== id) return undefined
  return { stamp, writer, definition: definition as Definition }
}

export function readRemovalEntry(json: string): RemovalEntry | undefined {
  const { n, at } = readObject(json) ?? {}
  return isCount(n) && isCount(at) ? { n, at } : undefined
}

/** Reads the form only: whoever acts on it verifies the head. */
export function readFenceEntry(owner: PeerId, json: string): FenceEntry | undefined {
  const { head, at } = readObject(json) ?? {}
  if (typeof head !== 'string' || !isCount(at)) return undefined
  const fenced = decodeHead(unhex(head))
  return fenced?.head.owner === owner ? { fenced, at } : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < modelLimits.counter
}

/** Which of two definition entries counts. */
export function compareStamps(a: DefinitionEntry, b: DefinitionEntry): number {
  return a.stamp - b.stamp || (a.writer < b.writer ? -1 : a.writer > b.writer ? 1 : 0)
}
