/**
 * Holds back writes that nobody waits for, so that many of them cost the disk one. It writes nothing and loses nothing itself.
 */

/**
 * How long a write may be held back. Each registration anywhere in a cluster changes one copy on every other node, and a batch
 * costs many times what its bytes do: at a hundred a second five share one. Longer saves little more, and what is held
 * back is what `kill -9` takes and the end of a daemon waits for.
 */
const gather_ms = 50
/** What is held back at most, in writes and in bytes: a join brings thousands of documents in a moment. More goes at once. */
const gatheredWrites = 256
const gatheredBytes = 1024 * 1024

export interface Gatherable {
  readonly bytes: number
  /** Somebody waits for it: it is held back by nothing, and neither is what came before it. */
  readonly sync: boolean
}

export class Gathering<Write extends Gatherable> {
  readonly #release: (writes: readonly Write[]) => void
  #writes: Write[] = []
  #bytes = 0
  /** Keeps the process alive for as long as something is held back: its end must not be a loss. */
  #timer: NodeJS.Timeout | undefined

  /** @param release takes what was gathered, oldest first, never nothing */
  constructor(release: (writes: readonly Write[]) => void) {
    this.#release = release
  }

  add(write: Write): void {
    this.#writes.push(write)
    this.#bytes += write.bytes
    if (write.sync || this.#writes.length >= gatheredWrites || this.#bytes >= gatheredBytes) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), gather_ms)
  }

  /** Releases what is held back; nothing is timed afterwards. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writes.length === 0) return
    const writes = this.#writes
    this.#writes = []
    this.#bytes = 0
    this.#release(writes)
  }
}
