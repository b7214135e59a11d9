/**
 * Who follows the list of which slug: each is told the whole list as soon as it is another one.
 * Many changes in a short time are told as one; nothing is queued.
 */
import type { Reads } from '../core/reads.js'
import type { InstanceView, SlugList } from '../core/views.js'

export const pace_ms = {
  /** Between two times of telling: hundreds of registrations within a second are not hundreds of lists. */
  shortest: 20,
  longest: 1000,
} as const
/** So much longer than telling took is the pause after it, so that others get their turn. */
const pauseFactor = 4

export interface SlugWatchesOptions {
  readonly read: Pick<Reads, 'revision' | 'version' | 'list'>
  readonly position: () => string
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number
  /** Runs something once, so much later. @returns calls it off */
  readonly after?: (delay_ms: number, run: () => void) => () => void
}

interface Watched {
  readonly slug: string
  /** With what each was told last. */
  readonly listeners: Map<(list: SlugList) => void, SlugList>
  version: object | undefined
  list: SlugList
}

export class SlugWatches {
  readonly #read: SlugWatchesOptions['read']
  readonly #position: () => string
  readonly #now: () => number
  readonly #after: NonNullable<SlugWatchesOptions['after']>
  readonly #watched = new Map<string, Watched>()
  #revision = 0
  #mayTellAt = 0
  #callOff: (() => void) | undefined
  #isOver = false

  constructor({ read, position, now = () => performance.now(), after = byTimer }: SlugWatchesOptions) {
    this.#read = read
    this.#position = position
    this.#now = now
    this.#after = after
  }

  /** @returns ends it; any number of times */
  watch(slug: string, tell: (list: SlugList) => void): () => void {
    const watched = this.#watched.get(slug) ?? this.#begin(slug)
    this.#refresh(watched) // who comes is told what is true now; the others are when it is time: many may come
    const listener = (list: SlugList): void => tell(list) // so that one that comes twice is told twice
    watched.listeners.set(listener, watched.list)
    tell(watched.list)
    return () => {
      watched.listeners.delete(listener)
      if (watched.listeners.size === 0 && this.#watched.get(slug) === watched) this.#watched.delete(slug)
    }
  }

  /** Something may have changed. Costs nothing where nobody watches, next to nothing where nothing has. */
  look(): void {
    if (this.#watched.size === 0 || this.#callOff !== undefined || this.#isOver) return
    if (this.#read.revision === this.#revision) return
    this.#callOff = this.#after(Math.max(0, this.#mayTellAt - this.#now()), () => this.#tell())
  }

  stop(): void {
    this.#isOver = true
    this.#callOff?.()
  }

  #tell(): void {
    this.#callOff = undefined
    this.#revision = this.#read.revision
    const begun = this.#now()
    for (const watched of [...this.#watched.values()]) {
      this.#refresh(watched)
      this.#tellListeners(watched)
    }
    const now = this.#now()
    this.#mayTellAt = now + Math.min(pace_ms.longest, Math.max(pace_ms.shortest, pauseFactor * (now - begun)))
  }

  #begin(slug: string): Watched {
    const version = this.#read.version(slug, true)
    const watched = { slug, listeners: new Map<(list: SlugList) => void, SlugList>(), version, list: this.#list(slug) }
    this.#watched.set(slug, watched)
    return watched
  }

  #refresh(watched: Watched): void {
    const version = this.#read.version(watched.slug, true)
    if (version === watched.version) return
    watched.version = version
    const list = this.#list(watched.slug)
    if (!isAlike(watched.list, list)) watched.list = list
  }

  #tellListeners({ listeners, list }: Watched): void {
    for (const [tell, told] of [...listeners]) {
      if (told === list || !listeners.has(tell)) continue
      listeners.set(tell, list)
      tell(list)
    }
  }

  #list(slug: string): SlugList {
    return { ...this.#read.list(slug), position: this.#position() }
  }
}

function byTimer(delay_ms: number, run: () => void): () => void {
  const timer = setTimeout(run, delay_ms)
  return () => clearTimeout(timer)
}

/** Whether both say the same: a version is another one, too, where an owner has told what no caller sees. */
function isAlike(a: SlugList, b: SlugList): boolean {
  if (a.degraded !== b.degraded || a.unknown !== b.unknown || a.instances.length !== b.instances.length) return false
  return a.instances.every((view, i) => saysTheSame(view, b.instances[i] as InstanceView))
}

function saysTheSame(a: InstanceView, b: InstanceView): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
