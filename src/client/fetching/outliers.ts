/**
 * Which instances of a service are left out for a while, since calls to them keep failing: outlier ejection, as Envoy does it. Each caller finds that out by itself; it never asks anybody.
 */
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

/** What came of telling of a call. */
export type Turn = 'ejected' | 'restored' | undefined

export class Outliers {
  readonly #records = new Map<string, Record>()

  /** A call to it has failed. */
  failed(id: string, now: number): Turn {
    const known = this.#records.get(id)
    const record =
      known === undefined || (known.until === undefined && now - known.failedAt > forgiven_ms) ? fresh(now) : known
    this.#records.set(id, record)
    record.failures += 1
    record.failedAt = now
    const isProbe = record.until !== undefined && now >= record.until
    if (record.until !== undefined && !isProbe) return undefined
    if (!isProbe && record.failures < failuresInARow) return undefined
    record.until = now + Math.min(longest_ms, shortest_ms * 2 ** record.ejections)
    record.ejections += 1
    record.failures = 0
    record.probedUntil = Number.NEGATIVE_INFINITY
    return 'ejected'
  }

  /** A call to it has been answered. */
  answered(id: string, now: number): Turn {
    const record = this.#records.get(id)
    if (record === undefined) return undefined
    record.failures = 0
    if (record.until === undefined || now < record.until) return undefined
    record.until = undefined
    return 'restored'
  }

  /** Whether it is to be left out now. Once its time is over one call may try it, and the others wait for what comes of that. */
  isEjected(id: string, now: number): boolean {
    const until = this.#records.get(id)?.until
    return until !== undefined && (now < until || now < (this.#records.get(id)?.probedUntil as number))
  }

  /** It is being called: where that tries whether it is well again, nobody else does meanwhile. */
  called(id: string, now: number): void {
    const record = this.#records.get(id)
    if (record?.until !== undefined && now >= record.until) record.probedUntil = now + probe_ms
  }

  /** What was tried came to nothing, neither good nor bad. */
  givenUp(id: string): void {
    const record = this.#records.get(id)
    if (record !== undefined) record.probedUntil = Number.NEGATIVE_INFINITY
  }

  /** Whether anything is known of anybody: mostly not. */
  get isEmpty(): boolean {
    return this.#records.size === 0
  }

  /**
   * Of these, those that are not left out; all of them where that would be more than half: then it is not them.
   * @returns the same list where none is left out
   */
  without<T>(all: readonly T[], idOf: (one: T) => string, now: number): readonly T[] {
    if (this.isEmpty) return all
    const others = all.filter((one) => !this.isEjected(idOf(one), now))
    return others.length === all.length || others.length * 2 < all.length ? all : others
  }

  /** Those alone are there still. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#records.keys()) if (!ids.has(id)) this.#records.delete(id)
  }
}

function fresh(now: number): Record {
  return { failures: 0, ejections: 0, until: undefined, probedUntil: Number.NEGATIVE_INFINITY, failedAt: now }
}
