/**
 * Whose turn it is among those that are worth picking, name by name. A place is kept by the id that came last, so that it outlives
 * every change of a listing. It does not know what makes one worth picking.
 */
interface Place {
  /** Where the turn is, and among whom. */
  ids: readonly string[]
  at: number
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
   * @param ids in order, none of them twice, and at least one; the list never changes after it was given here once
   */
  next(name: string, ids: readonly string[]): number {
    const place = this.#places.get(name)
    if (place?.ids !== ids) return this.#goOn(name, ids, place)
    place.at = place.at + 1 < ids.length ? place.at + 1 : 0
    return place.at
  }

  /** The name is gone, and its place with it. */
  forget(name: string): void {
    this.#places.delete(name)
  }

  /** How many places are kept. */
  get size(): number {
    return this.#places.size
  }

  #goOn(name: string, ids: readonly string[], place: Place | undefined): number {
    const at = place === undefined ? this.#begin(ids.length) : indexAfter(place.ids[place.at] as string, ids)
    this.#places.set(name, { ids, at })
    return at
  }

  /**
   * Multiples of the golden ratio, as far as they reach beyond a whole: evenly spread, whichever of them a name gets. A count would
   * begin with the same one each time where several names come and go together.
   */
  #begin(count: number): number {
    this.#begun += 1
    return Math.floor(((Math.imul(this.#begun, 0x9e3779b1) >>> 0) / 2 ** 32) * count)
  }
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
