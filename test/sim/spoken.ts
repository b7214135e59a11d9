// Whether anybody is shown again without having spoken since he was hidden, seen from outside: the world knows when each word was spoken.
import type { Effect } from '../../src/core/effects.js'
import { onItsWay_ms } from '../../src/core/membership/formulas.js'
import { decodeGossip } from '../../src/core/wire/gossip.js'
import type { Watch } from './engine.js'
import type { Machine } from './machine.js'

/** The first byte of a heartbeat; farewells, questions and what is passed on are no words of the living. Answers to questions are. */
const heartbeat = 1

interface Loss {
  readonly at: number
  /** What the observer knew then. */
  readonly known: Known
}

interface Known {
  readonly generation: number
  readonly incarnation: number
}

interface Word {
  readonly at: number
  readonly generation: number
}

export class Spoken {
  /** When each peer last spoke, whoever heard it. */
  readonly #words = new Map<string, Word>()
  /** By observer, of each peer: since when the one has no sight of the other. */
  readonly #losses = new Map<string, Map<string, Loss>>()
  /** Who was shown again without a word. */
  readonly wrong: string[] = []
  readonly #late_ms: number

  /**
   * @param slowest_ms the longest that a line takes. Where two of them take longer than the core allows for, to call back within a second
   * whoever lives, a word of just before the hiding is taken for one of after it: no number, no age tells the two apart.
   */
  constructor(slowest_ms: number) {
    this.#late_ms = Math.max(0, 2 * slowest_ms - onItsWay_ms)
  }

  readonly watch: Watch = (machine, now, input, effects) => {
    if (input === undefined) this.#losses.set(machine.name, new Map()) // who starts has no verdict of his own
    for (const effect of effects) {
      if (isWord(effect)) this.#words.set(machine.self, { at: now, generation: machine.live.generation })
      else if (effect.type === 'notify' && effect.event.type === 'member')
        this.#noteBelief(machine, effect.event.peer, effect.event, now)
    }
  }

  #noteBelief(observer: Machine, peer: string, { from, to }: { from: string; to: string }, now: number): void {
    const losses = this.#losses.get(observer.name) as Map<string, Loss>
    if (to === 'hidden' || to === 'dead') {
      // Who was never heard was not hidden: it is thought to be dead for want of any word, and one of a moment before says that it lives.
      if (from !== 'unknown' && !losses.has(peer)) losses.set(peer, { at: now, known: knownOf(observer, peer) })
      return
    }
    const loss = losses.get(peer)
    if (to !== 'alive' || loss === undefined) return
    losses.delete(peer)
    const { at: spokeAt, generation: spokeIn } = this.#words.get(peer) ?? { at: 0, generation: 0 }
    const { generation, incarnation } = knownOf(observer, peer)
    // A new start, or an answer to what was reported, is news of it too, whenever that was.
    if (Math.max(generation, spokeIn) > loss.known.generation || incarnation !== loss.known.incarnation) return
    if (spokeAt >= loss.at - this.#late_ms) return
    this.wrong.push(`${observer.name} shows ${peer} at ${now}: hidden at ${loss.at}, silent since ${spokeAt}`)
  }
}

function isWord(effect: Effect): boolean {
  if (effect.type === 'broadcast') return decodeGossip(effect.bytes)?.type === 'answer'
  return effect.type === 'beat' && effect.bytes[0] === heartbeat
}

function knownOf({ live, clock }: Machine, peer: string): Known {
  const member = live.read.members({ now: clock.at(0), wall: 0 }).find((one) => one.peer === peer)
  return { generation: member?.generation ?? 0, incarnation: member?.incarnation ?? 0 }
}
