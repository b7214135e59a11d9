/**
 * When own instances end by what they themselves say: by a ttl that passed, by a session that is over, by having been ill for
 * too long. It follows their records; it writes none.
 */
import { durationOf } from '../model/duration.js'
import { graceOf } from '../model/lifetime.js'
import type { InstanceRecord, InstanceStatus } from '../model/model.js'

const bad: ReadonlySet<InstanceStatus> = new Set(['Unreachable', 'Error'])

interface Ttl {
  readonly length_ms: number
  readonly grace_ms: number
  renewedAt: number
  isOver: boolean
}

interface Illness {
  readonly limit_ms: number
  since: number | undefined
}

/** What a look at the clock came to: ids of instances. */
export interface ExpiryNews {
  /** Whose ttl has passed just now. */
  readonly expired: readonly string[]
  /** Whose ttl, and grace, have passed. */
  readonly over: readonly string[]
  /** Ill for as long as they wanted to be kept. */
  readonly ill: readonly string[]
}

export class Expiry {
  readonly #ttls = new Map<string, Ttl>()
  readonly #illnesses = new Map<string, Illness>()
  readonly #bySession = new Map<string, Set<string>>()
  readonly #sessionById = new Map<string, string>()

  /** An own record is like this now, or is gone. */
  note(id: string, record: InstanceRecord | undefined, now: number): void {
    this.#noteSession(id, record?.session)
    this.#noteTtl(id, record, now)
    this.#noteIllness(id, record)
  }

  #noteSession(id: string, session: string | undefined): void {
    const before = this.#sessionById.get(id)
    if (before === session) return
    if (before !== undefined) {
      const ids = this.#bySession.get(before)
      ids?.delete(id)
      if (ids?.size === 0) this.#bySession.delete(before)
      this.#sessionById.delete(id)
    }
    if (session === undefined) return
    this.#sessionById.set(id, session)
    const ids = this.#bySession.get(session) ?? new Set()
    this.#bySession.set(session, ids.add(id))
  }

  /** One whole ttl from the moment that it is known here. */
  #noteTtl(id: string, record: InstanceRecord | undefined, now: number): void {
    const length_ms = record?.ttl === undefined ? undefined : durationOf(record.ttl)
    if (record === undefined || length_ms === undefined) return void this.#ttls.delete(id)
    const known = this.#ttls.get(id)
    const grace_ms = graceOf(record)
    if (known?.length_ms === length_ms && known.grace_ms === grace_ms) return
    this.#ttls.set(id, { length_ms, grace_ms, renewedAt: now, isOver: false })
  }

  #noteIllness(id: string, record: InstanceRecord | undefined): void {
    const limit_ms = record?.deregisterAfter === undefined ? undefined : durationOf(record.deregisterAfter)
    if (limit_ms === undefined) return void this.#illnesses.delete(id)
    this.#illnesses.set(id, { limit_ms, since: this.#illnesses.get(id)?.since })
  }

  /** Those that want to go when they are ill for long. */
  mortal(): Iterable<string> {
    return this.#illnesses.keys()
  }

  /** How one of them is by its checks: what is shown may be worse, since it flaps, or since that is what it says itself. */
  noteHealth(id: string, status: InstanceStatus | undefined, now: number): void {
    const illness = this.#illnesses.get(id)
    if (illness === undefined) return
    illness.since = status !== undefined && bad.has(status) ? (illness.since ?? now) : undefined
  }

  /** What lives with a session. */
  livingWith(session: string): readonly string[] {
    return [...(this.#bySession.get(session) ?? [])]
  }

  /** What an instance lives with, by what was noted last. */
  sessionOf(id: string): string | undefined {
    return this.#sessionById.get(id)
  }

  /** The sessions that own instances live with. */
  sessions(): readonly string[] {
    return [...this.#bySession.keys()]
  }

  livesWith(id: string, session: string): boolean {
    return this.#sessionById.get(id) === session
  }

  countOf(session: string): number {
    return this.#bySession.get(session)?.size ?? 0
  }

  /**
   * It lives for one ttl from now on.
   * @returns whether it has a ttl, and whether that had passed
   */
  renew(id: string, now: number): 'renewed' | 'back' | 'has no ttl' {
    const ttl = this.#ttls.get(id)
    if (ttl === undefined) return 'has no ttl'
    const { isOver } = ttl
    Object.assign(ttl, { renewedAt: now, isOver: false })
    return isOver ? 'back' : 'renewed'
  }

  /** For how long its ttl has passed by now, and when it goes by that. */
  lateness(id: string, now: number): { readonly age_ms: number; readonly goesIn_ms: number } | undefined {
    const ttl = this.#ttls.get(id)
    const age_ms = ttl === undefined ? -1 : Math.round(now - ttl.renewedAt - ttl.length_ms)
    if (ttl === undefined || age_ms < 0) return undefined
    return { age_ms, goesIn_ms: Math.max(0, Math.round(ttl.grace_ms - age_ms)) }
  }

  tick(now: number): ExpiryNews {
    const expired: string[] = []
    const over: string[] = []
    for (const [id, ttl] of this.#ttls) {
      const late_ms = now - ttl.renewedAt - ttl.length_ms
      if (late_ms >= 0 && !ttl.isOver) {
        ttl.isOver = true
        expired.push(id)
      }
      if (late_ms >= ttl.grace_ms) over.push(id)
    }
    const ill = [...this.#illnesses].filter(([, { since, limit_ms }]) => since !== undefined && now - since >= limit_ms)
    return { expired, over, ill: ill.map(([id]) => id) }
  }

  /** Each has its whole time from here: until now nobody could be heard, or written down. */
  beginAnew(now: number): void {
    for (const ttl of this.#ttls.values()) ttl.renewedAt = ttl.isOver ? now - ttl.length_ms : now
    for (const illness of this.#illnesses.values()) illness.since = undefined
  }

  /** This daemon was asleep for so long: nobody could reach it. */
  forgive(slept_ms: number): void {
    for (const ttl of this.#ttls.values()) ttl.renewedAt += slept_ms
    for (const illness of this.#illnesses.values()) if (illness.since !== undefined) illness.since += slept_ms
  }
}
