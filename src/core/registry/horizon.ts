/**
 * What outlives a run: when others were last heard of, which owners are fenced, how long removals live, and whether this
 * daemon was away for so long that its content may bring back what was removed. Wall time of this machine alone; days, not seconds.
 */
import type { Moment } from '../effects.js'
import type { PeerId } from '../model.js'
import { hex, readObject, unhex } from '../model.js'
import { readDefinitionEntry, readFenceEntry, readRemovalEntry } from '../replica/records.js'
import type { Union } from '../replica/union.js'
import { type SignedHead, decodeHead } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Witness } from '../wire/sync.js'
import { type Desk, storeSoon } from './desk.js'

const day_ms = 24 * 3600_000
/** A node that was off for longer may hold what everybody else has forgotten the removal of. */
export const horizon_ms = 30 * day_ms
/** Removals, deletion marks and fences live longer than any node may be away. */
const lifetime_ms = 35 * day_ms
/** How far the wall clock may run ahead, and how long a machine may take after its start to set it. */
const clockTrust_ms = 600_000
/** How often the notes are brought up to date on disk. */
const noteInterval_ms = 600_000
/** Fences noted in one tick. */
const notesPerTick = 64

/** What an earlier run left behind. */
export interface HorizonNotes {
  readonly born?: string
  readonly heard?: string
  readonly fences?: string
  /** How long others were silent, see `Forgetting`. */
  readonly silence?: string
}

export class Horizon {
  readonly #desk: Desk
  readonly #start: Moment
  /** When this data directory was first used. */
  #born: number
  /** When each other owner was last heard of. */
  readonly #heard = new Map<PeerId, number>()
  /** Fences seen, with the time of sight: kept even when the document that brought them goes. */
  readonly #fences = new Map<PeerId, { readonly head: SignedHead; readonly seenAt: number }>()
  /** Owners whose fences are still to be noted: each costs the check of a signature. */
  readonly #toNote = new Set<PeerId>()
  #isFenceNoteDue = false
  #notedAt = Number.NEGATIVE_INFINITY

