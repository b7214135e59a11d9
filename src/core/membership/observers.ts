/**
 * Who observes whom: eight rings, on each of which a member is observed by its nearest predecessor that is not chosen yet.
 * It knows ids and nothing else; who stands on the rings is told to it.
 *
 * After Rapid's monitoring overlay (Suresh et al., USENIX ATC 2018, §4.1): pseudo-random orders make an expander, so that
 * whoever falls silent has observers all over the cluster. Unlike there the observers are always distinct.
 */
import type { PeerId } from '../model/model.js'

/** Observers of each member, where there are so many others; in smaller clusters everyone observes everyone. */
export const ringCount = 8

/** A member's places: one unsigned 32-bit number for each ring. */
export type Places = Uint32Array

interface Standing {
  readonly id: PeerId
  readonly places: Places
}

/** Who stands on one ring, in its order. The places lie beside each other, since they are searched all the time. */
interface Ring {
  readonly ids: PeerId[]
  readonly places: number[]
}

/** @param hash 32 bytes that follow from the peer id alone, so that every daemon orders alike */
export function placesOf(hash: Uint8Array): Places {
  const view = new DataView(hash.buffer, hash.byteOffset, 4 * ringCount)
  return Uint32Array.from({ length: ringCount }, (_, ring) => view.getUint32(4 * ring))
}

/** Who observes a member, and at which version of the rings that was last seen to hold. */
interface Answer {
  readonly observers: readonly PeerId[]
  version: number
}

export class Rings {
  readonly #self: PeerId
  readonly #rings: Ring[] = Array.from({ length: ringCount }, () => ({ ids: [], places: [] }))
  readonly #standing = new Map<PeerId, Standing>()
  readonly #answers = new Map<PeerId, Answer>()
  #version = 0
  /** What the version was after the last that was added. */
  #addedVersion = 0

  constructor(self: PeerId, places: Places) {
    this.#self = self
    this.add(self, places)
  }

  /** Raised by every change. */
  get version(): number {
    return this.#version
  }

  has(id: PeerId): boolean {
    return this.#standing.has(id)
  }

  add(id: PeerId, places: Places): void {
    if (this.#standing.has(id)) return
    const standing = { id, places }
    this.#standing.set(id, standing)
    this.#answers.delete(id)
    for (let i = 0; i < ringCount; i++) {
      const ring = this.#rings[i] as Ring
      const at = placeIn(ring, i, standing)
      ring.ids.splice(at, 0, id)
      ring.places.splice(at, 0, places[i] as number)
      for (const subject of followers(ring, i, at)) this.#answers.delete(subject)
    }
    this.#version += 1
    this.#addedVersion = this.#version
  }

  remove(id: PeerId): void {
    this.#answers.delete(id)
    const standing = this.#standing.get(id)
    if (standing === undefined || id === this.#self) return
    this.#standing.delete(id)
    for (let i = 0; i < ringCount; i++) {
      const ring = this.#rings[i] as Ring
      const at = placeIn(ring, i, standing)
      ring.ids.splice(at, 1)
      ring.places.splice(at, 1)
    }
    this.#version += 1
  }

  /**
   * The observers of a member, in the order of the rings.
   * @param places where it would stand; it need not be on the rings itself
   */
  observersOf(id: PeerId, places: Places): readonly PeerId[] {
    const known = this.#answers.get(id)
    if (known !== undefined && this.#holds(id, known)) return known.observers
    const observers = this.#choose({ id, places })
    this.#answers.set(id, { observers, version: this.#version })
    return observers
  }

  /**
   * Whoever goes changes nothing for those whom it did not observe: when many die at once, most answers hold. Whoever comes
   * may observe anybody that does not stand on the rings; of those that do, the answers that it changes are gone already.
   */
  #holds(id: PeerId, answer: Answer): boolean {
    if (answer.version === this.#version) return true
    if (answer.version < this.#addedVersion && !this.#standing.has(id)) return false
    if (!answer.observers.every((observer) => this.#standing.has(observer))) return false
    answer.version = this.#version
    return true
  }

  /** How many observers a member has, without asking who they are. */
  countObservers(id: PeerId): number {
    return Math.min(ringCount, this.#standing.size - (this.#standing.has(id) ? 1 : 0))
  }

  #choose(subject: Standing): PeerId[] {
    const count = this.countObservers(subject.id)
    const chosen: PeerId[] = []
    for (let i = 0; i < count; i++) {
      const ring = this.#rings[i] as Ring
      let at = placeIn(ring, i, subject)
      for (;;) {
        at = (at === 0 ? ring.ids.length : at) - 1
        const id = ring.ids[at] as PeerId
        if (id === subject.id || chosen.includes(id)) continue
        chosen.push(id)
        break
      }
    }
    return chosen
  }

  /** Those on the rings whom we observe. */
  subjects(): PeerId[] {
    const own = this.#standing.get(this.#self) as Standing
    const subjects = new Set<PeerId>()
    for (let i = 0; i < ringCount; i++) {
      const ring = this.#rings[i] as Ring
      for (const id of followers(ring, i, placeIn(ring, i, own))) {
        const { places } = this.#standing.get(id) as Standing
        if (!subjects.has(id) && this.observersOf(id, places).includes(this.#self)) subjects.add(id)
      }
    }
    return [...subjects]
  }

  /** Whoever stands at a place of the first ring, or next after it: a choice that stays while others come and go. */
  at(place: number): PeerId {
    const { ids, places } = this.#rings[0] as Ring
    return ids[firstFrom(places, place) % ids.length] as PeerId
  }
}

/** Where a member stands on a ring, or would. Of two at one place the lesser id comes first. */
function placeIn({ ids, places }: Ring, i: number, standing: Standing): number {
  const place = standing.places[i] as number
  let at = firstFrom(places, place)
  while (places[at] === place && (ids[at] as PeerId) < standing.id) at += 1
  return at
}

/**
 * All whom the one at `at` may observe on ring `i`: at most `i` others stand between the two, each of them its observer on an
 * earlier ring.
 */
function followers({ ids }: Ring, i: number, at: number): PeerId[] {
  const all: PeerId[] = []
  for (let step = 1; step <= Math.min(i + 1, ids.length - 1); step++) all.push(ids[(at + step) % ids.length] as PeerId)
  return all
}

/** The index of the first place that is not before this one. */
function firstFrom(places: readonly number[], place: number): number {
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((places[middle] as number) < place) low = middle + 1
    else high = middle
  }
  return low
}
