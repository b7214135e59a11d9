/**
 * Keeps the list of one slug true while somebody uses it, by watching: opened when it is used, closed when it is not.
 */
import { RegistryError } from '../core/model/errors.js'
import type { SlugList } from '../core/views.js'
import { CannotLetGo, letGo } from './aside.js'
import type { Following } from './lists.js'

export const keep_ms = {
  /** Unused for so long it is closed. */
  idle: 30_000,
  /** After a daemon had no room, or no permission, for it. */
  refused: 60_000,
  /** After one of an earlier version knew nothing of it. */
  unknown: 300_000,
} as const

/** How many are kept by one program: each is a connection. */
export const keptAtMost = 64

/** @throws as `followLists` does, CannotLetGo where a program could not end while it is watched */
export type Follow = (following: Following) => Promise<void>

export interface KeepingOptions {
  readonly follow: Follow
  readonly onList: (list: SlugList) => void
  /** From now on the last list is only what was true until now. */
  readonly onLost: () => void
  /** How many there are, of all slugs. */
  readonly open: { count: number }
  /** Milliseconds on a clock that never steps. */
  readonly now: () => number
}

export class Keeping {
  readonly #options: KeepingOptions
  #abort: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #usedAt = Number.NEGATIVE_INFINITY
  #mayOpenAt = Number.NEGATIVE_INFINITY
  #stands = false
  #hasStood = false
  #isOver = false

  constructor(options: KeepingOptions) {
    this.#options = options
  }

  /** The list is what its daemon last told, at this moment. */
  get stands(): boolean {
    return this.#stands
  }

  /** It stands, or did and is tried again and again. */
  get isHeld(): boolean {
    return this.#hasStood
  }

  use(): void {
    const { now, open } = this.#options
    this.#usedAt = now()
    if (this.#isOver || this.#abort !== undefined || this.#usedAt < this.#mayOpenAt || open.count >= keptAtMost) return
    void this.#follow()
  }

  /** For good, also where whoever was about to use it still does. */
  end(): void {
    this.#isOver = true
    this.#close()
  }

  #close(): void {
    this.#abort?.abort()
  }

  async #follow(): Promise<void> {
    const { follow, onList, open, now } = this.#options
    const abort = (this.#abort = new AbortController())
    open.count += 1
    this.#closeWhenIdle(keep_ms.idle)
    try {
      await follow({
        isAside: true,
        signal: abort.signal,
        onList: (list) => {
          this.#stands = this.#hasStood = true
          onList(list)
        },
        onBroken: () => this.#lose(),
      })
    } catch (error) {
      this.#mayOpenAt = now() + patienceAfter_ms(error)
    }
    clearTimeout(this.#timer)
    open.count -= 1
    this.#abort = undefined
    this.#lose()
    this.#hasStood = false
  }

  #lose(): void {
    if (!this.#stands) return
    this.#stands = false
    this.#options.onLost()
  }

  #closeWhenIdle(after_ms: number): void {
    this.#timer = setTimeout(() => {
      const left_ms = this.#usedAt + keep_ms.idle - this.#options.now()
      if (left_ms > 0) this.#closeWhenIdle(left_ms)
      else this.#close()
    }, after_ms)
    letGo(this.#timer)
  }
}

function patienceAfter_ms(error: unknown): number {
  if (error instanceof CannotLetGo) return Number.POSITIVE_INFINITY
  return error instanceof RegistryError && error.code === 'not-found' ? keep_ms.unknown : keep_ms.refused
}
