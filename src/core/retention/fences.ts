/**
 * Fences that were seen: kept when the document that brought them goes, since nobody may come back for that.
 *
 *     document of b     fence (a, 7) ─────── b is forgotten: its document goes
 *     note on disk here (a, 7) ──────────────────────────────────▶ 35 days up: nobody takes a's document of 7 or before
 */
import type { StoreOp } from '../effects.js'
import { type PeerId, hex, readObject, unhex } from '../model/model.js'
import { isOver } from '../records/lifetimes.js'
import type { Union } from '../records/union.js'
import { type SignedHead, decodeHead } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'

/** Fences noted in one tick: each costs the check of a signature. */
const notesPerTick = 64

interface Noted {
  readonly head: SignedHead
  /** By the uptime of this daemon: see `LastHeard`. */
  readonly seenAt: number
}

export class Fences {
  readonly #union: Union
  readonly #noted = new Map<PeerId, Noted>()
  readonly #toNote = new Set<PeerId>()
  #isNoteDue = false
  #refused = 0

  /** @param note of an earlier run */
  constructor(union: Union, note: string | undefined) {
    this.#union = union
    for (const [owner, fence] of Object.entries(readObject(note ?? '') ?? {})) {
      const [bytes, seenAt] = Array.isArray(fence) ? (fence as unknown[]) : []
      const head = typeof bytes === 'string' ? decodeHead(unhex(bytes)) : undefined
      if (head !== undefined && typeof seenAt === 'number') this.#noted.set(owner, { head, seenAt })
    }
  }

  /** The highest head of an owner that is fenced. */
  of(owner: PeerId): SignedHead | undefined {
    return this.byNoteAlone(owner) ?? this.#union.fence(owner)
  }

  /** The same, where the document that said so is gone and no other one does. */
  byNoteAlone(owner: PeerId): SignedHead | undefined {
    const noted = this.#noted.get(owner)?.head
    return generationOf(noted) > generationOf(this.#union.fence(owner)) ? noted : undefined
  }

  /** The highest generation of an owner that must not come back; 0 for none. */
  upTo(owner: PeerId): number {
    return generationOf(this.of(owner))
  }

  /** A fence in some document: remembered when that document is gone. Nothing beyond what one cluster can hold. */
  note(owner: PeerId, uptime_ms: number): void {
    const head = this.#union.fence(owner)
    if (head === undefined || generationOf(head) <= generationOf(this.#noted.get(owner)?.head)) return
    if (!this.#noted.has(owner) && this.#noted.size >= wireLimits.documents) {
      this.#refused += 1
      return
    }
    this.#noted.set(owner, { head, seenAt: uptime_ms })
    this.#isNoteDue = true
  }

  /** A fence in some document has changed; to be noted in one of the next ticks. */
  noteSoon(owner: PeerId): void {
    this.#toNote.add(owner)
  }

  /** @returns what to write, where anything is new */
  tick(uptime_ms: number): StoreOp[] {
    let count = 0
    for (const owner of this.#toNote) {
      if (count++ >= notesPerTick) break
      this.#toNote.delete(owner)
      this.note(owner, uptime_ms)
    }
    if (!this.#isNoteDue) return []
    this.#isNoteDue = false
    return [this.asNote()]
  }

  asNote(): StoreOp {
    const noted = [...this.#noted].map(([owner, { head, seenAt }]) => [owner, [hex(head.bytes), seenAt]])
    return { type: 'note', name: 'fences', value: JSON.stringify(Object.fromEntries(noted)) }
  }

  /** How many were one too many. */
  get refused(): number {
    return this.#refused
  }

  dropExpired(uptime_ms: number): void {
    for (const [owner, { head, seenAt }] of this.#noted)
      if (isOver(seenAt, uptime_ms)) this.#noted.delete(owner)
      else if (seenAt > uptime_ms) this.#noted.set(owner, { head, seenAt: uptime_ms })
  }
}

function generationOf(head: SignedHead | undefined): number {
  return head?.head.generation ?? 0
}
