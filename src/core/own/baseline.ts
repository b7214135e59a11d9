/**
 * The content from which this daemon has gone on without some of its peers, kept on disk beside its document: what was written since
 * then, in however many starts, is told from it where the document of a peer goes on from there as well.
 *
 *     held at b        s1:5 ─── s1:20 (newer, removed)
 *     a, restored      s1:5 ─┬─ s2 ─── s3 (alone)          what differs from s1:5 was written alone: it is written again over s1:20
 *                  baseline ─┘
 */
import { type EntryMaps, mapNames } from '../document/entries.js'
import type { StoreOp } from '../effects.js'
import { readObject } from '../model.js'
import { type Descendant, ancestryOf, isContinuedBy } from '../records/lineage.js'
import type { Origin } from '../wire/head.js'

export interface Baseline {
  /** Where that content stood; undefined for none. */
  readonly at: Origin | undefined
  /** The starts that went on from it. */
  readonly boots: readonly string[]
  readonly entries: EntryMaps
}

/** Starts beyond that, and it tells nothing that is worth its room. */
const bootsKept = 1024

/** Whether what differs from it is what another document of ours lacks: that one goes on from it, by none of these starts. */
export function isShared({ at, boots }: Baseline, document: Descendant): boolean {
  const points = [document.signed.head, ...(ancestryOf(document)?.points ?? [])]
  return (at === undefined || isContinuedBy(at, document)) && !points.some(({ boot }) => boots.includes(boot))
}

export function baselineNote({ at, boots, entries }: Baseline): StoreOp {
  const maps = Object.fromEntries(mapNames.map((map) => [map, [...entries.of(map)]]))
  return { type: 'note', name: 'baseline', value: JSON.stringify({ boots, at, maps }) }
}

export const noBaseline: StoreOp = { type: 'note', name: 'baseline', value: '' }

/** What an earlier run has kept. @param boot of the start that wrote the document that is on disk beside it */
export function readBaseline(note: string | undefined, boot: string): Baseline | undefined {
  const { boots, at, maps } = readObject(note ?? '') ?? {}
  if (!Array.isArray(boots) || !boots.includes(boot) || boots.length > bootsKept || typeof maps !== 'object')
    return undefined
  const read = new Map(mapNames.map((map) => [map, new Map((maps as Record<string, [string, string][]>)[map])]))
  return {
    at: at as Origin | undefined,
    boots: boots as string[],
    entries: { of: (map) => read.get(map) as Map<string, string> },
  }
}
