/**
 * Who wants to be told of what, within one program. A listener that throws is the program's own trouble, and nobody else's.
 */

/** Told of each event, one after the other, in the order in which they subscribed. */
export class Listeners<Events extends object> {
  readonly #byType = new Map<keyof Events, Set<{ readonly tell: (event: never) => unknown }>>()

  /** @returns ends it; any number of times */
  on<Type extends keyof Events>(type: Type, listener: (event: Events[Type]) => unknown): () => void {
    const entry = { tell: listener }
    const entries = this.#byType.get(type) ?? new Set()
    this.#byType.set(type, entries.add(entry))
    return () => void entries.delete(entry)
  }

  /** @returns how many were told */
  tell<Type extends keyof Events>(type: Type, event: Events[Type]): number {
    const entries = [...(this.#byType.get(type) ?? [])]
    for (const { tell } of entries) void this.#tellOne(String(type), tell as (event: Events[Type]) => unknown, event)
    return entries.length
  }

  /** Also of one that is `async`, and fails later. */
  async #tellOne<Event>(type: string, tell: (event: Event) => unknown, event: Event): Promise<void> {
    try {
      await tell(event)
    } catch (error) {
      // Node's own way to show what is wrong in a program without ending it.
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
      process.emitWarning(`a listener of '${type}' threw: ${reason}`, 'RollcallListener')
    }
  }
}
