/**
 * When each of this daemon's own instances is to be checked. What a check changes is written here, too. The checking itself is
 * IO.
 */
import { defaultCheck } from '../check.js'
import type { CheckResult, Effect } from '../effects.js'
import type { InstanceRecord } from '../model.js'
import type { Records } from '../records/records.js'

const checkInterval_ms = 15_000
/**
 * Bad news is soon asked about again: a service registers before it listens, starts anew, stalls for a moment, and would be left
 * alone for a whole interval. Fewer than half of an interval in all, so that one that stays ill costs three checks more, once.
 */
const askAgainAfter_ms: readonly number[] = [1000, 2000, 4000]
/** Checks under way at once; the others wait here, where they cost nothing. */
const atOnce = 256

export class HealthChecks {
  readonly #records: Records
  /** In order of time. */
  readonly #dueById = new Map<string, number>()
  /** The registration numbers of instances that are being checked. */
  readonly #underWay = new Map<string, number>()
  readonly #waiting = new Set<string>()
  /** How often those were asked again of whom bad news would be new. */
  readonly #askedAgain = new Map<string, number>()
  /** When to ask again: a map for each pause, so that each is in order of time. */
  readonly #againById = askAgainAfter_ms.map(() => new Map<string, number>())

  constructor(records: Records) {
    this.#records = records
  }

  /** Checks an instance at once, and from then on regularly: somebody says that it is there. */
  check(id: string, now: number): Effect[] {
    this.#awaitNews(id)
    this.#schedule(id, now + checkInterval_ms)
    return this.#begin(id)
  }

  /** Checks all own instances at once, then spread over the interval. */
  checkAll(now: number): Effect[] {
    const ids = this.#records.ownKeys('instances')
    return ids.flatMap((id, i) => {
      this.#awaitNews(id)
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
    if (record === undefined) this.#askedAgain.delete(id)
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

  /** A status is written only where it changes; why it is not known is written once, for people who ask. */
  checked(id: string, n: number, { status, details }: CheckResult, now: number): Effect[] {
    if (this.#underWay.get(id) === n) this.#underWay.delete(id)
    const begun = this.#beginWaiting()
    const record = this.#own(id)
    if (record === undefined) this.#askedAgain.delete(id)
    if (record === undefined || record.n !== n) return begun
    if (status === 'Healthy') this.#knowNews(id)
    else this.#askAgain(id, { isNews: record.status !== status, now })
    const saysWhy = status === 'Unknown' && record.details === undefined && details !== undefined
    if (record.status === status && !saysWhy) return begun
    const { details: _, ...rest } = record
    this.#write({ ...rest, status, ...(details !== undefined && { details }) })
    return begun
  }

  // ---- bad news

  #awaitNews(id: string): void {
    this.#knowNews(id)
    this.#askedAgain.set(id, 0)
  }

  #knowNews(id: string): void {
    this.#askedAgain.delete(id)
    for (const dueById of this.#againById) dueById.delete(id)
  }

  /** Other bad news meanwhile does not begin anew: whatever an instance does, it costs a few checks an interval. */
  #askAgain(id: string, { isNews, now }: { readonly isNews: boolean; readonly now: number }): void {
    const asked = this.#askedAgain.get(id) ?? (isNews ? 0 : undefined)
    if (asked === undefined || this.#againById.some((dueById) => dueById.has(id))) return
    const pause_ms = askAgainAfter_ms[asked]
    if (pause_ms === undefined) return this.#knowNews(id)
    this.#askedAgain.set(id, asked + 1)
    this.#againById[asked]?.set(id, now + pause_ms)
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
    const regular = takeDue(this.#dueById, now).flatMap((id) => this.#checkRegularly(id, now))
    const again = this.#againById.flatMap((dueById) => takeDue(dueById, now))
    return [...regular, ...again.flatMap((id) => this.#begin(id))]
  }

  #checkRegularly(id: string, now: number): Effect[] {
    if (this.#own(id) === undefined) return []
    this.#schedule(id, now + checkInterval_ms)
    return this.#begin(id)
  }

  /** As it is staged: the union follows at once. */
  #own(id: string): InstanceRecord | undefined {
    return this.#records.union.records(id).get(this.#records.self)
  }

  #write(record: InstanceRecord): void {
    this.#records.stage('instances', record.id, record)
  }
}

/** @param dueById in order of time */
function takeDue(dueById: Map<string, number>, now: number): string[] {
  const due: string[] = []
  for (const [id, at] of dueById) {
    if (at > now) break
    dueById.delete(id)
    due.push(id)
  }
  return due
}
