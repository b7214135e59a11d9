/**
 * What is passed on to whom of many things that change all the time: those of which a listener has missed most. Not the
 * freshest: they would crowd out what comes from far away. And not all listeners' in one order: what all neighbours of a daemon
 * tell it at the same time, it hears but once.
 */
import type { PeerId } from '../model/model.js'

/** Something of which there is news; numbered, so that what was told before is known again. */
export interface Item {
  readonly generation: number
  readonly sequence: number
  /** Its first number after it was thought to be gone: of that all are told before anything else. Absent or 0: it never was. */
  readonly backAt?: number
}

/** What each item was when a listener was told of it, by the item's place; generation 0 for never. */
interface Told {
  generations: Float64Array
  sequences: Float64Array
}

/** Who missed more than so much is not distinguished any more: well above two rounds of the largest cluster's hearsay. */
const mostMissed = 256
/** 2^32 divided by the golden ratio, made odd: multiples of it are spread evenly (Weyl's equidistribution), so are like names. */
const stride = 0x9e3779b1

export class Piggyback<T extends Item> {
  readonly #items: T[] = []
  readonly #places = new Map<T, number>()
  readonly #listeners = new Map<PeerId, Told>()
  #turn: number

  /** @param self whose it is: no two tell in the same order */
  constructor(self: PeerId) {
    this.#turn = [...self].reduce((turn, letter) => Math.imul(turn + letter.charCodeAt(0), stride) >>> 0, 0)
  }

  /** From now on there may be news of it, where there was none before. */
  add(item: T): void {
    if (this.#places.has(item)) return
    this.#places.set(item, this.#items.length)
    this.#items.push(item)
  }

  delete(item: T): void {
    const place = this.#places.get(item)
    if (place === undefined) return
    const last = this.#items.pop() as T
    this.#places.delete(item)
    for (const told of this.#listeners.values()) move(told, this.#items.length, place)
    if (last === item) return
    this.#items[place] = last
    this.#places.set(last, place)
  }

  forgetListener(listener: PeerId): void {
    this.#listeners.delete(listener)
  }

  /**
   * What to tell a listener now; counts as told.
   * @param isWorthTelling apart from being news
   * @param fits whether there is room for one more, of which so many changes were missed
   */
  take(listener: PeerId, isWorthTelling: (item: T) => boolean, fits: (item: T, missed: number) => boolean): T[] {
    const told = this.#toldTo(listener)
    const taken: T[] = []
    for (const { place, missed } of this.#byMissed(told, isWorthTelling)) {
      const item = this.#items[place] as T
      if (!fits(item, missed)) break
      told.generations[place] = item.generation
      told.sequences[place] = item.sequence
      taken.push(item)
    }
    return taken
  }

  /** The places of all news, those of which most was missed first, in changing order among equals. */
  *#byMissed(told: Told, isWorthTelling: (item: T) => boolean): Generator<{ place: number; missed: number }> {
    const places: number[][] = []
    for (let place = 0; place < this.#items.length; place++) {
      const item = this.#items[place] as T
      const missed = missedOf(item, told.generations[place] ?? 0, told.sequences[place] ?? 0)
      if (missed > 0 && isWorthTelling(item)) (places[missed] ??= []).push(place)
    }
    for (let missed = places.length - 1; missed >= 0; missed--) {
      const equal = places[missed]
      if (equal === undefined) continue
      const first = this.#chance(equal.length)
      for (let i = 0; i < equal.length; i++) yield { place: equal[(first + i) % equal.length] as number, missed }
    }
  }

  #chance(below: number): number {
    this.#turn = (this.#turn + stride) >>> 0
    return Math.floor((this.#turn / 2 ** 32) * below)
  }

  #toldTo(listener: PeerId): Told {
    const size = this.#items.length
    const known = this.#listeners.get(listener)
    if (known !== undefined && known.sequences.length >= size) return known
    const told = { generations: new Float64Array(2 * size), sequences: new Float64Array(2 * size) }
    told.generations.set(known?.generations ?? [])
    told.sequences.set(known?.sequences ?? [])
    this.#listeners.set(listener, told)
    return told
  }
}

/** How many changes there were since; all that can be where the generation is another one, or it is back. */
function missedOf({ generation, sequence, backAt = 0 }: Item, toldGeneration: number, toldSequence: number): number {
  if (generation !== toldGeneration) return mostMissed
  if (toldSequence < backAt && backAt <= sequence) return mostMissed
  return Math.min(Math.max(0, sequence - toldSequence), mostMissed)
}

/** What was told of one place is from now on of another one. */
function move({ generations, sequences }: Told, from: number, to: number): void {
  generations[to] = generations[from] ?? 0
  sequences[to] = sequences[from] ?? 0
  if (from < generations.length) {
    generations[from] = 0
    sequences[from] = 0
  }
}
