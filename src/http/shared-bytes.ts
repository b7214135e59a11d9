/**
 * Bytes that several wait for, or hold, counted once, for as long as anybody does.
 */
export class SharedBytes<Body extends object> {
  readonly #bodies = new Map<Body, { readonly bytes: number; holders: number }>()
  #total = 0

  get total(): number {
    return this.#total
  }

  /** How many different ones there are. */
  get size(): number {
    return this.#bodies.size
  }

  has(body: Body): boolean {
    return this.#bodies.has(body)
  }

  /** One more holds it. */
  add(body: Body, bytes: number): void {
    const known = this.#bodies.get(body)
    if (known !== undefined) return void (known.holders += 1)
    this.#bodies.set(body, { bytes, holders: 1 })
    this.#total += bytes
  }

  /** One of them holds it no more. */
  remove(body: Body): void {
    const known = this.#bodies.get(body)
    if (known === undefined || (known.holders -= 1) > 0) return
    this.#bodies.delete(body)
    this.#total -= known.bytes
  }
}