  constructor(desk: Desk, notes: HorizonNotes, start: Moment) {
    this.#desk = desk
    this.#start = start
    this.#born = Number(notes.born) || start.wall
    for (const [owner, at] of Object.entries(readObject(notes.heard ?? '') ?? {})) {
      if (typeof at === 'number') this.#heard.set(owner, at)
    }
    for (const [owner, fence] of Object.entries(readObject(notes.fences ?? '') ?? {})) {
      const [bytes, seenAt] = Array.isArray(fence) ? (fence as unknown[]) : []
      const head = typeof bytes === 'string' ? decodeHead(unhex(bytes)) : undefined
      if (head !== undefined && typeof seenAt === 'number') this.#fences.set(owner, { head, seenAt })
    }
    if (notes.born === undefined) storeSoon(desk, [{ type: 'note', name: 'born', value: String(this.#born) }])
  }

  /** The highest head of an owner that is fenced. */
  fence(owner: PeerId): SignedHead | undefined {
    return this.fenceByNoteAlone(owner) ?? this.#desk.union.fence(owner)
  }

  /** The same, where the document that said so is gone and no other one does. */
  fenceByNoteAlone(owner: PeerId): SignedHead | undefined {
    const noted = this.#fences.get(owner)?.head
    return generationOf(noted) > generationOf(this.#desk.union.fence(owner)) ? noted : undefined
  }

  /** The highest generation of an owner that must not come back; 0 for none. */
  fencedUpTo(owner: PeerId): number {
    return generationOf(this.fence(owner))
  }

  /** A fence in some document: remembered when that document is gone. Nothing beyond what one cluster can hold. */
  noteFence(owner: PeerId, wall: number): void {
    const head = this.#desk.union.fence(owner)
    if (head === undefined || generationOf(head) <= generationOf(this.#fences.get(owner)?.head)) return
    if (!this.#fences.has(owner) && this.#fences.size >= wireLimits.documents) return this.#desk.drop('too many fences')
    this.#fences.set(owner, { head, seenAt: wall })
    this.#isFenceNoteDue = true
  }

  /** A fence in some document has changed; to be noted in one of the next ticks. */
  noteFenceSoon(owner: PeerId): void {
    this.#toNote.add(owner)
  }

  #noteFences(wall: number): void {
    let count = 0
    for (const owner of this.#toNote) {
      if (count++ >= notesPerTick) break
      this.#toNote.delete(owner)
      this.noteFence(owner, wall)
    }
    this.#writeFenceNote()
  }

  #writeFenceNote(): void {
    if (!this.#isFenceNoteDue) return
    this.#isFenceNoteDue = false
    storeSoon(this.#desk, [{ type: 'note', name: 'fences', value: this.#fencesAsJson() }])
  }

  heard(owner: PeerId, wall: number): void {
    this.#heard.set(owner, wall)
  }

  /** Most members are heard by hearsay alone: brings the table up to date with what the membership knows. */
  #noteHeard(owner: PeerId, { now, wall }: Moment): void {
    const heardAt = this.#desk.membership.member(owner)?.heardAt
    if (heardAt === undefined) return
    this.#heard.set(owner, Math.max(this.#heard.get(owner) ?? 0, Math.round(wall - (now - heardAt))))
  }

  /** What can be told to a peer about its own past. */
  witness(asker: PeerId, stale: boolean, at: Moment): Witness {
    this.#noteHeard(asker, at)
    const { wall } = at
    const heardAt = this.#heard.get(asker)
    const since = heardAt ?? this.#born
    const silence_s = Math.max(0, Math.round((wall - since) / 1000))
    const fence = this.fence(asker)
    return { stale, heardOfAsker: heardAt !== undefined, silence_s, ...(fence && { fence }) }
  }

  /** Brings the notes on disk up to date, and lets go of what has outlived its time. */
  tick(wall: number, now: number, force: boolean): void {
    this.#noteFences(wall)
    if (!force && now - this.#notedAt < noteInterval_ms) return
    this.#notedAt = now
    for (const { id } of this.#desk.membership.members()) this.#noteHeard(id, { now, wall })
    for (const owner of this.#heard.keys())
      if (this.#desk.replica.document(owner) === undefined) this.#heard.delete(owner)
    const heard = JSON.stringify(Object.fromEntries(this.#heard))
    storeSoon(this.#desk, [
      { type: 'note', name: 'heard', value: heard },
      { type: 'note', name: 'fences', value: this.#fencesAsJson() },
    ])
    this.#desk.emit({ type: 'up', wall })
    if (now - this.#start.now > clockTrust_ms) this.#expire(this.#lived(wall, now))
  }

  /** The wall clock, unless it has run ahead of the time that we lived through: a jump must not end what is to last. */
  #lived(wall: number, now: number): number {
    return Math.min(wall, this.#start.wall + (now - this.#start.now) + clockTrust_ms)
  }

  #fencesAsJson(): string {
    return JSON.stringify(
      Object.fromEntries([...this.#fences].map(([owner, { head, seenAt }]) => [owner, [hex(head.bytes), seenAt]])),
    )
  }

  /** Lets go of notes, and of own entries, which only their writer drops; all by the one clock that no jump moves. */
  #expire(wall: number): void {
    for (const [owner, { seenAt }] of this.#fences) if (wall - seenAt > lifetime_ms) this.#fences.delete(owner)
    this.#expireOwn(wall)
  }

  #expireOwn(wall: number): void {
    const { journal } = this.#desk
    const isOver = (at: number | undefined): boolean => at !== undefined && wall - at * 1000 > lifetime_ms
    const drop = (
      map: 'removals' | 'definitions' | 'fences',
      at: (key: string, json: string) => number | undefined,
    ): void => {
      for (const key of journal.keys(map))
        if (isOver(at(key, journal.get(map, key) ?? ''))) journal.set(map, key, undefined)
    }
    if (!journal.isOpen) return
    drop('removals', (_, json) => readRemovalEntry(json)?.at)
    drop('fences', (owner, json) => readFenceEntry(owner, json)?.at)
    drop('definitions', (id, json) => readDefinitionEntry(id, json)?.at)
  }
}

function generationOf(head: SignedHead | undefined): number {
  return head?.head.generation ?? 0
}

/** What a daemon that was off for long makes of what its peers tell. */
export type StaleVerdict = 'confirmed' | 'refuted' | 'no-word'

/** A member that is itself stale, or too young to know, has no word in it. */
export function staleVerdict(witness: Witness): StaleVerdict {
  if (witness.stale) return 'no-word'
  if (witness.silence_s * 1000 > horizon_ms) return 'confirmed'
  return witness.heardOfAsker ? 'refuted' : 'no-word'
}

/** Whether anything that a daemon holds could come back wrongly. */
export function holdsAnything(union: Union): boolean {
  return !union.instanceIds().next().done || !union.definitionIds().next().done
}
