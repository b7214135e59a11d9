/**
 * When each of this daemon's own instances is to be checked. What a check changes is written here, too. The checking itself is
 * IO.
 */
import { defaultCheck } from '../check.js'
import type { CheckResult, Effect } from '../effects.js'
import type { InstanceRecord } from '../model.js'
import type { Records } from '../records/records.js'

const checkInterval_ms = 15_000
/** Checks under way at once; the others wait here, where they cost nothing. */
const atOnce = 256

export class HealthChecks {
  readonly #records: Records
  /** In order of time. */
  readonly #dueById = new Map<string, number>()
  /** The registration numbers of instances that are being checked. */
  readonly #underWay = new Map<string, number>()
  readonly #waiting = new Set<string>()

  constructor(records: Records) {
    this.#records = records
  }

  /** Checks an instance at once, and from then on regularly. */
  check(id: string, now: number): Effect[] {
    this.#schedule(id, now + checkInterval_ms)
    return this.#begin(id)
  }

  /** Checks all own instances at once, then spread over the interval. */
  checkAll(now: number): Effect[] {
    const ids = this.#records.ownKeys('instances')
    return ids.flatMap((id, i) => {
      this.#schedule(id, now + (checkInterval_ms * (i + 1)) / ids.length)
      return this.#begin(id)
    })
  }

  #schedule(id: string, at: number): void {
    if (this.#dueById.has(id)) return
    this.#dueById.set(id, at)
  }

  /** One check of a registration is enough. */
  #begin(id: string): Effect[] {
    const record = this.#own(id)
    if (record === undefined || this.#underWay.get(id) === record.n) return []
    if (this.#underWay.size >= atOnce) {
      this.#waiting.add(id)
      return []
    }
    this.#underWay.set(id, record.n)
    return [{ type: 'check', id, n: record.n, url: record.url, check: record.check ?? defaultCheck }]
  }

  #beginWaiting(): Effect[] {
    const begun: Effect[] = []
    for (const id of this.#waiting) {
      if (this.#underWay.size >= atOnce) break
      this.#waiting.delete(id)
      begun.push(...this.#begin(id))
    }
    return begun
  }

  /** A status is written only where it changes. */
  checked(id: string, n: number, { status, details }: CheckResult): Effect[] {
    if (this.#underWay.get(id) === n) this.#underWay.delete(id)
    const begun = this.#beginWaiting()
    const record = this.#own(id)
    if (record === undefined || record.n !== n || record.status === status) return begun
    const { details: _, ...rest } = record
    this.#write({ ...rest, status, ...(details !== undefined && { details }) })
    return begun
  }

  /** Nothing is known of how these are. */
  forget(ids: Iterable<string>): void {
    for (const id of ids) {
      const record = this.#own(id)
      if (record === undefined || record.status === 'Unknown') continue
      const { details: _, ...rest } = record
      this.#write({ ...rest, status: 'Unknown' })
    }
  }

  /** Nothing is known of any own instance: what was said of them is from another time. */
  startOver(now: number): Effect[] {
    this.forget(this.#records.ownKeys('instances'))
    return this.checkAll(now)
  }

  tick(now: number): Effect[] {
    const begun: Effect[] = []
    for (const [id, at] of this.#dueById) {
      if (at > now) break
      this.#dueById.delete(id)
      if (this.#own(id) !== undefined) begun.push(...this.check(id, now))
    }
    return begun
  }

  /** As it is staged: the union follows at once. */
  #own(id: string): InstanceRecord | undefined {
    return this.#records.union.records(id).get(this.#records.self)
  }

  #write(record: InstanceRecord): void {
    this.#records.stage('instances', record.id, record)
  }
}
