/**
 * The content from which this daemon has gone on without some of its peers, kept on disk beside its document: what was written since
 * then, in however many starts, is told from it where the document of a peer goes on from there as well.
 *
 *     held at b        s1:5 ─── s1:20 (newer, removed)
 *     a, restored      s1:5 ─┬─ s2 ─── s3 (alone)          what differs from s1:5 was written alone: it is written again over s1:20
 *                  baseline ─┘
 *
 * Two are kept: the earliest, which those who are missing may have gone on from, and that of the last start that was seen.
 */
import { type EntryMaps, type MapName, mapNames } from '../document/entries.js'
import type { StoreOp } from '../effects.js'
import { readObject } from '../model/model.js'
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

export function baselineNote(baselines: readonly Baseline[]): StoreOp {
  const texts = baselines.map(({ at, boots, entries }) => {
    return { boots, at, maps: Object.fromEntries(mapNames.map((map) => [map, [...entries.of(map)]])) }
  })
  return { type: 'note', name: 'baseline', value: texts.length === 0 ? '' : JSON.stringify({ baselines: texts }) }
}

/** What an earlier run has kept, earliest first. @param boot of the start that wrote the document that is on disk beside it */
export function readBaselines(note: string | undefined, boot: string): Baseline[] {
  const { baselines } = readObject(note ?? '') ?? {}
  const all = Array.isArray(baselines) ? (baselines as Kept[]) : []
  return all
    .filter(({ boots }) => boots.includes(boot) && boots.length <= bootsKept)
    .map(({ at, boots, maps }) => {
      const read = new Map(mapNames.map((map) => [map, new Map(maps[map])]))
      return { at, boots, entries: { of: (map) => read.get(map) as Map<string, string> } }
    })
}

interface Kept extends Pick<Baseline, 'at' | 'boots'> {
  readonly maps: Readonly<Record<MapName, readonly [string, string][]>>
}
