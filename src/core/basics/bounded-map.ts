/**
 * A map that holds so many at the most: beyond that, whatever was set longest ago makes room.
 */
export class BoundedMap<K, V> {
  readonly #most: number
  readonly #values = new Map<K, V>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: K): V | undefined {
    return this.#values.get(key)
  }

  has(key: K): boolean {
    return this.#values.has(key)
  }

  /**
   * It is the last one to make room from now on: where each use sets it, whoever was not used for longest does.
   * @returns what had to
   */
  set(key: K, value: V): readonly [K, V] | undefined {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#most) return undefined
    const oldest = this.#values.entries().next().value as [K, V]
    this.#values.delete(oldest[0])
    return oldest
  }

  delete(key: K): boolean {
    return this.#values.delete(key)
  }

  get size(): number {
    return this.#values.size
  }

  /** The one that would make room comes first. */
  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.#values.entries()
  }
}
