/**
 * When each of this daemon's own instances is to be checked, and what a check changes. The checking itself is IO.
 */
import type { CheckResult } from '../effects.js'
import { type InstanceRecord, readInstanceRecord } from '../model.js'
import { writeInstanceRecord } from '../replica/records.js'
import type { Desk } from './desk.js'

const checkInterval_ms = 15_000

export class Checkup {
  readonly #desk: Desk
  /** In order of time, since every interval is the same; an entry that is not in `#dueById` any more is passed over. */
  readonly #queue: { readonly id: string; readonly at: number }[] = []
  readonly #dueById = new Map<string, number>()

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** Checks an instance at once, and from then on regularly. */
  check(id: string, now: number): void {
    const record = this.#own(id)
    if (record === undefined) return
    this.#desk.emit({ type: 'check', id, n: record.n, url: record.url })
    const at = now + checkInterval_ms
    this.#dueById.set(id, at)
    this.#queue.push({ id, at })
  }

  /** Checks all own instances at once. @returns their ids */
  checkAll(now: number): readonly string[] {
    const ids = this.#desk.journal.keys('instances')
    for (const id of ids) this.check(id, now)
    return ids
  }

  /** A status is written only where it changes. */
  checked(id: string, n: number, { status, details }: CheckResult): void {
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

  tick(now: number): void {
    while (this.#queue[0] !== undefined && this.#queue[0].at <= now) {
      const { id, at } = this.#queue.shift() as { id: string; at: number }
      if (this.#dueById.get(id) !== at) continue
      this.#dueById.delete(id)
      this.check(id, now)
    }
  }

  #own(id: string): InstanceRecord | undefined {
    const json = this.#desk.journal.get('instances', id)
    return json === undefined ? undefined : readInstanceRecord(id, json)
  }

  #write(record: InstanceRecord): void {
    this.#desk.journal.set('instances', record.id, writeInstanceRecord(record))
  }
}
