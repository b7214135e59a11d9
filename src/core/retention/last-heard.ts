/**
 * For how long others were silent, over all runs: by it a daemon that was away for long learns from its peers whether its content may
 * bring back what was removed. Silence is counted in our own uptime: when we were off ourselves nobody could be heard.
 *
 *     a, up     ████████████          ██████    a word of b at ▼: silent for 5 when all start again, however long they were off
 *     b, up     ███████▼                  ██
 *     uptime    0      7   12         12        on disk every ten minutes: what a crash takes away counts for nobody's silence
 *
 * Removals, marks, fences are dated by the same count, so that no jump of a clock, and no time that we were off, ends what is to last.
 */
import type { Effect, Moment, StoreOp } from '../effects.js'
import { type PeerId, readObject } from '../model/model.js'
import { firstDay_ms, horizon_ms } from '../records/lifetimes.js'
import type { SignedHead } from '../wire/head.js'
import type { Silence, Witness } from '../wire/sync.js'
import { Told } from './told.js'

/** How often the notes are brought up to date on disk. */
const noteInterval_ms = 600_000

/** Between two looks no more time is counted: more than that we have slept through. */
const look_ms = 120_000

/** So long after its start a daemon has been told what its peers have counted. */
const acquaintance_ms = 30_000

/** So many others, of all that were ever heard, are told apart from those that never were. */
const forgottenKept = 8192

/** An owner, with the last word of it in this run. */
export interface Sign {
  readonly id: PeerId
  readonly heardAt: number | undefined
  /** Which word that was. */
  readonly heardGeneration: number
  readonly sequence: number
}

/** How the answer to a daemon that asks about its own past comes about. */
export interface Asking {
  readonly isStale: boolean
  /** Up to which the asker was forgotten. */
  readonly fence: SignedHead | undefined
  readonly at: Moment
}

export class LastHeard {
  readonly #start: Moment
  /** When this data directory was first used; absent where that is in this run, however its clock is set meanwhile. */
  readonly #born: number | undefined
  /** When each other owner was last heard of in an earlier run, unix milliseconds. */
  readonly #heardBefore = new Map<PeerId, number>()
  /** The same in this run, by the clock that nobody sets. */
  readonly #heardAt = new Map<PeerId, number>()
  #notedAt = Number.NEGATIVE_INFINITY
  /** Uptime over all runs, as far as it was counted, as a date: it began on the first day of all. */
  #uptime_ms = firstDay_ms
  #bornAtUptime = firstDay_ms
  /** What the uptime was at the last word of each other owner. */
  readonly #heardAtUptime = new Map<PeerId, number>()
  #countedAt: number
  /** Time of this run that was slept through, until when. */
  #slept_ms = 0
  #sleptUntil: number
  #countedFrom: number | undefined
  #told = new Told({})

  /** @param notes of an earlier run */
  constructor(notes: { readonly born?: string; readonly heard?: string; readonly uptime?: string }, start: Moment) {
    this.#start = start
    this.#countedAt = start.now
    this.#sleptUntil = start.now
    const born = Number(notes.born)
    if (born >= firstDay_ms) this.#born = born
    for (const [owner, at] of Object.entries(readObject(notes.heard ?? '') ?? {})) {
      if (typeof at === 'number' && at >= firstDay_ms) this.#heardBefore.set(owner, at)
    }
    this.#readUptime(readObject(notes.uptime ?? ''))
  }

  /** Earlier versions left dates alone: the last of them stands for the uptime that they did not count. */
  #readUptime(note: Record<string, unknown> | undefined): void {
    if (note === undefined) {
      if (this.#born === undefined) return
      this.#bornAtUptime = this.#born
      this.#uptime_ms = Math.max(...this.dates())
      for (const [owner, at] of this.#heardBefore) this.#heardAtUptime.set(owner, at)
      return
    }
    const { up, born, heard } = note
    this.#told = new Told(note)
    if (typeof up === 'number' && up >= firstDay_ms) this.#uptime_ms = up
    if (typeof born === 'number') this.#bornAtUptime = Math.min(born, this.#uptime_ms)
    for (const [owner, at] of Object.entries((heard ?? {}) as object))
      if (typeof at === 'number') this.#heardAtUptime.set(owner, Math.min(at, this.#uptime_ms))
  }

  /** Counts the time since the last look. @param isUp whether it counts: nobody listens before the first head */
  count({ now }: Moment, isUp: boolean): void {
    if (isUp) this.#countedFrom ??= now
    const elapsed_ms = now - this.#countedAt
    const counted_ms = isUp ? Math.min(elapsed_ms, look_ms) : 0
    this.#countedAt = now
    this.#uptime_ms += counted_ms
    if (elapsed_ms <= counted_ms) return
    this.#slept_ms = elapsed_ms - counted_ms
    this.#sleptUntil = now
  }

  /** By what is to be remembered is dated, and dropped: unix milliseconds of a clock that stands while this daemon is off. */
  get uptime_ms(): number {
    return this.#uptime_ms
  }

  /** What the uptime was at a moment of this run. */
  #uptimeAt(then: number): number {
    const slept_ms = then < this.#sleptUntil ? this.#slept_ms : 0
    return Math.min(this.#uptime_ms, this.#uptime_ms - (this.#countedAt - then) + slept_ms)
  }

  /** The dates that an earlier run has left. */
  *dates(): Generator<number> {
    if (this.#born !== undefined) yield this.#born
    yield* this.#heardBefore.values()
  }

  /** What to write at the start of the first run. */
  begin(): StoreOp[] {
    return this.#born === undefined ? [this.#noteBirth(this.#start)] : []
  }

  #noteBirth(at: Moment): StoreOp {
    return { type: 'note', name: 'born', value: String(this.#bornAt(at)) }
  }

  #bornAt({ now, wall }: Moment): number {
    return this.#born ?? Math.round(wall - (now - this.#start.now))
  }

  /** Whether anything was ever heard of an owner, as far as it is noted. */
  knows(owner: PeerId): boolean {
    return this.#heardAt.has(owner) || this.#heardBefore.has(owner)
  }

  heard(owner: PeerId, now: number): void {
    this.#heardAt.set(owner, now)
    this.#heardAtUptime.set(owner, this.#uptime_ms)
    this.#told.hearAnew(owner)
  }

  /** Most members are heard by relays alone: brings the table up to date with what the membership knows. */
  #noteSign({ id, heardAt, heardGeneration, sequence }: Sign, { now, wall }: Moment): void {
    if (heardAt === undefined) return
    this.#heardAt.set(id, Math.max(this.#heardAt.get(id) ?? 0, heardAt))
    const known = this.#heardAtUptime.get(id) ?? Number.NEGATIVE_INFINITY
    this.#heardAtUptime.set(id, Math.max(known, this.#uptimeAt(heardAt)))
    this.#told.hear(id, { generation: heardGeneration, sequence, wall: Math.round(wall - (now - heardAt)) })
  }

  /** When an owner was last heard of, by the wall clock as it is now. */
  #lastHeard(owner: PeerId, { now, wall }: Moment): number | undefined {
    const heardAt = this.#heardAt.get(owner)
    return heardAt === undefined ? this.#heardBefore.get(owner) : Math.round(wall - (now - heardAt))
  }

