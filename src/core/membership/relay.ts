/**
 * What is passed on to whom of many things that change again and again: those longest untold to that listener that have
 * news since. Not the freshest: they would crowd out what comes from far away.
 */
import type { PeerId } from '../model.js'

/** Something of which there is news; numbered, so that what was told before is known again. */
export interface Item {
  readonly generation: number
  readonly sequence: number
}

interface Told {
  generation: number
  sequence: number
}

interface Listener<T> {
  readonly untold: Set<T>
  /** What each was when it was told, the longest ago first. */
  readonly told: Map<T, Told>
}

export class Rota<T extends Item> {
  readonly #items = new Set<T>()
  readonly #listeners = new Map<PeerId, Listener<T>>()

  /** From now on there may be news of it. */
  add(item: T): void {
    this.#items.add(item)
    for (const { untold } of this.#listeners.values()) untold.add(item)
  }

  delete(item: T): void {
    this.#items.delete(item)
    for (const { untold, told } of this.#listeners.values()) {
      untold.delete(item)
      told.delete(item)
    }
  }

  forgetListener(listener: PeerId): void {
    this.#listeners.delete(listener)
  }

  /**
   * What to tell a listener now; counts as told.
   * @param isWorthTelling apart from being news
   * @param fits whether there is room for one more
   */
  take(listener: PeerId, isWorthTelling: (item: T) => boolean, fits: (item: T) => boolean): T[] {
    const { untold, told } = this.#listener(listener)
    const taken: T[] = []
    let isFull = false
    const consider = (item: T): void => {
      if (!isWorthTelling(item)) return
      isFull = !fits(item)
      if (!isFull) taken.push(item)
    }
    for (const item of untold) {
      if (isFull) break
      consider(item)
    }
    for (const [item, before] of told) {
      if (isFull) break
      if (isNews(item, before)) consider(item)
    }
    for (const item of taken) this.#noteTold(item, untold, told)
    return taken
  }

  #listener(id: PeerId): Listener<T> {
    const known = this.#listeners.get(id)
    if (known !== undefined) return known
    const listener = { untold: new Set(this.#items), told: new Map<T, Told>() }
    this.#listeners.set(id, listener)
    return listener
  }

  #noteTold(item: T, untold: Set<T>, told: Map<T, Told>): void {
    const known = told.get(item) ?? { generation: 0, sequence: 0 }
    known.generation = item.generation
    known.sequence = item.sequence
    untold.delete(item)
    told.delete(item)
    told.set(item, known) // behind all others
  }
}

function isNews(item: Item, { generation, sequence }: Told): boolean {
  return item.generation !== generation || item.sequence > sequence
}
