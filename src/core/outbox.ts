/**
 * What is on its way out of a registry: effects in their order, what was dropped by reason. It decides nothing.
 */
import { Dropped } from './basics/dropped.js'
import type { CoreDropReason } from './words/drop-reasons.js'
import type { Effect, RegistryEvent, StoreOp } from './effects.js'

export class Outbox {
  #effects: Effect[] = []
  #lastStoreId = 0
  readonly #dropped = new Dropped<CoreDropReason>()

  emit(effect: Effect): void {
    this.#effects.push(effect)
  }

  /** As a list, since there may be more of them than a call takes arguments: one owner may hold 150 000 instances. */
  emitAll(effects: Iterable<Effect>): void {
    for (const effect of effects) this.emit(effect)
  }

  notify(event: RegistryEvent): void {
    this.emit({ type: 'notify', event })
  }

  notifyAll(events: Iterable<RegistryEvent>): void {
    for (const event of events) this.notify(event)
  }

  warn(message: string): void {
    this.notify({ type: 'warning', message })
  }

  /** Writes copies, or notes: not waited for, since they can be had again. */
  storeSoon(ops: readonly StoreOp[]): void {
    if (ops.length > 0) this.emit({ type: 'store', id: this.nextStoreId(), sync: false, ops })
  }

  nextStoreId(): number {
    return (this.#lastStoreId += 1)
  }

  /** Something from a peer was wrong, or too much: counted by reason, and gone. */
  drop(reason: CoreDropReason): void {
    this.#dropped.count(reason)
  }

  get dropped(): Readonly<Record<string, number>> {
    return this.#dropped.all()
  }

  take(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
