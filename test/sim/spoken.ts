// Whether anybody is shown again without having spoken since he was hidden, seen from outside: the world knows when each word was spoken.
import type { Effect } from '../../src/core/effects.js'
import { decodeGossip } from '../../src/core/wire/gossip.js'
import type { Watch } from './engine.js'
import type { Machine } from './machine.js'

/** The first byte of a heartbeat; farewells, questions and what is passed on are no words of the living. Answers to questions are. */
const heartbeat = 1

interface Loss {
  readonly at: number
  /** The generation and incarnation that the observer knew then. */
  readonly known: string
}

export class Spoken {
  /** When each peer last spoke, whoever heard it. */
  readonly #spokeAt = new Map<string, number>()
  /** By observer, of each peer: since when the one has no sight of the other. */
  readonly #losses = new Map<string, Map<string, Loss>>()
  /** Who was shown again without a word. */
  readonly wrong: string[] = []

  readonly watch: Watch = (machine, now, input, effects) => {
    if (input === undefined) this.#losses.set(machine.name, new Map()) // who starts has no verdict of his own
    for (const effect of effects) {
      if (isWord(effect)) this.#spokeAt.set(machine.self, now)
      else if (effect.type === 'notify' && effect.event.type === 'member')
        this.#noteBelief(machine, effect.event.peer, effect.event.to, now)
    }
  }

  #noteBelief(observer: Machine, peer: string, to: string, now: number): void {
    const losses = this.#losses.get(observer.name) as Map<string, Loss>
    if (to === 'hidden' || to === 'dead') {
      if (!losses.has(peer)) losses.set(peer, { at: now, known: knownOf(observer, peer) })
      return
    }
    const loss = losses.get(peer)
    if (to !== 'alive' || loss === undefined) return
    losses.delete(peer)
    const spokeAt = this.#spokeAt.get(peer) ?? 0
    // A new start, or an answer to what was reported, is news of it too, whenever that was.
    if (spokeAt >= loss.at || knownOf(observer, peer) !== loss.known) return
    this.wrong.push(`${observer.name} shows ${peer} at ${now}: hidden at ${loss.at}, silent since ${spokeAt}`)
  }
}

function isWord(effect: Effect): boolean {
  if (effect.type === 'broadcast') return decodeGossip(effect.bytes)?.type === 'answer'
  return effect.type === 'beat' && effect.bytes[0] === heartbeat
}

function knownOf({ live, clock }: Machine, peer: string): string {
  const member = live.read.members({ now: clock.at(0), wall: 0 }).find((one) => one.peer === peer)
  return `${member?.generation} ${member?.incarnation}`
}
