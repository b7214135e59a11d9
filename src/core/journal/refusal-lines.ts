/**
 * The log lines of calls that came to nothing, of each source some at once, then one in a while with how many were left out: whoever is
 * refused a thousand times a second fills no disk with that. The journal, which has bounds of its own, is told of each.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import { sourceOf } from '../model/host.js'
import { type Entry, sentenceOf } from './entry.js'

export const refusalLines = { atOnce: 20, pause_ms: 1000, sources: 1024 } as const

interface Spent {
  /** When as many as ever may come at once again. */
  readonly until: number
  readonly leftOut: number
}

export class RefusalLines {
  /** By what came of it with its source, or the door: refusals hide no failure of this node. Whoever was heard of longest ago makes room, and begins anew. */
  readonly #spent = new BoundedMap<string, Spent>(refusalLines.sources)

  /**
   * @param now milliseconds on a clock that never steps
   * @returns undefined where it is left out
   */
  lineOf(entry: Omit<Entry, 'seq'>, now: number): { readonly fields: object; readonly message: string } | undefined {
    const { at: _, seq: _seq, ...fields } = entry as Entry
    const message = sentenceOf(entry)
    if (entry.outcome === 'done' || entry.outcome === 'unchanged') return { fields, message }
    const leftOut = this.#take(`${entry.outcome} ${sourceOf(entry.address ?? entry.via)}`, now)
    if (leftOut === undefined) return undefined
    if (leftOut === 0) return { fields, message }
    return { fields: { ...fields, leftOut }, message: `${message} (${leftOut} more from there were left out before)` }
  }

  /** @returns how many were left out before this one, which may be told */
  #take(source: string, now: number): number | undefined {
    const { atOnce, pause_ms } = refusalLines
    const { until, leftOut } = this.#spent.get(source) ?? { until: now, leftOut: 0 }
    const from = Math.max(now, until)
    const isTold = from - now <= (atOnce - 1) * pause_ms
    this.#spent.set(source, isTold ? { until: from + pause_ms, leftOut: 0 } : { until: from, leftOut: leftOut + 1 })
    return isTold ? leftOut : undefined
  }
}
