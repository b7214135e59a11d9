/**
 * What our registrations have outlived: the numbers of others that stood beside them, so that it can be told later whether
 * somebody took an instance over while we were forgotten by mistake.
 *
 *     a (here)   registered 5 ───────── fenced by mistake ─── begins anew: what of ours was taken over goes, the rest stays
 *     b          had 4: outlived                    │
 *     c                                             registered 1: to c there was no number to exceed, so it counts, whatever it is
 */
import type { PeerId } from '../model/model.js'
import type { Records } from './records.js'

export class Outlived {
  readonly #records: Records
  /** Registration numbers of others at ids of ours, by owner. */
  readonly #numbers = new Map<string, ReadonlyMap<PeerId, number>>()

  constructor(records: Records) {
    this.#records = records
  }

  /** What others hold at these ids while a record of ours stands there came before any forgetting that we hear of later. */
  note(ids: Iterable<string>): void {
    const { union, self } = this.#records
    for (const id of ids) {
      const records = union.records(id)
      if (records.size < 2 || !records.has(self)) this.#numbers.delete(id)
      else this.#numbers.set(id, new Map([...records].map(([owner, { n }]) => [owner, n])))
    }
  }

  /** Drops what others have taken over, or removed, since we were forgotten. */
  dropTakenOver(): void {
    const { union, self } = this.#records
    for (const id of this.#records.ownKeys('instances')) {
      const outlived = this.#numbers.get(id)
      const isTaken = [...union.records(id)].some(([owner, { n }]) => owner !== self && n > (outlived?.get(owner) ?? 0))
      // A removal of our own was outlived by the registration that came after it, and those who forgot us have kept it.
      const ownRemoval = this.#records.own('removals', id)?.n ?? 0
      if (isTaken || union.removedUpTo(id) > ownRemoval) this.#records.stage('instances', id, undefined)
    }
  }
}
