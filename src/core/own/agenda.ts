/**
 * What is due when: each name once, at one moment, which may be changed. It counts time in slots, so that a change costs the same
 * however many names there are.
 */

const slot_ms = 100

export class Agenda {
  readonly #slots = new Map<number, Set<string>>()
  readonly #slotByName = new Map<string, number>()
  /** All slots before this one are empty. */
  #next = Number.POSITIVE_INFINITY
  /** The last slot that was looked into to its end: what is set before it is due at the next look. */
  #passed = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#slotByName.size
  }

  /** In place of what was said of it before. */
  set(name: string, at: number): void {
    this.delete(name)
    if (at === Number.POSITIVE_INFINITY) return
    const slot = Math.max(Math.ceil(at / slot_ms), this.#passed + 1)
    const names = this.#slots.get(slot)
    if (names === undefined) this.#slots.set(slot, new Set([name]))
    else names.add(name)
    this.#slotByName.set(name, slot)
    this.#next = Math.min(this.#next, slot)
  }

  delete(name: string): void {
    const slot = this.#slotByName.get(name)
    if (slot === undefined) return
    this.#slotByName.delete(name)
    const names = this.#slots.get(slot)
    names?.delete(name)
    if (names?.size === 0) this.#slots.delete(slot)
  }

  /** @returns what is due, the first ones first, at most so many; the others stay due */
  take(now: number, most: number): string[] {
    const last = Math.floor(now / slot_ms)
    const due: string[] = []
    for (; this.#next <= last; this.#next++) {
      for (const name of this.#slots.get(this.#next) ?? []) {
        if (due.length === most) return due
        due.push(name)
        this.delete(name)
      }
      this.#passed = this.#next
    }
    if (this.#slots.size === 0) this.#next = Number.POSITIVE_INFINITY
    return due
  }
}
