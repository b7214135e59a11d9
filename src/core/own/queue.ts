/**
 * Commands that came before this daemon may write: kept in their order until it may.
 */
import type { Command } from '../effects.js'

/** Writes that may wait for the first head. */
const limit = 10_000

/** A command of a caller, who is answered by the ticket. */
export interface Order {
  readonly ticket: number
  readonly command: Command
}

export class CommandQueue {
  #orders: Order[] = []

  get size(): number {
    return this.#orders.length
  }

  /** @returns false where there is no room */
  keep(order: Order): boolean {
    if (this.#orders.length >= limit) return false
    this.#orders.push(order)
    return true
  }

  takeAll(): readonly Order[] {
    const orders = this.#orders
    this.#orders = []
    return orders
  }
}
