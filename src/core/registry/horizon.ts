/**
 * What outlives a run: when others were last heard of, which owners are fenced, how long removals live, and whether this
 * daemon was away for so long that its content may bring back what was removed. Wall time of this machine alone; days, not seconds.
 */
import type { PeerId } from '../model.js'
import { readObject } from '../model.js'
import { readDefinitionEntry, readFenceEntry, readRemovalEntry } from '../replica/records.js'
import type { Union } from '../replica/union.js'
import type { Witness } from '../wire/sync.js'
import { type Desk, storeSoon } from './desk.js'

const day_ms = 24 * 3600_000
/** A node that was off for longer may hold what everybody else has forgotten the removal of. */
export const horizon_ms = 30 * day_ms
/** Removals, deletion marks and fences live longer than any node may be away. */
export const lifetime_ms = 35 * day_ms
/** How often the notes are brought up to date on disk. */
const noteInterval_ms = 600_000

/** What an earlier run left behind. */
export interface HorizonNotes {
  readonly born?: string
  readonly heard?: string
  readonly fences?: string
}

export class Horizon {
  readonly #desk: Desk
  /** When this data directory was first used. */
  #born: number
  /** When each other owner was last heard of. */
  readonly #heard = new Map<PeerId, number>()
  /** Fences seen, with the time of sight: kept even when the document that brought them goes. */
  readonly #fences = new Map<PeerId, { generation: number; seenAt: number }>()
  #notedAt = Number.NEGATIVE_INFINITY

  constructor(desk: Desk, notes: HorizonNotes, wall: number) {
    this.#desk = desk
    this.#born = Number(notes.born) || wall
    for (const [owner, at] of Object.entries(readObject(notes.heard ?? '') ?? {})) {
      if (typeof at === 'number') this.#heard.set(owner, at)
    }
    for (const [owner, fence] of Object.entries(readObject(notes.fences ?? '') ?? {})) {
      if (!Array.isArray(fence)) continue
      this.#fences.set(owner, { generation: Number(fence[0]), seenAt: Number(fence[1]) })
    }
    if (notes.born === undefined) storeSoon(desk, [{ type: 'note', name: 'born', value: String(this.#born) }])
  }

  /** The highest generation of an owner that must not come back. */
  fencedUpTo(owner: PeerId): number {
    return Math.max(this.#fences.get(owner)?.generation ?? 0, this.#desk.union.fencedUpTo(owner))
  }

  /** A fence in some document. @returns whether it fences more than was known */
  noteFence(owner: PeerId, wall: number): boolean {
    const generation = this.#desk.union.fencedUpTo(owner)
    if (generation <= (this.#fences.get(owner)?.generation ?? 0)) return false
    this.#fences.set(owner, { generation, seenAt: wall })
    storeSoon(this.#desk, [{ type: 'note', name: 'fences', value: this.#fencesAsJson() }])
    return true
  }

  heard(owner: PeerId, wall: number): void {
    this.#heard.set(owner, wall)
  }

  /** What can be told to a peer about its own past. */
  witness(asker: PeerId, stale: boolean, wall: number): Witness {
    const heardAt = this.#heard.get(asker)
    const since = heardAt ?? this.#born
    const silence_s = Math.max(0, Math.round((wall - since) / 1000))
    return { stale, heardOfAsker: heardAt !== undefined, silence_s, fencedUpTo: this.fencedUpTo(asker) }
  }

  /** Brings the notes on disk up to date, and lets go of what has outlived its time. */
  tick(wall: number, now: number, force: boolean): void {
    if (!force && now - this.#notedAt < noteInterval_ms) return
    this.#notedAt = now
    for (const [owner, { seenAt }] of this.#fences) if (wall - seenAt > lifetime_ms) this.#fences.delete(owner)
    for (const owner of this.#heard.keys())
      if (this.#desk.replica.document(owner) === undefined) this.#heard.delete(owner)
    const heard = JSON.stringify(Object.fromEntries(this.#heard))
    storeSoon(this.#desk, [
      { type: 'note', name: 'heard', value: heard },
      { type: 'note', name: 'fences', value: this.#fencesAsJson() },
    ])
    this.#desk.emit({ type: 'up', wall })
    this.#expireOwn(wall)
  }

  #fencesAsJson(): string {
    return JSON.stringify(
      Object.fromEntries([...this.#fences].map(([owner, { generation, seenAt }]) => [owner, [generation, seenAt]])),
    )
  }

  /** Only their writer drops them, by its own clock. */
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
    drop('fences', (_, json) => readFenceEntry(json)?.at)
    drop('definitions', (id, json) => readDefinitionEntry(id, json)?.at)
  }
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
