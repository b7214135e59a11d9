// Copies of one message on their way to many machines, each by several ways: of those to one machine only the next is waited for,
// and few more are kept.

interface Copy {
  readonly at: number
  readonly from: string
}

/** Of the copies that come after the next one, so many are kept: a connection in a thousand closes before the next comes. */
const kept = 2

/** The time that copies take. */
interface Time {
  now(): number
  after(delay_ms: number, run: () => void): void
}

export class Copies {
  readonly #time: Time
  readonly #arrive: (from: string, to: string) => boolean
  /** When the next copy arrives at a machine. */
  readonly #nextAt = new Map<string, number>()
  /** Those that come after it: nobody looks at them but where it got lost. */
  readonly #later = new Map<string, Copy[]>()

  /** @param arrive whether the machine has the message now */
  constructor(time: Time, arrive: (from: string, to: string) => boolean) {
    this.#time = time
    this.#arrive = arrive
  }

  send(from: string, to: string, delay_ms: number): void {
    const copy = { at: this.#time.now() + delay_ms, from }
    const nextAt = this.#nextAt.get(to)
    if (nextAt === undefined || copy.at < nextAt) return this.#await(to, copy)
    const later = this.#later.get(to)
    if (later === undefined) this.#later.set(to, [copy])
    else if (later.length < kept) later.push(copy)
  }

  #await(to: string, { at, from }: Copy): void {
    this.#nextAt.set(to, at)
    this.#time.after(at - this.#time.now(), () => {
      if (this.#arrive(from, to)) this.#later.delete(to)
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
