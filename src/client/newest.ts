/**
 * The newest of what comes, as a loop: whoever is slow misses what came between, so nothing queues up.
 */
import { onAbort } from './aborting.js'

export class Newest<T> {
  #unread: { readonly value: T } | undefined
  #end: { readonly error?: unknown } | undefined
  #wake = (): void => undefined

  /** In place of what has not been read yet. */
  put(value: T): void {
    this.#unread = { value }
    this.#wake()
  }

  /** There is no more after this. @param how with an `error`, the loop throws it; what was not read is dropped then */
  end(how: { readonly error?: unknown } = {}): void {
    this.#end ??= how
    this.#wake()
  }

  /** Nobody reads any more: whoever waits is told of the end, and of nothing else. */
  close(): void {
    this.#unread = undefined
    this.#end = {}
    this.#wake()
  }

  /** Resolves with nothing at the end. @throws what it was ended with */
  async next(): Promise<{ readonly value: T } | undefined> {
    for (;;) {
      if (this.#end !== undefined && 'error' in this.#end) throw this.#end.error
      const unread = this.#unread
      this.#unread = undefined
      if (unread !== undefined) return unread
      if (this.#end !== undefined) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

/** How what is followed comes in. @returns ends it; any number of times */
type Follow<T> = (newest: Newest<T>) => () => void

/**
 * Begins with the first that is read.
 * @param signal ends it; the loop throws its reason, once
 */
export function newestOf<T>(
  follow: Follow<T>,
  signal: AbortSignal | undefined,
): AsyncIterableIterator<T, void, undefined> {
  return new Loop(follow, signal)
}

const done = { done: true, value: undefined } as const

/** No generator: one that waits would be ended only by what comes next, and that may be never. */
class Loop<T> implements AsyncIterableIterator<T, void, undefined> {
  readonly #newest = new Newest<T>()
  readonly #follow: Follow<T>
  readonly #signal: AbortSignal | undefined
  #mayBegin = true
  #unlisten = (): void => undefined
  #unfollow = (): void => undefined
  /** Whoever reads twice at once is answered in turn. */
  #last: Promise<void> | undefined

  constructor(follow: Follow<T>, signal: AbortSignal | undefined) {
    this.#follow = follow
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Follows from the first one on: what changes in the same turn comes as a change. */
  next(): Promise<IteratorResult<T, void>> {
    this.#begin()
    const read = this.#last === undefined ? this.#read() : this.#last.then(() => this.#read())
    const over = (): void => {
      if (this.#last === last) this.#last = undefined
    }
    const last: Promise<void> = read.then(over, over)
    this.#last = last
    return read
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.#close()
    return done
  }

  async throw(error?: unknown): Promise<IteratorResult<T, void>> {
    this.#close()
    throw error
  }

  async #read(): Promise<IteratorResult<T, void>> {
    try {
      const read = await this.#newest.next()
      if (read !== undefined) return { done: false, value: read.value }
    } catch (error) {
      this.#close()
      throw error
    }
    this.#close()
    return done
  }

  #begin(): void {
    if (!this.#mayBegin) return
    this.#mayBegin = false
    try {
      const signal = this.#signal
      signal?.throwIfAborted()
      if (signal !== undefined) this.#unlisten = onAbort(signal, () => this.#newest.end({ error: signal.reason }))
      this.#unfollow = this.#follow(this.#newest)
    } catch (error) {
      this.#newest.end({ error })
    }
  }

  #close(): void {
    this.#mayBegin = false
    this.#unlisten()
    this.#newest.close()
    this.#unfollow()
  }
}
