/**
 * All starts that this daemon's document has come through, kept beside it on disk, so that a copy of the one is a copy of the other.
 *
 *     disk        s1:20  s2:8  s3:11        every start, whether or not anybody saw it; a document given back is looked up here
 *     told        s1:20                     those whose heads somebody may hold, the last eight of them
 *     continued   s1:20                     the last one before this start that somebody may hold: starts that nobody saw collapse
 *                                           into it. Its content is kept as long as what is written since may have to be merged
 *
 * Whose point is here, but not told any more, was off for long: it gives its document back, the point is told again, and it goes on.
 * Where the table is full, starts that nobody saw go first, then the earliest: what comes back of one that is gone is merged.
 */
import { type Ancestor, type Ancestry, covers, isAfter, readPlace, toldPoints } from '../model/ancestry.js'
import type { StoreOp } from '../effects.js'
import { readObject } from '../model/model.js'
import type { Origin, Point } from '../wire/head.js'

const pointsKept = 1024

interface Start {
  readonly version: number
  /** Somebody may hold a head of it. */
  readonly isSeen: boolean
}

export class History {
  /** By boot id; the one of which was heard last is the last. */
  readonly #starts = new Map<string, Start>()
  /** Up to here our documents were written by an earlier version of this program. */
  #since: Point | undefined
  #isNoteDue = false

  /** @param note of an earlier run */
  constructor(note: string | undefined) {
    const { starts, since } = readObject(note ?? '') ?? {}
    for (const start of Array.isArray(starts) ? (starts as unknown[]) : []) {
      const [boot, version, isSeen] = Array.isArray(start) ? (start as unknown[]) : []
      if (typeof boot === 'string' && typeof version === 'number')
        this.#starts.set(boot, { version, isSeen: isSeen === 1 })
    }
    this.#since = readPlace(since)
  }

  /** Whether anybody may hold a head of this start. */
  isSeen(boot: string): boolean {
    return this.#starts.get(boot)?.isSeen === true
  }

  /** Whether anybody may hold anything of ours. */
  get isShared(): boolean {
    return this.#since !== undefined || [...this.#starts.values()].some(({ isSeen }) => isSeen)
  }

  /** Whether a head is part of what we have. */
  covers(head: Origin): boolean {
    const start = this.#starts.get(head.boot)
    if (start !== undefined && start.version >= head.version) return true
    return this.#since !== undefined && covers({ points: [], since: this.#since }, head)
  }

  /** What is at this point is part of what we have. */
  add({ boot, version }: Ancestor, isSeen: boolean): void {
    const known = this.#starts.get(boot)
    const start = { version: Math.max(version, known?.version ?? 0), isSeen: isSeen || known?.isSeen === true }
    this.#starts.delete(boot)
    this.#starts.set(boot, start)
    if (this.#starts.size > pointsKept) this.#dropOne()
    this.#isNoteDue = true
  }

  #dropOne(): void {
    const [first] = this.#starts.keys()
    const unseen = [...this.#starts].find(([, { isSeen }]) => !isSeen)?.[0]
    this.#starts.delete((unseen ?? first) as string)
  }

  /** All that is part of another document of ours is. @param ancestry undefined where an earlier version has written it, up to `head` */
  addAll(ancestry: Ancestry | undefined, head: Origin): void {
    for (const point of ancestry?.points ?? []) this.add(point, true)
    const since = ancestry === undefined ? head : ancestry.since
    if (since !== undefined && (this.#since === undefined || isAfter(since, this.#since)))
      this.#since = { generation: since.generation, version: since.version }
    this.#isNoteDue = true
  }

  /** Somebody holds this, which is part of what we have, and may wait to be told so. @returns whether others are told more now */
  tell(head: Origin, self: string): boolean {
    if (covers(this.told(self), head)) return false
    this.add({ boot: head.boot, version: this.#starts.get(head.boot)?.version ?? head.version }, true)
    return true
  }

  /** What there was is gone: nothing is part of what we have. */
  clear(): void {
    this.#starts.clear()
    this.#since = undefined
    this.#isNoteDue = true
  }

  /** What others are told. @param self this start, whose heads tell of themselves */
  told(self: string): Ancestry {
    const seen = [...this.#starts].filter(([boot, { isSeen }]) => isSeen && boot !== self)
    const points = seen.slice(-toldPoints).map(([boot, { version }]) => ({ boot, version }))
    return { points, ...(this.#since && { since: this.#since }) }
  }

  /** What to write, where anything is new. */
  takeNote(): StoreOp | undefined {
    if (!this.#isNoteDue) return undefined
    this.#isNoteDue = false
    const starts = [...this.#starts].map(([boot, { version, isSeen }]) => [boot, version, isSeen ? 1 : 0])
    const since = this.#since && { since: [this.#since.generation, this.#since.version] }
    return { type: 'note', name: 'history', value: JSON.stringify({ starts, ...since }) }
  }
}
