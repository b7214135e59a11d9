/**
 * When each of this daemon's own instances is to be checked, and what a check changes. The checking itself is IO.
 */
import { defaultCheck } from '../check.js'
import type { CheckResult } from '../effects.js'
import type { InstanceRecord } from '../model.js'
import { writeInstanceRecord } from '../replica/records.js'
import type { Desk } from './desk.js'

const checkInterval_ms = 15_000
/** Checks under way at once; the others wait here, where they cost nothing. */
const atOnce = 256

export class Checkup {
  readonly #desk: Desk
  /** In order of time. */
  readonly #dueById = new Map<string, number>()
  /** The registration numbers of instances that are being checked. */
  readonly #underWay = new Map<string, number>()
  readonly #waiting = new Set<string>()

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** Checks an instance at once, and from then on regularly. */
  check(id: string, now: number): void {
    this.#begin(id)
    this.#schedule(id, now + checkInterval_ms)
  }

  /** Checks all own instances at once, then spread over the interval. @returns their ids */
  checkAll(now: number): readonly string[] {
    const ids = this.#desk.journal.keys('instances')
    ids.forEach((id, i) => {
      this.#begin(id)
      this.#schedule(id, now + (checkInterval_ms * (i + 1)) / ids.length)
    })
    return ids
  }

  #schedule(id: string, at: number): void {
    if (this.#dueById.has(id)) return
    this.#dueById.set(id, at)
  }

  /** One check of a registration is enough. */
  #begin(id: string): void {
    const record = this.#own(id)
    if (record === undefined || this.#underWay.get(id) === record.n) return
    if (this.#underWay.size >= atOnce) {
      this.#waiting.add(id)
      return
    }
    this.#underWay.set(id, record.n)
    this.#desk.emit({ type: 'check', id, n: record.n, url: record.url, check: record.check ?? defaultCheck })
  }

  #beginWaiting(): void {
    for (const id of this.#waiting) {
      if (this.#underWay.size >= atOnce) return
      this.#waiting.delete(id)
      this.#begin(id)
    }
  }

  /** A status is written only where it changes. */
  checked(id: string, n: number, { status, details }: CheckResult): void {
    if (this.#underWay.get(id) === n) this.#underWay.delete(id)
    this.#beginWaiting()
    const record = this.#own(id)
    if (record === undefined || record.n !== n || record.status === status) return
    const { details: _, ...rest } = record
    this.#write({ ...rest, status, ...(details !== undefined && { details }) })
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
  startOver(now: number): void {
    this.forget(this.#desk.journal.keys('instances'))
    this.checkAll(now)
  }

  tick(now: number): void {
    for (const [id, at] of this.#dueById) {
      if (at > now) return
      this.#dueById.delete(id)
      if (this.#own(id) !== undefined) this.check(id, now)
    }
  }

  /** As it is staged: the union follows at once. */
  #own(id: string): InstanceRecord | undefined {
    return this.#desk.union.records(id).get(this.#desk.self)
  }

  #write(record: InstanceRecord): void {
    this.#desk.journal.set('instances', record.id, writeInstanceRecord(record))
  }
}
