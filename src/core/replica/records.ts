/**
 * The values of a document's entries other than instances and nodes: definitions, removals, fences; to JSON and back.
 */
import type { InstanceRecord, NodeRecord, PeerId, Definition } from '../model.js'
import { canonicalJson, modelLimits, readObject } from '../model.js'

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

/** Ends every document of an owner up to this generation. */
export interface FenceEntry {
  readonly generation: number
  readonly at: number
}

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

export function writeFenceEntry(entry: FenceEntry): string {
  return canonicalJson(entry)
}

export function readDefinitionEntry(id: string, json: string): DefinitionEntry | undefined {
  const fields = readObject(json)
  if (fields === undefined) return undefined
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

export function readFenceEntry(json: string): FenceEntry | undefined {
  const { generation, at } = readObject(json) ?? {}
  return isCount(generation) && isCount(at) ? { generation, at } : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < modelLimits.counter
}

/** Which of two definition entries counts. */
export function compareStamps(a: DefinitionEntry, b: DefinitionEntry): number {
  return a.stamp - b.stamp || (a.writer < b.writer ? -1 : a.writer > b.writer ? 1 : 0)
}
