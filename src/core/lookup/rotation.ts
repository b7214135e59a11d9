/**
 * Whose turn it is among those that may be picked, name by name. A place is kept by ids, so that it outlives every change of a
 * listing. It does not know what makes one worth picking.
 */
import type { Candidates } from './candidates.js'

/** What a turn is taken among; it never changes after it was given here once. */
type Round = Pick<Candidates<unknown>, 'ids' | 'weights' | 'even'>

interface Place {
  readonly round: Round
  /** Whose turn was last. */
  at: number
  /** Where their weights differ. */
  readonly queue: Queue | undefined
}

export class Rotation {
  readonly #places = new Map<string, Place>()
  /** How many places were begun. */
  #begun: number

  /** @param first where it begins: differs between daemons, and between programs, so that they do not all begin with the same one */
  constructor(first: number) {
    this.#begun = first
  }

  /**
   * Whose turn it is now, as its place in the list.
   * @param round in the order of their ids, none of them twice, and at least one
   */
  next(name: string, round: Round): number {
    const known = this.#places.get(name)
    const place = known?.round === round ? known : this.#goOn(name, round, known)
    if (place.queue !== undefined) place.at = place.queue.next()
    else place.at = place.at + 1 < round.ids.length ? place.at + 1 : 0
    return place.at
  }

  /**
   * The same among some of a round; the others keep their turns.
   * @param some in the order of their ids; where any of them is not of the round, it is their round alone
   * @returns its place in the list of some
   */
  nextOf(name: string, round: Round, some: Round): number {
    const places = placesOf(some.ids, round.ids)
    if (places === undefined) return this.next(name, some)
    const known = this.#places.get(name)
    const place = known?.round === round ? known : this.#goOn(name, round, known)
    const chosen = place.queue?.nextOf(places) ?? indexAfter(round.ids[place.at] as string, some.ids)
    place.at = places[chosen] as number
    return chosen
  }

  /** The name is gone, and its place with it. */
  forget(name: string): void {
    this.#places.delete(name)
  }

  /** How many places are kept. */
  get size(): number {
    return this.#places.size
  }

  #goOn(name: string, round: Round, before: Place | undefined): Place {
    const next = this.#after(before, round.ids)
    const place = {
      round,
      at: next === 0 ? round.ids.length - 1 : next - 1,
      queue: round.even ? undefined : this.#queueOf(round, before),
    }
    this.#places.set(name, place)
    return place
  }

  #after(before: Place | undefined, ids: readonly string[]): number {
    if (before === undefined) return Math.floor(this.#begin() * ids.length)
    return indexAfter(before.round.ids[before.at] as string, ids)
  }

  /** Who was there is as far from his next turn as before, by his own pace; who comes is somewhere within his first one. */
  #queueOf({ ids, weights }: Round, before: Place | undefined): Queue {
    const known = before?.queue?.left(before.round.ids) ?? new Map<string, number>()
    const dues = Float64Array.from(ids, (id, i) => (known.get(id) ?? this.#begin()) / (weights[i] as number))
    return new Queue(dues, weights)
  }

  /**
   * Multiples of the golden ratio, as far as they reach beyond a whole: evenly spread, whichever of them a name gets. A count would
   * begin with the same one each time where several names come and go together.
   */
  #begin(): number {
    this.#begun += 1
    return (Math.imul(this.#begun, 0x9e3779b1) >>> 0) / 2 ** 32
  }
}

/**
 * Turns by weight, as evenly spread as those of nginx: whose turn is due first takes it, and is due again after the time that its weight
 * leaves between two (stride scheduling, Waldspurger and Weihl). Who stays keeps his share exactly, whoever comes and goes beside him.
 */
class Queue {
  readonly #dues: Float64Array
  readonly #weights: Float64Array
  /** Their places as a heap: none before the one at half of its index. */
  readonly #heap: Uint32Array

  constructor(dues: Float64Array, weights: Float64Array) {
    this.#dues = dues
    this.#weights = weights
    this.#heap = Uint32Array.from(dues.keys()).sort((a, b) => (dues[a] as number) - (dues[b] as number))
  }

  next(): number {
    return this.#take(0)
  }

  /** The next of some, as an index among these places. Of the others nobody who was due before is owed more than one turn. */
  nextOf(places: readonly number[]): number {
    const dues = this.#dues
    let first = 0
    for (const [at, place] of places.entries())
      if ((dues[place] as number) < (dues[places[first] as number] as number)) first = at
    const now = dues[places[first] as number] as number
    for (const [place, due] of dues.entries()) if (due < now) dues[place] = now
    this.#take(this.#heap.indexOf(places[first] as number))
    return first
  }

  /** How much of the time between two turns of its own each has still to wait: whatever its weight is from then on. */
  left(ids: readonly string[]): Map<string, number> {
    const now = this.#dues[this.#heap[0] as number] as number
    return new Map(
      ids.map((id, place) => [id, ((this.#dues[place] as number) - now) * (this.#weights[place] as number)]),
    )
  }

  /** @param at in the heap */
  #take(at: number): number {
    const place = this.#heap[at] as number
    this.#dues[place] = (this.#dues[place] as number) + 1 / (this.#weights[place] as number)
    this.#sink(at)
    return place
  }

  #sink(from: number): void {
    const heap = this.#heap
    const dues = this.#dues
    const place = heap[from] as number
    const due = dues[place] as number
    let at = from
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (
        child + 1 < heap.length &&
        (dues[heap[child + 1] as number] as number) < (dues[heap[child] as number] as number)
      )
        child += 1
      if ((dues[heap[child] as number] as number) >= due) break
      heap[at] = heap[child] as number
      at = child
    }
    heap[at] = place
  }
}

/** Where those stand in a list that has all of them, both in the order of their ids; undefined where it has not. */
function placesOf(some: readonly string[], all: readonly string[]): readonly number[] | undefined {
  const places: number[] = []
  for (let at = 0; at < all.length && places.length < some.length; at += 1)
    if (all[at] === some[places.length]) places.push(at)
  return places.length === some.length ? places : undefined
}

/** Where the first one stands that comes after the last one, whether or not that is still there. */
function indexAfter(last: string, ids: readonly string[]): number {
  let [from, to] = [0, ids.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((ids[middle] as string) > last) to = middle
    else from = middle + 1
  }
  return from < ids.length ? from : 0
}
