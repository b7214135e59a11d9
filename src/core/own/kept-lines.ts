/**
 * Which instances of ours a connection is kept to, so that their end is seen at once. What a closed one means a check finds out.
 *
 * A server that closes idle connections is left in peace: the more often one ends soon, the longer it takes until the next. So is one
 * that answers nobody else meanwhile, since it takes one connection at a time.
 */
import { defaultCheck, isAsked, readCheck } from '../model/check.js'
import type { Effect, LineNews } from '../effects.js'
import type { InstanceRecord, InstanceStatus } from '../model/model.js'
import { isWell } from './condition.js'

const shortestPause_ms = 1000
const longestPause_ms = 60_000
/** A connection that lived for so long costs less than the checks do, however it ends. */
const longLife_ms = 60_000
/** Before the next one where nobody was answered beside the last one; four times as long each time, up to an hour. */
const pauseBesideSilence_ms: readonly number[] = [60_000, 240_000, 960_000]
const longestSilence_ms = 3600_000
/** Beside one that lived for so long others were answered. */
const harmlessLife_ms = 600_000
/** After one that only said that something changes a check is done at once, and at most this often. */
const newsPause_ms = 1000
/** How often it is said that there is no room, once all that are refused at first have been. */
const troublePause_ms = 3600_000

interface Line {
  readonly n: number
  isKept: boolean
  /** It is well, and not in maintenance. */
  isWanted: boolean
  since: number
  /** Those in a row that ended soon, though the instance was well. */
  soonEnds: number
  /** Those in a row beside which the instance fell silent. */
  silences: number
  /** The last one may have been why the instance is ill now. */
  isInTheWay: boolean
  againAt: number
  newsAt: number
}

export class KeptLines {
  readonly #lines = new Map<string, Line>()
  #refused = 0
  #toldAt = Number.NEGATIVE_INFINITY

  /**
   * An own instance is like this now, or is gone.
   * @param found what its checks say
   */
  follow(id: string, record: InstanceRecord | undefined, found: InstanceStatus, now: number): Effect[] {
    const line = this.#lines.get(id)
    if (record === undefined || !isKeptOpen(record)) return this.#end(id)
    if (line !== undefined && line.n !== record.n) return [...this.#end(id), ...this.follow(id, record, found, now)]
    if (!isWell(found)) this.#noteIllness(line, found, now)
    if (line !== undefined) line.isWanted = record.maintenance === undefined && isWell(found)
    if (record.maintenance !== undefined || !isWell(found)) return this.#letGo(id)
    if (line?.isKept === true || (line !== undefined && now < line.againAt)) return []
    const { soonEnds = 0, silences = 0 } = line ?? {}
    const opened = { soonEnds, silences, isInTheWay: false, againAt: now, newsAt: Number.NEGATIVE_INFINITY }
    this.#lines.set(id, { ...opened, n: record.n, isKept: true, isWanted: true, since: now })
    const { n, url, check = defaultCheck } = record
    return [{ type: 'keep-open', id, n, url, check }]
  }

  #end(id: string): Effect[] {
    const effects = this.#letGo(id)
    this.#lines.delete(id)
    return effects
  }

  /**
   * A connection that ended has done so for good reason: the next one may come as soon as the instance is well again. One that has not may
   * be the reason itself.
   */
  #noteIllness(line: Line | undefined, found: InstanceStatus, now: number): void {
    if (line === undefined) return
    if (line.isKept && found === 'Unreachable') {
      if (now - line.since >= harmlessLife_ms) line.silences = 0
      line.againAt = now + (pauseBesideSilence_ms[line.silences] ?? longestSilence_ms)
      line.silences += 1
      line.isInTheWay = true
    } else if (line.isKept || !line.isInTheWay) Object.assign(line, { soonEnds: 0, againAt: Number.NEGATIVE_INFINITY })
  }

  #letGo(id: string): Effect[] {
    const line = this.#lines.get(id)
    if (line === undefined || !line.isKept) return []
    line.isKept = false
    return [{ type: 'let-go', id }]
  }

  /** Something has become of a connection. @returns when to check because of that; infinite for never */
  told(id: string, n: number, news: LineNews, now: number): number {
    const line = this.#lines.get(id)
    if (line === undefined || line.n !== n || !line.isKept) return Number.POSITIVE_INFINITY
    if (news === 'changed') {
      if (line.newsAt <= now) line.newsAt = Math.max(now, line.newsAt + newsPause_ms)
      return line.newsAt // one that is still to come looks into this, too
    }
    line.isKept = false
    line.soonEnds = now - line.since >= longLife_ms ? 0 : line.soonEnds + 1
    const pause_ms = Math.min(shortestPause_ms * 2 ** Math.max(0, line.soonEnds - 1), longestPause_ms)
    const isOurs = news === 'ours' || news === 'no room'
    line.againAt = now + (isOurs ? longestPause_ms : pause_ms)
    if (news === 'no room') this.#refused += 1
    return isOurs ? Number.POSITIVE_INFINITY : now
  }

  /** In words, once in an hour, where there was no room for one. */
  takeTrouble(now: number): string | undefined {
    if (this.#refused === 0 || now - this.#toldAt < troublePause_ms) return undefined
    this.#refused = 0
    this.#toldAt = now
    let [kept, wanted] = [0, 0]
    for (const line of this.#lines.values()) {
      kept += Number(line.isKept)
      wanted += Number(line.isWanted)
    }
    const wayOut = 'the others are checked at their intervals; a higher limit of open files (ulimit -n) makes room'
    return `keepOpen: ${kept} of ${wanted} connections to instances are kept, and there is no room for more; ${wayOut}`
  }

  /** When the next connection is to be made; infinite where there is one, or none is wanted. */
  dueAt(id: string): number {
    const line = this.#lines.get(id)
    return line === undefined || line.isKept || !line.isWanted ? Number.POSITIVE_INFINITY : line.againAt
  }
}

function isKeptOpen({ check }: InstanceRecord): boolean {
  if (check === undefined || typeof check === 'string' || check.keepOpen !== true) return false
  const known = readCheck(check)
  return known !== undefined && isAsked(known)
}
