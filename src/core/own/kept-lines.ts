/**
 * Which instances of ours a connection is kept to, so that their end is seen at once. What a closed one means a check finds out.
 *
 * A server that closes idle connections is left in peace: the more often one ends soon, the longer it takes until the next.
 */
import { defaultCheck, isAsked, readCheck } from '../check.js'
import type { Effect, LineNews } from '../effects.js'
import type { InstanceRecord } from '../model.js'

const shortestPause_ms = 1000
const longestPause_ms = 60_000
/** A connection that lived for so long costs less than the checks do, however it ends. */
const longLife_ms = 60_000
/** After one that only said that something changes a check is done at once, and at most this often. */
const newsPause_ms = 1000

interface Line {
  readonly n: number
  isKept: boolean
  since: number
  /** Those in a row that ended soon, though the instance was well. */
  soonEnds: number
  againAt: number
  newsAt: number
}

export class KeptLines {
  readonly #lines = new Map<string, Line>()

  /**
   * An own instance is like this now, or is gone.
   * @param isWell what its checks say
   */
  follow(id: string, record: InstanceRecord | undefined, isWell: boolean, now: number): Effect[] {
    const line = this.#lines.get(id)
    if (record === undefined || !isKeptOpen(record)) return this.#end(id)
    if (line !== undefined && line.n !== record.n) return [...this.#end(id), ...this.follow(id, record, isWell, now)]
    if (record.maintenance !== undefined || !isWell) return this.#letGo(id, isWell)
    if (line?.isKept === true || (line !== undefined && now < line.againAt)) return []
    const opened = { soonEnds: line?.soonEnds ?? 0, againAt: now, newsAt: Number.NEGATIVE_INFINITY }
    this.#lines.set(id, { ...opened, n: record.n, isKept: true, since: now })
    const { n, url, check = defaultCheck } = record
    return [{ type: 'keep-open', id, n, url, check }]
  }

  #end(id: string): Effect[] {
    const effects = this.#letGo(id, true)
    this.#lines.delete(id)
    return effects
  }

  /** @param isWell else it has ended for good reason: the next one may come as soon as it is well again */
  #letGo(id: string, isWell: boolean): Effect[] {
    const line = this.#lines.get(id)
    if (line === undefined) return []
    if (!isWell) Object.assign(line, { soonEnds: 0, againAt: Number.NEGATIVE_INFINITY })
    if (!line.isKept) return []
    line.isKept = false
    return [{ type: 'let-go', id }]
  }

  /** Something has become of a connection. @returns when to check because of that; infinite for never */
  told(id: string, n: number, news: LineNews, now: number): number {
    const line = this.#lines.get(id)
    if (line === undefined || line.n !== n || !line.isKept) return Number.POSITIVE_INFINITY
    if (news === 'changed') {
      const at = Math.max(now, line.newsAt + newsPause_ms)
      line.newsAt = at
      return at
    }
    line.isKept = false
    line.soonEnds = now - line.since >= longLife_ms ? 0 : line.soonEnds + 1
    const pause_ms = Math.min(shortestPause_ms * 2 ** Math.max(0, line.soonEnds - 1), longestPause_ms)
    line.againAt = now + (news === 'ours' ? longestPause_ms : pause_ms)
    return news === 'ours' ? Number.POSITIVE_INFINITY : now
  }

  /** When the next connection is to be made; infinite where there is one, or none is wanted. */
  dueAt(id: string): number {
    const line = this.#lines.get(id)
    return line === undefined || line.isKept || line.againAt < 0 ? Number.POSITIVE_INFINITY : line.againAt
  }
}

function isKeptOpen({ check }: InstanceRecord): boolean {
  if (check === undefined || typeof check === 'string' || check.keepOpen !== true) return false
  const known = readCheck(check)
  return known !== undefined && isAsked(known)
}
