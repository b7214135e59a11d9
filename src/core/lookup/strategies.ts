/**
 * How one of several candidates is chosen: pure functions over a list that never changes. What happened before is the caller's to keep,
 * and so is chance.
 */
import type { Candidates, Weighed } from './candidates.js'
import { hashText, lot, lotOf, shareOf } from './lots.js'

/**
 * `round-robin`: in turn, by weight, evenly spread. `random`: by weight. `least-loaded`: the less loaded of
 * two drawn by weight (Mitzenmacher's power of two choices; Finagle's, where the caller measures). `hash`: the same one for the same
 * key, of which only those of an instance that goes move (rendezvous hashing, Thaler and Ravishankar).
 */
export const strategies = ['round-robin', 'random', 'least-loaded', 'hash'] as const
export type Strategy = (typeof strategies)[number]

/** Numbers from 0 up to 1, evenly spread, from a seed (mulberry32). */
export class Draws {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** By weight. @returns its place in the list */
export function random({ ids, even, upTo, total }: Candidates<unknown>, draws: Draws): number {
  const drawn = draws.next()
  if (even) return Math.floor(drawn * ids.length)
  const bar = drawn * total
  let [from, to] = [0, ids.length - 1]
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((upTo[middle] as number) > bar) to = middle
    else from = middle + 1
  }
  return from
}

/** How often two are drawn at the most, until one of them will do (Finagle's `maxEffort`). */
const maxEffort = 5

/**
 * Of two that are drawn one is the most loaded but for one with a chance of 2 / n (n - 1): where two of ten are slow, one call in 45
 * meets the better one of them, whatever that costs. So two more are drawn for as long as none will do.
 * @param loadOf how loaded the one at that place is; the less the better. Of equal ones the first that was drawn
 * @param usual a load up to this will do
 */
export function leastLoaded(
  candidates: Candidates<unknown>,
  draws: Draws,
  loadOf: (place: number) => number,
  usual = Number.POSITIVE_INFINITY,
): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let effort = 0; effort < maxEffort; effort += 1) {
    const first = random(candidates, draws)
    const second = anotherThan(first, candidates, draws)
    const [one, other] = [loadOf(first), loadOf(second)]
    const [chosen, load] = other < one ? [second, other] : [first, one]
    if (effort === 0 || load < least) [best, least] = [chosen, load]
    if (least <= usual) break
  }
  return best
}

/** Drawn again where both draws give the same, a few times: one may have nearly all of the weight. */
function anotherThan(first: number, candidates: Candidates<unknown>, draws: Draws): number {
  if (candidates.ids.length === 1) return first
  for (let tries = 0; tries < 3; tries += 1) {
    const second = random(candidates, draws)
    if (second !== first) return second
  }
  return (first + 1) % candidates.ids.length
}

/**
 * The same one for the same key, at every caller: each candidate draws lots by its id and the key, -ln(u) / weight, and the least
 * wins. Within one weight that is the greatest u, so that only one logarithm for each weight is taken.
 */
export function rendezvous({ byWeight }: Candidates<unknown>, key: string): number {
  const keyHash = hashText(key, 0)
  const keyTie = hashText(key, 1)
  let [best, least] = [0, Number.POSITIVE_INFINITY]
  for (const weighed of byWeight) {
    const at = greatestLot(weighed, keyHash, keyTie)
    const place = weighed.places[at] as number
    const cost = -Math.log(shareOf(lotOf((weighed.hashes[at] as number) ^ keyHash))) / weighed.weight
    if (cost < least || (cost === least && place < best)) [best, least] = [place, cost]
  }
  return best
}

/**
 * Called for each candidate of each pick: nothing in it but whole numbers of 32 bits. Of thousands a few are greater than all before
 * them, so that four that are not are passed at a time.
 */
function greatestLot({ hashes, ties }: Weighed, keyHash: number, keyTie: number): number {
  const count = hashes.length | 0
  const lastFour = (count - 4) | 0
  let best = 0
  let greatest = lotAt(hashes, 0, keyHash)
  for (let at = 1; at < count; at = (at + 1) | 0) {
    while (
      at <= lastFour &&
      lotAt(hashes, at, keyHash) < greatest &&
      lotAt(hashes, (at + 1) | 0, keyHash) < greatest &&
      lotAt(hashes, (at + 2) | 0, keyHash) < greatest &&
      lotAt(hashes, (at + 3) | 0, keyHash) < greatest
    )
      at = (at + 4) | 0
    if (at === count) break
    const drawn = lotAt(hashes, at, keyHash)
    if (drawn < greatest) continue
    // Of many thousands two may have one hash: then it is not always the same one of them that wins.
    if (drawn === greatest && lot((ties[at] as number) ^ keyTie) <= lot((ties[best] as number) ^ keyTie)) continue
    best = at
    greatest = drawn
  }
  return best
}

function lotAt(hashes: Int32Array, at: number, keyHash: number): number {
  return lotOf((hashes[at] as number) ^ keyHash) | 0
}
