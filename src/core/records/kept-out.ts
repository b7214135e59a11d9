/**
 * Which own instances were in maintenance when they ended: nobody ends that by starting their programs again.
 */
import { readObject } from '../model/model.js'

/** So long a program may be gone. */
const memory_ms = 24 * 3600_000
const most = 1024

interface Kept {
  readonly reason: string
  /** By the wall clock, since it outlives a run. */
  readonly at: number
}

export class KeptOut {
  /** Those that ended last are last. */
  readonly #byId = new Map<string, Kept>()
  #isNoteDue = false

  /** @param note what an earlier run has left */
  constructor(note: string | undefined) {
    for (const [id, value] of Object.entries(readObject(note ?? '') ?? {})) {
      const { reason, at } = Object(value) as Record<string, unknown>
      if (typeof reason === 'string' && typeof at === 'number') this.#byId.set(id, { reason, at })
    }
  }

  /** It has ended. Where there are too many, those that did so longest ago are let into service. */
  keep(id: string, reason: string, wall: number): void {
    this.#byId.delete(id)
    this.#byId.set(id, { reason, at: wall })
    for (const known of this.#byId.keys()) {
      if (this.#byId.size <= most) break
      this.#byId.delete(known)
    }
    this.#isNoteDue = true
  }

  /** Why it was kept out when it ended, unless that is too long ago. */
  of(id: string, wall: number): string | undefined {
    const kept = this.#byId.get(id)
    return kept === undefined || Math.abs(wall - kept.at) > memory_ms ? undefined : kept.reason
  }

  /** It is there again, or is not to be kept out. @returns whether it was known */
  forget(id: string): boolean {
    const isKnown = this.#byId.delete(id)
    this.#isNoteDue ||= isKnown
    return isKnown
  }

  /** @returns the note, where it is to be written again */
  takeNote(wall: number): string | undefined {
    if (!this.#isNoteDue) return undefined
    this.#isNoteDue = false
    for (const id of this.#byId.keys()) if (this.of(id, wall) === undefined) this.#byId.delete(id)
    return JSON.stringify(Object.fromEntries(this.#byId))
  }
}
