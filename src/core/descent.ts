/**
 * How it is known later what this daemon's document comes from: routes who may hold it to its history, that to the disk, to the node
 * record that tells others of it.
 */
import type { Outbox } from './outbox.js'
import type { RegistryState } from './state.js'

/** So long after everybody is back, what anybody holds and we lack has been given back. */
const givenBack_ms = 10_000

export class Descent {
  readonly #state: RegistryState
  readonly #out: Outbox

  constructor(state: RegistryState) {
    this.#state = state
    this.#out = state.out
  }

  /** Before each commit. */
  settle(): void {
    const { identity, commits, writes, liveness, rules } = this.#state
    if (!rules.maySign) return
    const { history, boot } = identity
    const head = commits.signed?.head
    if (liveness.peers.size > 0 && head?.boot === boot && !history.isSeen(boot)) history.add(head, true)
    const note = history.takeNote()
    if (note === undefined) return
    this.#out.storeSoon([note])
    writes.saveAncestry(history.told(boot))
  }

  tick(): void {
    const { commits, liveness, phase, foreign, at } = this.#state
    if (phase.name !== 'ready' || foreign !== undefined || !commits.isBaselineKept) return
    for (const { state } of liveness.membership.members()) if (state !== 'alive') return
    for (const { since } of liveness.peers.all())
      if (at.now - since >= givenBack_ms) return this.#out.storeSoon(commits.dropBaseline())
  }
}
