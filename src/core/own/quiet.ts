/**
 * When a daemon that has gone mute may take writes again: once nobody hears any more of the other one that ran with its key.
 *
 *     signs ──the other one goes on──▶ mute ──for `wait` nobody has heard a word of our key──▶ signs, as a new start
 *                                      │  ▲
 *                                      └──┘ every 3 s each living peer is asked when it last heard one, from us or through others
 *
 *     wait     16 s, 32 s, 64 s, … 10 min     as long as hearsay may travel, and longer where there are very many; twice as long each time,
 *                                             and as at first once it has signed for an hour
 *
 * Who is mute says no word, so whatever is heard is the other one's; and who comes back keeps its boot id, so where both still run, on two
 * sides of a cut, it is the same one that stops again once that heals. All who are connected and live have to agree, and whoever else has
 * answered, one at the least: of two that are cut off together with nobody else neither can tell. To whom the other one has said goodbye he
 * sends no heartbeats, and may be taken for dead here; his answers count.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { PeerId } from '../model/model.js'
import { wireLimits } from '../wire/limits.js'
import type { Holding, Witness } from '../wire/sync.js'
import { type Head, compareHeads } from '../wire/head.js'

const ask_ms = 3000
/** An answer says how it was then: one round may be lost. */
const answerCounts_ms = 2 * ask_ms + 1000
const longest_ms = 600_000
/** Who has signed for so long has not come back too early. */
const proven_ms = 3600_000

interface Answered {
  readonly at: number
  /** For how long it has heard nothing; undefined where it never heard of us, or cannot know. */
  readonly silence_ms: number | undefined
}

function noAnswers(): BoundedMap<PeerId, Answered> {
  return new BoundedMap(wireLimits.documents)
}

export class Quiet {
  #wait_ms = 0
  #mutedAt = Number.NEGATIVE_INFINITY
  #backAt = Number.NEGATIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY
  #answers = noAnswers()
  /** The newest document of the other one that was brought here: nobody has to bring it again before it is continued. */
  #brought: Holding | undefined

  get brought(): Holding | undefined {
    return this.#brought
  }

  /**
   * It has gone mute.
   * @param travel_ms how long a word may be on its way to whoever is asked
   * @returns for how long nothing must be heard from now on
   */
  begin(travel_ms: number, now: number): number {
    const wait_ms = now - this.#backAt < proven_ms ? 2 * this.#wait_ms : 2 * travel_ms
    this.#wait_ms = Math.min(longest_ms, wait_ms)
    this.#mutedAt = now
    this.#brought = undefined
    return this.#wait_ms
  }

  /** @returns whether it is time to ask, which then counts as done */
  isAskDue(now: number): boolean {
    if (now - this.#askedAt < ask_ms) return false
    this.#askedAt = now
    return true
  }

  answered(peer: PeerId, { stale, heardOfAsker, silence_s }: Witness, now: number): void {
    this.#answers.set(peer, { at: now, silence_ms: stale || !heardOfAsker ? undefined : silence_s * 1000 })
  }

  /** A document of the other one has come, while it is too early to continue it. */
  noteBrought({ owner, generation, version, boot, epoch }: Head): void {
    const isNewer = this.#brought === undefined || compareHeads(this.#brought, { generation, version, boot }) < 0
    if (isNewer) this.#brought = { owner, generation, version, boot, epoch, clock: 0 }
  }

  /** Whether all of these have heard nothing for long. @param connected those that live have to have answered lately, others may */
  isQuiet(connected: readonly { readonly id: PeerId; readonly isAlive: boolean }[], now: number): boolean {
    if (now - this.#mutedAt < this.#wait_ms) return false
    const silences: number[] = []
    for (const { id, isAlive } of connected) {
      const answer = this.#answers.get(id)
      const isLate = answer === undefined || now - answer.at > answerCounts_ms
      if (isLate && isAlive) return false
      if (!isLate && answer.silence_ms !== undefined) silences.push(answer.silence_ms)
    }
    return silences.length > 0 && silences.every((silence_ms) => silence_ms >= this.#wait_ms)
  }

  /** It signs again. @returns for how long nothing was heard */
  end(now: number): number {
    this.#backAt = now
    this.#answers = noAnswers()
    return this.#wait_ms
  }
}
