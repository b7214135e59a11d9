/**
 * Virtual time: what will happen, in the order of its time; what is due at the same time happens in the order in which it was said.
 */

interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** More than this at one moment is something that answers itself. */
const atOnceLimit = 100_000

export class EventQueue {
  now = 0
  readonly #heap: Entry[] = []
  #order = 0
  #atOnce = 0

  push(at: number, run: () => void): void {
    const entry = { at, order: (this.#order += 1), run }
    let i = this.#heap.push(entry) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(entry, this.#heap[parent] as Entry)) break
      this.#heap[i] = this.#heap[parent] as Entry
      i = parent
    }
    this.#heap[i] = entry
  }

  after(delay_ms: number, run: () => void): void {
    this.push(this.now + delay_ms, run)
  }

  runUntil(end: number): void {
    while (this.runNext(end));
    this.now = Math.max(this.now, end)
  }

  /** What is due next, where that is by then. @returns whether there was something */
  runNext(end: number): boolean {
    const next = this.#heap[0]?.at
    if (next === undefined || next > end) return false
    this.#atOnce = next > this.now ? 0 : this.#atOnce + 1
    if (this.#atOnce > atOnceLimit) throw new Error(`time stands still at ${this.now}`)
    this.now = Math.max(this.now, next)
    this.#pop()?.()
    return true
  }

  #pop(): (() => void) | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined || first === last) return first?.run
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= this.#heap.length) break
      if (child + 1 < this.#heap.length && isBefore(this.#heap[child + 1] as Entry, this.#heap[child] as Entry))
        child += 1
      if (!isBefore(this.#heap[child] as Entry, last)) break
      this.#heap[i] = this.#heap[child] as Entry
      i = child
    }
    this.#heap[i] = last
    return first.run
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
