/**
 * Definition entries: a definition, or the mark that it was deleted. The highest stamp of an id wins, whoever holds it.
 */
import { type Definition, type PeerId, canonicalJson, isDeeper, modelLimits, readObject } from '../model/model.js'
import { type Kind, compareIds } from './claims.js'
import { isCount, oneMore } from './numbers.js'

export interface DefinitionEntry {
  /** Lamport: 1 + the highest that its writer had seen for the id. */
  readonly stamp: number
  readonly writer: PeerId
  /** Absent in a deletion mark. */
  readonly definition?: Definition
  /** Unix seconds by the clock of the document's owner; present in a deletion mark, which lives from then on. */
  readonly at?: number
}

/** Stamp, writer and their names, beside a definition of the largest size. */
const entryOverhead = 512

export const definitions: Kind<DefinitionEntry> = {
  maxLength: modelLimits.definitionBytes + entryOverhead,
  read(id, json) {
    const fields = readObject(json)
    if (fields === undefined || isDeeper(fields, modelLimits.jsonDepth + 1)) return undefined
    const { stamp, writer, definition, at } = fields
    if (!isCount(stamp) || typeof writer !== 'string') return undefined
    if (definition === undefined) return isCount(at) ? { stamp, writer, at } : undefined
    if (typeof definition !== 'object' || definition === null || (definition as Definition).id !== id) return undefined
    return { stamp, writer, definition: definition as Definition }
  },
  write: canonicalJson,
  compare: (a, b) => a.value.stamp - b.value.stamp || compareIds(a.value.writer, b.value.writer),
  livesFrom: ({ at }) => at,
  /** Stamp and writer stay; the lifetime of a copied deletion mark begins now. */
  copy: (entry, now_s) => (entry.at === undefined ? entry : { ...entry, at: now_s }),
  merge(ours, theirs, key) {
    const order = ours.stamp - theirs.stamp || compareIds(ours.writer, theirs.writer)
    if (order !== 0) return order > 0 ? ours : theirs
    if (canonicalJson(ours) === canonicalJson(theirs)) return ours
    return { ...ours, stamp: oneMore(ours.stamp, key) } // whoever has copied the other one lets go of it
  },
  rewrite({ key, after }, { self, highestStamp }) {
    if (after === undefined) return { type: 'leave' }
    const stamp = Math.max(after.stamp, oneMore(highestStamp, key))
    return { type: 'write', value: { ...after, writer: self, stamp } }
  },
}
