// Copies of one message on their way to many machines, each by several ways: of those to one machine only the next is waited for.

interface Copy {
  readonly at: number
  readonly arrive: () => boolean
}

/** The time that copies take. */
interface Time {
  now(): number
  after(delay_ms: number, run: () => void): void
}

export class Copies {
  readonly #time: Time
  /** When the next copy arrives at a machine. */
  readonly #nextAt = new Map<string, number>()
  /** Those that come after it: nobody looks at them but where it got lost. */
  readonly #later = new Map<string, Copy[]>()

  constructor(time: Time) {
    this.#time = time
  }

  /** @param arrive whether the machine has the message now */
  send(to: string, delay_ms: number, arrive: () => boolean): void {
    const copy = { at: this.#time.now() + delay_ms, arrive }
    const nextAt = this.#nextAt.get(to)
    if (nextAt === undefined || copy.at < nextAt) return this.#await(to, copy)
    const later = this.#later.get(to)
    if (later === undefined) this.#later.set(to, [copy])
    else later.push(copy)
  }

  #await(to: string, copy: Copy): void {
    this.#nextAt.set(to, copy.at)
    this.#time.after(copy.at - this.#time.now(), () => {
      if (copy.arrive()) this.#later.delete(to)
      else this.#awaitNext(to)
    })
  }

  #awaitNext(to: string): void {
    this.#nextAt.delete(to)
    const [next, ...later] = (this.#later.get(to) ?? []).sort((a, b) => a.at - b.at)
    this.#later.set(to, later)
    if (next !== undefined) this.#await(to, next)
  }
}