  /**
   * What can be told to a peer about its own past. Whoever has just started may have missed what others have counted: it does not
   * say that it has heard of the asker, unless in this run, until it was told.
   */
  witness(asker: PeerId, sign: Sign | undefined, { isStale, fence, at }: Asking): Witness {
    if (sign !== undefined) this.#noteSign(sign, at)
    const own_ms = this.#heardAtUptime.get(asker)
    const since_ms = own_ms === undefined ? this.#bornAtUptime : this.#told.lastWordAt(asker, own_ms)
    const silence_s = Math.max(0, Math.floor((this.#uptime_ms - since_ms) / 1000))
    const isTold = at.now - (this.#countedFrom ?? at.now) >= acquaintance_ms
    const heardOfAsker = own_ms !== undefined && (isTold || this.#heardAt.has(asker))
    return { stale: isStale, heardOfAsker, silence_s, ...(fence && { fence }) }
  }

  /** For how long members were silent, by all that is known of it. */
  silences(signs: Iterable<Sign>, at: Moment): Silence[] {
    for (const sign of signs) this.#noteSign(sign, at)
    return this.#told.list(this.#heardAtUptime, this.#uptime_ms)
  }

  /**
   * A peer has counted so. Of whom we never heard we have no word, whatever others say.
   * @param generation up to which its heads prove that there was a word of it
   */
  take(silence: Silence, sign: Sign | undefined, generation: number, at: Moment): void {
    if (sign !== undefined) this.#noteSign(sign, at)
    const own_ms = this.#heardAtUptime.get(silence.owner)
    if (own_ms === undefined) return
    const own = { at: own_ms, now: this.#uptime_ms }
    if (this.#told.take(silence, own, generation, at.wall) >= noteInterval_ms) this.#notedAt = Number.NEGATIVE_INFINITY
  }

  isNoteDue(now: number): boolean {
    return now - this.#notedAt >= noteInterval_ms
  }

  /**
   * Brings the table up to date.
   * @param kept owners whose documents are held; all others are let go of
   * @returns what to write
   */
  note(signs: Iterable<Sign>, kept: ReadonlySet<PeerId>, at: Moment): StoreOp[] {
    this.#notedAt = at.now
    for (const sign of signs) this.#noteSign(sign, at)
    for (const heard of [this.#heardBefore, this.#heardAt])
      for (const owner of heard.keys()) if (!kept.has(owner)) heard.delete(owner)
    // Who was forgotten may come back for as long as its absence is not confirmed by our age alone.
    const isOfAge = this.#uptime_ms - this.#bornAtUptime > horizon_ms
    for (const [owner, own_ms] of this.#heardAtUptime) {
      const isConfirmed = isOfAge && this.#uptime_ms - this.#told.lastWordAt(owner, own_ms) > horizon_ms
      if (kept.has(owner) || !(isConfirmed || this.#heardAtUptime.size > forgottenKept)) continue
      this.#heardAtUptime.delete(owner)
      this.#told.forget(owner)
    }
    const owners = new Set([...this.#heardBefore.keys(), ...this.#heardAt.keys()])
    const dates = Object.fromEntries([...owners].map((owner) => [owner, this.#lastHeard(owner, at)]))
    const heard: StoreOp = { type: 'note', name: 'heard', value: JSON.stringify(dates) }
    const uptime: StoreOp = {
      type: 'note',
      name: 'uptime',
      value: JSON.stringify({
        up: this.#uptime_ms,
        born: this.#bornAtUptime,
        heard: Object.fromEntries(this.#heardAtUptime),
        ...this.#told.toJSON(),
      }),
    }
    return this.#born === undefined ? [this.#noteBirth(at), heard, uptime] : [heard, uptime]
  }

  /** That this daemon is up, outside the database. */
  up({ wall }: Moment): Effect {
    return { type: 'up', wall }
  }
}
