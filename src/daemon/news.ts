/**
 * What happened, in order, for whoever follows it: the registry's events with what they are about, the last few thousand of them.
 * Nothing here is needed for correctness; who missed something reads everything anew.
 */
import { onAbort } from '../client/aborting.js'
import type { RegistryEvent } from '../core/effects.js'
import { frozen } from '../core/basics/frozen.js'
import type { PeerId } from '../core/model/model.js'
import type { InstanceView, NewsEvent, NewsFeed, NewsItem } from '../core/views.js'
import { isWanted, type NewsFilters } from '../config/news-filters.js'

/** Some minutes of a busy cluster, some megabytes at most. */
const keptItems = 4096

export interface NewsOptions {
  /** 8 hex digits that no other run of this daemon has. */
  readonly run: string
  /** The instance as readers see it now; undefined where they do not. */
  readonly instance: (id: string) => InstanceView | undefined
  readonly nodeId: (peer: PeerId) => string | undefined
  /** Unix milliseconds. */
  readonly wall: () => number
  readonly kept?: number
}

export class News implements NewsFeed {
  readonly #options: NewsOptions
  readonly #kept: number
  /** The item with the number n is at n modulo the size. */
  readonly #ring: NewsItem[] = []
  readonly #listeners = new Set<(item: NewsItem) => void>()
  #last = 0
  #position: string

  constructor(options: NewsOptions) {
    this.#options = options
    this.#position = this.#idOf(0)
    this.#kept = options.kept ?? keptItems
  }

  get position(): string {
    return this.#position
  }

  /** Takes in what the registry told; what is no news for programs is left out. */
  tell(event: RegistryEvent): void {
    const news = this.#newsOf(event)
    if (news === undefined) return
    this.#last += 1
    this.#position = this.#idOf(this.#last)
    const item = frozen({ id: this.#position, at: this.#now(), event: news })
    this.#ring[this.#last % this.#kept] = item
    for (const listener of [...this.#listeners]) listener(item)
  }

  since(id: string): readonly NewsItem[] | undefined {
    const number = this.#numberOf(id)
    if (number === undefined || number > this.#last || number < this.#last - this.#kept) return undefined
    const items: NewsItem[] = []
    for (let n = number + 1; n <= this.#last; n++) items.push(this.#ring[n % this.#kept] as NewsItem)
    return items
  }

  subscribe(listener: (item: NewsItem) => void): () => void {
    const entry = (item: NewsItem): void => listener(item) // so that one that subscribes twice is told twice
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  /**
   * Each from now on, or after the item with that id, once it was said that this stands; ends when any of the signals aborts. A
   * follower that is slower than the news gets a `reset` in place of what is kept no more: it costs no memory, however slow it is.
   */
  follow(
    signals: readonly AbortSignal[],
    { after = '', ...filters }: NewsFilters & { readonly after?: string | undefined } = {},
  ): AsyncGenerator<NewsItem, void, undefined> {
    return this.#follow(after === '' ? this.#position : after, filters, signals)
  }

  async *#follow(
    from: string,
    filters: NewsFilters,
    signals: readonly AbortSignal[],
  ): AsyncGenerator<NewsItem, void, undefined> {
    const isOver = (): boolean => signals.some(({ aborted }) => aborted)
    if (isOver()) return
    let last = from
    yield this.#said(from, 'listening')
    while (!isOver()) {
      // It stands where the newest item stands, so that the ones after it follow.
      const items = this.since(last) ?? [this.#said(this.#position, 'reset')]
      for (const item of items) {
        if (isOver()) return
        last = item.id
        if (isWanted(item.event, filters)) yield item
      }
      if (items.length === 0) await this.#nextOrAbort(signals)
    }
  }

  async #nextOrAbort(signals: readonly AbortSignal[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const ends = [this.subscribe(() => resolve()), ...signals.map((signal) => onAbort(signal, resolve))]
    await promise
    for (const end of ends) end()
  }

  #said(id: string, type: 'listening' | 'reset'): NewsItem {
    return frozen({ id, at: this.#now(), event: { type } })
  }

  #newsOf(event: RegistryEvent): NewsEvent | undefined {
    if (event.type === 'member') {
      const { peer, from, to, why } = event
      const nodeId = this.#options.nodeId(peer)
      return { type: 'member', peer, ...(nodeId !== undefined && { nodeId }), from, to, why }
    }
    if (event.type !== 'instance') return undefined
    const { id, slug, change } = event
    const about = { type: 'instance', id, ...(slug !== undefined && { slug }), change } as const
    // One that was hidden again before the event came here goes without: the next item says so.
    const instance = change === 'hidden' ? undefined : this.#options.instance(id)
    return instance === undefined ? about : { ...about, instance }
  }

  #now(): string {
    return new Date(this.#options.wall()).toISOString()
  }

  #idOf(number: number): string {
    return `${this.#options.run}-${number}`
  }

  #numberOf(id: string): number | undefined {
    const prefix = this.#idOf(0).slice(0, -1)
    const digits = id.startsWith(prefix) ? id.slice(prefix.length) : ''
    return /^(0|[1-9]\d{0,14})$/.test(digits) ? Number(digits) : undefined
  }
}
