/**
 * How long others have been silent: routes what each daemon has counted to its peers, their counts to ours. So nodes that are up by
 * turns confirm an absence together.
 */
import type { Outbox } from './outbox.js'
import type { RegistryState } from './state.js'
import type { Silence } from './wire/sync.js'

/** A peer is told at most this often. */
const pause_ms = 600_000

export class Silences {
  readonly #state: RegistryState
  readonly #out: Outbox

  constructor(state: RegistryState) {
    this.#state = state
    this.#out = state.out
  }

  /** By what others have counted. Whoever is too old itself to be asked for its content has no use for it. */
  take(silences: readonly Silence[]): void {
    const { lastHeard, liveness, replica, fences, at, isStale } = this.#state
    if (isStale) return
    for (const silence of silences) {
      const { owner } = silence
      const generation = Math.max(replica.head(owner)?.generation ?? 0, fences.upTo(owner))
      lastHeard.take(silence, liveness.membership.member(owner), generation, at)
    }
  }

  /** Tells everybody, now and then. */
  tell(): void {
    const { lastHeard, liveness, requests, at, rules } = this.#state
    if (!rules.isJoined) return
    let silences: readonly Silence[] | undefined
    for (const peer of liveness.peers.all()) {
      if (at.now - peer.toldSilencesAt < pause_ms) continue
      peer.toldSilencesAt = at.now
      silences ??= lastHeard.silences(liveness.membership.members(), at)
      if (silences.length > 0) this.#out.emit(requests.tellSilences(peer.id, silences, at.now))
    }
  }
}
