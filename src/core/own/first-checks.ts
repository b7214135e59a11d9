/**
 * New registrations whose first check is under way. What a version says of these is worth a moment's waiting: with the result it is
 * one version to everybody else, without it two.
 */
import type { Change } from '../document/entries.js'

/** A service on this machine answers within a few milliseconds; whoever does not costs no more than this. */
const patience_ms = 20

export class FirstChecks {
  /** How long each is worth waiting for; in order of time. */
  readonly #untilById = new Map<string, number>()
  readonly #awaited = new Set<string>()

  /** A registration that is new, and is being checked. */
  registered(id: string, now: number): void {
    for (const [known, until] of this.#untilById) {
      if (until > now) break
      this.#untilById.delete(known)
      this.#awaited.delete(known)
    }
    if (this.#untilById.has(id)) return // what it says anew waits no longer than what it said before
    this.#untilById.set(id, now + patience_ms)
    this.#awaited.add(id)
  }

  checked(id: string): void {
    this.#awaited.delete(id)
  }

  /** Whether a result may still come. */
  get isAwaited(): boolean {
    return this.#awaited.size > 0
  }

  /** How long these changes may wait: not at all where any is something else than a registration that is new. */
  heldUntil(changes: readonly Change[]): number {
    const untils = changes.map(({ map, key, after }) =>
      (map === 'instances' && after !== undefined) || map === 'removals' ? this.#untilById.get(key) : undefined,
    )
    return untils.length === 0 ? atOnce : Math.min(...untils.map((until) => until ?? atOnce))
  }
}

/** Before every moment. */
export const atOnce = Number.NEGATIVE_INFINITY
