/**
 * For how long members were silent by the counts of others as well: nodes that are up by turns confirm an absence together.
 *
 *     b, last word (7, 40)  ▼ ── off ───────────────────────────────────────▶
 *     a, up                  ████████┐                ┌████████              goes on from what c has counted
 *     c, up                         █▼████████████████▲█                     goes on from what a has counted
 *
 *     two counts since one word, (generation, sequence)    the longer one: somebody was up for so long, and heard nothing
 *     two counts since different words                     the one since the later word: until then it lived
 *
 * Whatever is told goes on from where it stands, so no count exceeds the time that has passed since its word. A liar can hold a count
 * down for as long as it lies; it cannot raise one beyond the age that our own clock gives to the last word we heard.
 */
import type { PeerId } from '../model/model.js'
import type { Silence } from '../wire/sync.js'
import { wireLimits } from '../wire/limits.js'

/** Shorter silences are told to nobody. */
const worthTelling_ms = 24 * 3600_000
/** By so much our own clock may be off. */
const clockTolerance_ms = 24 * 3600_000

/** The last word of a member that a count begins from. */
interface Word {
  readonly generation: number
  readonly sequence: number
}

/** `wall`: when we heard it, unix milliseconds. */
interface Heard extends Word {
  readonly wall: number
}

/** `at`: what our uptime would have been, had we counted as whoever told it did. */
interface Counted extends Word {
  readonly at: number
}

/** Of our own count. */
export interface OwnCount {
  /** What our uptime was at the last word that we heard. */
  readonly at: number
  /** Our uptime. */
  readonly now: number
}

export class Told {
  /** The last word that we heard of each other owner ourselves. */
  readonly #heard = new Map<PeerId, Heard>()
  readonly #told = new Map<PeerId, Counted>()

  /** @param notes of an earlier run */
  constructor(notes: { readonly words?: unknown; readonly told?: unknown }) {
    for (const [owner, [generation, sequence, wall]] of listsOf(notes.words))
      this.#heard.set(owner, { generation, sequence, wall })
    for (const [owner, [generation, sequence, at]] of listsOf(notes.told))
      this.#told.set(owner, { generation, sequence, at })
  }

  /** We heard this ourselves. */
  hear(owner: PeerId, heard: Heard): void {
    this.#heard.set(owner, heard)
  }

  /** It was heard just now: of which word that was is noted later. */
  hearAnew(owner: PeerId): void {
    this.#heard.delete(owner)
  }

  forget(owner: PeerId): void {
    this.#heard.delete(owner)
    this.#told.delete(owner)
  }

  /** What our uptime was at the last word of an owner, by whichever count counts. */
  lastWordAt(owner: PeerId, own_ms: number): number {
    const [heard, told] = [this.#heard.get(owner), this.#told.get(owner)]
    if (heard === undefined || told === undefined) return own_ms
    const order = compareWords(told, heard)
    if (order < 0) return own_ms
    return order > 0 ? Math.max(told.at, own_ms) : Math.min(told.at, own_ms)
  }

  /**
   * A peer has counted so.
   * @param generation up to which there was a word of this owner, as far as its heads prove
   * @param wall unix milliseconds now
   * @returns by how much our own count has changed
   */
  take({ owner, ...said }: Silence, own: OwnCount, generation: number, wall: number): number {
    const heard = this.#heard.get(owner)
    const known = this.#told.get(owner)
    if (heard === undefined || said.generation > generation) return 0
    const age_ms = Math.max(0, wall - heard.wall) + clockTolerance_ms
    const told = { ...said, at: own.now - Math.min(said.silence_s * 1000, age_ms) }
    const order = known === undefined ? 1 : compareWords(told, known)
    if (compareWords(told, heard) < 0 || order < 0) return 0
    const before = this.lastWordAt(owner, own.at)
    const at = order === 0 && known !== undefined ? Math.min(known.at, told.at) : told.at
    this.#told.set(owner, { generation: said.generation, sequence: said.sequence, at })
    return Math.abs(this.lastWordAt(owner, own.at) - before)
  }

  /** What is worth telling of these, the longest silences first, as many as one message holds. */
  list(own: Iterable<readonly [PeerId, number]>, now_ms: number): Silence[] {
    const silences: Silence[] = []
    for (const [owner, own_ms] of own) {
      const word = this.#latestWord(owner)
      const silence_ms = now_ms - this.lastWordAt(owner, own_ms)
      if (word === undefined || silence_ms < worthTelling_ms) continue
      const { generation, sequence } = word
      silences.push({ owner, generation, sequence, silence_s: Math.floor(silence_ms / 1000) })
    }
    return silences.sort((a, b) => b.silence_s - a.silence_s).slice(0, wireLimits.silences)
  }

  #latestWord(owner: PeerId): Word | undefined {
    const [heard, told] = [this.#heard.get(owner), this.#told.get(owner)]
    return heard !== undefined && told !== undefined && compareWords(told, heard) > 0 ? told : heard
  }

  /** To be noted: read again by the next run. */
  toJSON(): { readonly words: unknown; readonly told: unknown } {
    const words = [...this.#heard].map(([owner, { generation, sequence, wall }]) => [
      owner,
      [generation, sequence, wall],
    ])
    const told = [...this.#told].map(([owner, { generation, sequence, at }]) => [owner, [generation, sequence, at]])
    return { words: Object.fromEntries(words), told: Object.fromEntries(told) }
  }
}

function compareWords(a: Word, b: Word): number {
  return a.generation - b.generation || a.sequence - b.sequence
}

type Three = [number, number, number]

function listsOf(note: unknown): [PeerId, Three][] {
  return Object.entries((note ?? {}) as Record<string, unknown>).filter((entry): entry is [PeerId, Three] => {
    const [, list] = entry
    return Array.isArray(list) && list.length === 3 && list.every((value) => Number.isFinite(value))
  })
}
