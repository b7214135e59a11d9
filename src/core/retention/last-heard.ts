/**
 * When others were last heard of, over all runs: by it a daemon that was away for long learns from its peers whether its content may
 * bring back what was removed. Wall time of this machine alone; days, not seconds.
 *
 *     this run     start ·····10 min····· expiry begins: a clock that was wrong at the start has been set by then
 *     wall clock   ────┘ jumps ahead      what expires goes by the time that was lived through, no jump moves it
 */
import type { Effect, Moment, StoreOp } from '../effects.js'
import { type PeerId, readObject } from '../model.js'
import { firstDay_ms } from '../records/lifetimes.js'
import type { SignedHead } from '../wire/head.js'
import type { Witness } from '../wire/sync.js'

/** How far the wall clock may run ahead, or how long a machine may take after its start to set it. */
const clockTrust_ms = 600_000
/** How often the notes are brought up to date on disk. */
const noteInterval_ms = 600_000

/** An owner, with the last word of it in this run. */
export interface Sign {
  readonly id: PeerId
  readonly heardAt: number | undefined
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

  /** @param notes of an earlier run */
  constructor(notes: { readonly born?: string; readonly heard?: string }, start: Moment) {
    this.#start = start
    const born = Number(notes.born)
    if (born >= firstDay_ms) this.#born = born
    for (const [owner, at] of Object.entries(readObject(notes.heard ?? '') ?? {})) {
      if (typeof at === 'number' && at >= firstDay_ms) this.#heardBefore.set(owner, at)
    }
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
  }

  /** Most members are heard by relays alone: brings the table up to date with what the membership knows. */
  #noteSign({ id, heardAt }: Sign): void {
    if (heardAt !== undefined) this.#heardAt.set(id, Math.max(this.#heardAt.get(id) ?? 0, heardAt))
  }

  /** When an owner was last heard of, by the wall clock as it is now. */
  #lastHeard(owner: PeerId, { now, wall }: Moment): number | undefined {
    const heardAt = this.#heardAt.get(owner)
    return heardAt === undefined ? this.#heardBefore.get(owner) : Math.round(wall - (now - heardAt))
  }

  /** What can be told to a peer about its own past. @param fence up to which it was forgotten */
  witness(asker: Sign, isStale: boolean, fence: SignedHead | undefined, at: Moment): Witness {
    this.#noteSign(asker)
    const heardAt = this.#lastHeard(asker.id, at)
    const since = heardAt ?? this.#bornAt(at)
    const silence_s = Math.max(0, Math.round((at.wall - since) / 1000))
    return { stale: isStale, heardOfAsker: heardAt !== undefined, silence_s, ...(fence && { fence }) }
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
    for (const sign of signs) this.#noteSign(sign)
    for (const heard of [this.#heardBefore, this.#heardAt])
      for (const owner of heard.keys()) if (!kept.has(owner)) heard.delete(owner)
    const owners = new Set([...this.#heardBefore.keys(), ...this.#heardAt.keys()])
    const dates = Object.fromEntries([...owners].map((owner) => [owner, this.#lastHeard(owner, at)]))
    const heard: StoreOp = { type: 'note', name: 'heard', value: JSON.stringify(dates) }
    return this.#born === undefined ? [this.#noteBirth(at), heard] : [heard]
  }

  /** That this daemon is up, outside the database. */
  up({ wall }: Moment): Effect {
    return { type: 'up', wall }
  }

  /**
   * The wall clock by which things expire: not ahead of the time that we lived through, since a jump must not end what is to last.
   * @returns undefined while it cannot be trusted yet
   */
  expiryClock({ now, wall }: Moment): number | undefined {
    const lived_ms = now - this.#start.now
    return lived_ms > clockTrust_ms ? Math.min(wall, this.#start.wall + lived_ms + clockTrust_ms) : undefined
  }
}
