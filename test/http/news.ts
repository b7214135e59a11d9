/**
 * A feed of news that a test writes itself.
 */
import type { NewsEvent, NewsFeed, NewsItem } from '../../src/core/views.js'

export class MemoryNews implements NewsFeed {
  readonly #items: NewsItem[] = []
  readonly #listeners = new Set<(item: NewsItem) => void>()
  #count = 0

  get position(): string {
    return `00c0ffee-${this.#count}`
  }

  get listeners(): number {
    return this.#listeners.size
  }

  tell(event: NewsEvent): NewsItem {
    const item = { id: `00c0ffee-${(this.#count += 1)}`, at: '2026-11-24T12:00:00.000Z', event }
    this.#items.push(item)
    for (const listener of this.#listeners) listener(item)
    return item
  }

  since(id: string): readonly NewsItem[] | undefined {
    if (id === '00c0ffee-0') return this.#items.slice()
    const at = this.#items.findIndex((item) => item.id === id)
    return at < 0 ? undefined : this.#items.slice(at + 1)
  }

  subscribe(listener: (item: NewsItem) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
