// Copies of one message on their way to many machines, each by several ways: of those to one machine only the next is waited for,
// and few more are kept.

/** The last part of a way. */
interface Way {
  /** Of the machine that it leads to. */
  readonly number: number
}

interface Copy<W> {
  readonly at: number
  readonly way: W
}

/** Of the copies that come after the next one, so many are kept: a connection in a thousand closes before the next comes. */
const kept = 2

/** The time that copies take. */
interface Time {
  now(): number
  after(delay_ms: number, run: () => void): void
}

export class Copies<W extends Way> {
  readonly #time: Time
  readonly #arrive: (way: W) => boolean
  /** When the next copy arrives at a machine. */
  readonly #nextAt: (number | undefined)[] = []
  /** Those that come after it: nobody looks at them but where it got lost. */
  readonly #later: (Copy<W>[] | undefined)[] = []

  /** @param arrive whether the machine has the message now */
  constructor(time: Time, arrive: (way: W) => boolean) {
    this.#time = time
    this.#arrive = arrive
  }

  send(way: W, delay_ms: number): void {
    const at = this.#time.now() + delay_ms
    const nextAt = this.#nextAt[way.number]
    if (nextAt === undefined || at < nextAt) return this.#await({ at, way })
    const later = this.#later[way.number]
    if (later === undefined) this.#later[way.number] = [{ at, way }]
    else if (later.length < kept) later.push({ at, way })
  }

  #await({ at, way }: Copy<W>): void {
    this.#nextAt[way.number] = at
    this.#time.after(at - this.#time.now(), () => {
      if (this.#arrive(way)) this.#later[way.number] = undefined
      else this.#awaitNext(way.number)
    })
  }

  #awaitNext(to: number): void {
    this.#nextAt[to] = undefined
    const [next, ...later] = (this.#later[to] ?? []).sort((a, b) => a.at - b.at)
    this.#later[to] = later
    if (next !== undefined) this.#await(next)
  }
}
