/**
 * The newest of what comes, as a loop: whoever is slow misses what came between, so nothing queues up.
 */

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
 * @param signal ends it; the loop throws its reason
 */
export async function* newestOf<T>(
  follow: Follow<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  signal?.throwIfAborted()
  const newest = new Newest<T>()
  const onAbort = (): void => newest.end({ error: signal?.reason })
  signal?.addEventListener('abort', onAbort, { once: true })
  const end = follow(newest)
  try {
    for (let read = await newest.next(); read !== undefined; read = await newest.next()) yield read.value
  } finally {
    signal?.removeEventListener('abort', onAbort)
    end()
  }
}
