/**
 * How often the instances of each service changed lately, by home node: told of each change, it says where that does not end.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { PeerId } from '../model/model.js'

/** Changes are counted by spans of time of this length. */
const span_ms = 5000
/** So many in each of so many whole spans, one after the other, are no start and no deployment any more. */
const [tolerated, spansAtLeast] = [50, 3]
/** Services that change at one time; whoever changed longest ago makes room. */
const countedAtMost = 1024

/** Changes without an end. */
export interface Churn {
  readonly home: PeerId
  /** Absent: of those that have none. */
  readonly slug?: string
  readonly perSecond: number
  readonly lasts_ms: number
}

interface Counted {
  readonly home: PeerId
  readonly slug: string | undefined
  /** The number of the span that `count` is of. */
  span: number
  count: number
  /** Of the whole spans before it that follow each other, each with more than is tolerated. */
  spans: number
  sum: number
  /** It was said that these do not end. */
  isTold: boolean
}

export class ChurnCounts {
  readonly #counted = new BoundedMap<string, Counted>(countedAtMost)

  /**
   * @param now milliseconds of a clock that never jumps
   * @returns what has just become lasting by that
   */
  note(home: PeerId, slug: string | undefined, now: number): Churn | undefined {
    const key = `${home} ${slug ?? ''}`
    const span = Math.floor(now / span_ms)
    const counted = this.#counted.get(key) ?? { home, slug, span, count: 0, spans: 0, sum: 0, isTold: false }
    roll(counted, span)
    counted.count += 1
    this.#counted.set(key, counted)
    if (counted.isTold || counted.spans < spansAtLeast) return undefined
    counted.isTold = true
    return churnOf(counted)
  }

  /** Most first. */
  lasting(now: number): readonly Churn[] {
    const span = Math.floor(now / span_ms)
    const lasting: Churn[] = []
    for (const [, counted] of this.#counted) {
      roll(counted, span)
      if (counted.spans >= spansAtLeast) lasting.push(churnOf(counted))
    }
    return lasting.sort((a, b) => b.perSecond - a.perSecond)
  }
}

function churnOf({ home, slug, spans, sum }: Counted): Churn {
  const lasts_ms = spans * span_ms
  const perSecond = Math.round((1000 * sum) / lasts_ms)
  return { home, perSecond, lasts_ms, ...(slug !== undefined && { slug }) }
}

/** Closes the span that is over, if one is. */
function roll(counted: Counted, span: number): void {
  if (counted.span === span) return
  const follows = counted.span + 1 === span && counted.count > tolerated
  counted.spans = follows ? counted.spans + 1 : 0
  counted.sum = follows ? counted.sum + counted.count : 0
  counted.isTold &&= follows
  counted.span = span
  counted.count = 0
}
