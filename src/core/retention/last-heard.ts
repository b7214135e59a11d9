/**
 * When others were last heard of, over all runs: by it a daemon that was away for long learns from its peers whether its content may
 * bring back what was removed. Wall time of this machine alone; days, not seconds.
 *
 *     this run     start ·····10 min····· expiry begins: a clock that was wrong at the start has been set by then
 *     wall clock   ────┘ jumps ahead      what expires goes by the time that was lived through, no jump moves it
 */
import type { Effect, Moment, StoreOp } from '../effects.js'
import { type PeerId, readObject } from '../model.js'
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
  /** When this data directory was first used. */
  readonly #born: number
  readonly #wasBorn: boolean
  /** When each other owner was last heard of. */
  readonly #heard = new Map<PeerId, number>()
  #notedAt = Number.NEGATIVE_INFINITY

  /** @param notes of an earlier run */
  constructor(notes: { readonly born?: string; readonly heard?: string }, start: Moment) {
    this.#start = start
    this.#wasBorn = notes.born !== undefined
    this.#born = Number(notes.born) || start.wall
    for (const [owner, at] of Object.entries(readObject(notes.heard ?? '') ?? {})) {
      if (typeof at === 'number') this.#heard.set(owner, at)
    }
  }

  /** What to write at the start of the first run. */
  begin(): StoreOp[] {
    return this.#wasBorn ? [] : [{ type: 'note', name: 'born', value: String(this.#born) }]
  }

  heard(owner: PeerId, wall: number): void {
    this.#heard.set(owner, wall)
  }

  /** Most members are heard by relays alone: brings the table up to date with what the membership knows. */
  #noteSign({ id, heardAt }: Sign, { now, wall }: Moment): void {
    if (heardAt === undefined) return
    this.#heard.set(id, Math.max(this.#heard.get(id) ?? 0, Math.round(wall - (now - heardAt))))
  }

  /** What can be told to a peer about its own past. @param fence up to which it was forgotten */
  witness(asker: Sign, isStale: boolean, fence: SignedHead | undefined, at: Moment): Witness {
    this.#noteSign(asker, at)
    const heardAt = this.#heard.get(asker.id)
    const since = heardAt ?? this.#born
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
  note(signs: Iterable<Sign>, kept: ReadonlySet<PeerId>, at: Moment): StoreOp {
    this.#notedAt = at.now
    for (const sign of signs) this.#noteSign(sign, at)
    for (const owner of this.#heard.keys()) if (!kept.has(owner)) this.#heard.delete(owner)
    return { type: 'note', name: 'heard', value: JSON.stringify(Object.fromEntries(this.#heard)) }
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
