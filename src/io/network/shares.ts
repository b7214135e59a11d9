/**
 * What many bring, each as much as it likes: where that is too much, something of whoever brought most gives way; where there is a choice,
 * each has its turn. So whoever brings little loses nothing to those who bring much, and no limit for one has to be found. It keeps nothing.
 */
import { groupedBy } from '../../core/basics/grouped.js'

/** The first one of whoever brought most. */
export function surplusOf<T>(things: Iterable<T>, bringerOf: (thing: T) => string): T | undefined {
  let most: T[] = []
  for (const all of groupedBy(things, bringerOf).values()) if (all.length > most.length) most = all
  return most[0]
}

/** The first one of each, then the second ones. */
export function inTurns<T>(things: readonly T[], bringerOf: (thing: T) => string): T[] {
  const taken = new Map<string, number>()
  const rounds: T[][] = []
  for (const thing of things) {
    const round = taken.get(bringerOf(thing)) ?? 0
    taken.set(bringerOf(thing), round + 1)
    ;(rounds[round] ??= []).push(thing)
  }
  return rounds.flat()
}
