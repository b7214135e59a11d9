/**
 * Programs that keep ending without a goodbye: what they register next has to last before it counts as well, as members do.
 * Kept by slug: in a loop of crashes each start may be on another port, under another id.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import { memory_ms, recovery_ms } from '../basics/damping.js'

/** Slugs of which that is remembered. */
const slugsKept = 4096
/** Ends of one slug that count. */
const endsKept = 16

export class Crashes {
  readonly #endsBySlug = new BoundedMap<string, number[]>(slugsKept)

  /** An instance of the slug ended without a goodbye. */
  note(slug: string, now: number): void {
    const ends = [...this.#recent(slug, now), now].slice(-endsKept)
    this.#endsBySlug.set(slug, ends)
  }

  /** How long a new registration of the slug has to last before a check counts; 0 where it did not end twice lately. */
  recovery_ms(slug: string, now: number): number {
    const ends = this.#recent(slug, now).length
    return ends < 2 ? 0 : recovery_ms(ends)
  }

  #recent(slug: string, now: number): number[] {
    return (this.#endsBySlug.get(slug) ?? []).filter((at) => now - at < memory_ms)
  }
}
