/**
 * Which instances are left out for a while, since calls to them keep failing: outlier ejection, as Envoy does it. Each caller finds that
 * out by itself; it never asks anybody.
 */
import { BoundedMap } from '../basics/bounded-map.js'

const failuresInARow = 3
const shortest_ms = 5000
const longest_ms = 300_000
/** So long without a failure, and what was before counts no more. */
const forgiven_ms = 300_000

interface Record {
  failures: number
  /** How often in a row it was left out. */
  ejections: number
  /** Left out until then, and until a call has shown that it is well. */
  until: number | undefined
  /** One call tries whether it is well again, until then at the latest. */
  probedUntil: number
  failedAt: number
}

/** A probing call that says nothing for so long is forgotten. */
const probe_ms = 30_000

/** Of so many something is remembered; beyond it whoever failed longest ago is forgotten. */
const most = 10_000

/** What came of telling of a call. */
export type Turn = 'ejected' | 'restored' | undefined

/** Who is left out, for as long as nothing happens, and until then at the latest. */
interface LeftOut {
  readonly ids: ReadonlySet<string>
  readonly revision: number
  readonly until: number
}

const nobody: ReadonlySet<string> = new Set()

export class Outliers {
  readonly #longest_ms: number
  readonly #records = new BoundedMap<string, Record>(most)
  /** Raised by whatever may change who is left out. */
  #revision = 0
  #leftOut: LeftOut = { ids: nobody, revision: 0, until: Number.POSITIVE_INFINITY }

  /** @param most_ms nobody is left out for longer, however often in a row */
  constructor(most_ms = longest_ms) {
    this.#longest_ms = most_ms
  }

  /** A call to it has failed. */
  failed(id: string, now: number): Turn {
    const record = this.#recordOf(id, now)
    record.failures += 1
    record.failedAt = now
    const isProbe = record.until !== undefined && now >= record.until
    if (record.until !== undefined && !isProbe) return undefined
    return isProbe || record.failures >= failuresInARow ? this.#eject(record, now) : undefined
  }

  /** Its caller knows already that it does not answer, and need not say so three times. */
  suspected(id: string, now: number): Turn {
    const record = this.#recordOf(id, now)
    record.failedAt = now
    return record.until !== undefined && now < record.until ? undefined : this.#eject(record, now)
  }

  #eject(record: Record, now: number): Turn {
    record.until = now + Math.min(this.#longest_ms, shortest_ms * 2 ** record.ejections)
    record.ejections += 1
    record.failures = 0
    record.probedUntil = Number.NEGATIVE_INFINITY
    this.#revision += 1
    return 'ejected'
  }

  #recordOf(id: string, now: number): Record {
    const known = this.#records.get(id)
    const isForgiven = known === undefined || (!isLeftOut(known, now) && now - known.failedAt > forgiven_ms)
    const record = isForgiven ? fresh(now) : known
    if (this.#records.set(id, record) !== undefined) this.#revision += 1
    return record
  }

  /** A call to it has been answered. */
  answered(id: string, now: number): Turn {
    const record = this.#records.get(id)
    if (record === undefined) return undefined
    record.failures = 0
    if (record.until === undefined || now < record.until) return undefined
    record.until = undefined
    this.#revision += 1
    return 'restored'
  }

  /** It is being called: where that tries whether it is well again, nobody else does meanwhile. */
  called(id: string, now: number): void {
    const record = this.#records.get(id)
    if (record?.until === undefined || now < record.until) return
    record.probedUntil = now + probe_ms
    this.#revision += 1
  }

  /** What was tried came to nothing, neither good nor bad. */
  givenUp(id: string): void {
    const record = this.#records.get(id)
    if (record?.until === undefined) return
    record.probedUntil = Number.NEGATIVE_INFINITY
    this.#revision += 1
  }

  /**
   * Those that are to be left out now. Once the time of one is over a single call may try it, and the others wait for what comes of that.
   * @returns the same set for as long as it has the same members: what is made of it may be kept
   */
  ejected(now: number): ReadonlySet<string> {
    const { ids, revision, until } = this.#leftOut
    if (revision === this.#revision && now < until) return ids
    const out = new Set<string>()
    let next = Number.POSITIVE_INFINITY
    for (const [id, record] of this.#records) {
      if (!isLeftOut(record, now)) continue
      out.add(id)
      next = Math.min(next, now < (record.until as number) ? (record.until as number) : record.probedUntil)
    }
    const isSame = out.size === ids.size && [...out].every((id) => ids.has(id))
    this.#leftOut = { ids: isSame ? ids : out, revision: this.#revision, until: next }
    return this.#leftOut.ids
  }

  /** Those alone are there still. */
  keep(ids: ReadonlySet<string>): void {
    for (const [id] of this.#records) if (!ids.has(id)) this.forget(id)
  }

  /** Nothing that was known of it counts any more. */
  forget(id: string): void {
    if (this.#records.delete(id)) this.#revision += 1
  }
}

function isLeftOut({ until, probedUntil }: Record, now: number): boolean {
  return until !== undefined && (now < until || now < probedUntil)
}

function fresh(now: number): Record {
  return { failures: 0, ejections: 0, until: undefined, probedUntil: Number.NEGATIVE_INFINITY, failedAt: now }
}
