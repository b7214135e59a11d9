/**
 * Our own document as others hold it: routes what comes of it to the identity, which tells whose work it is, further on to the commits.
 */
import type { Asking } from './asking.js'
import { stopTheCopy } from './words/causes.js'
import { NodeDocument } from './document/document.js'
import type { PeerId } from './model/model.js'
import type { Outbox } from './outbox.js'
import { nodeRecordOf } from './records/kinds.js'
import type { RegistryState } from './state.js'
import type { Head } from './wire/head.js'
import type { Parcel } from './wire/sync.js'

export class Foreign {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #asking: Asking

  constructor(state: RegistryState, asking: Asking) {
    this.#state = state
    this.#out = state.out
    this.#asking = asking
  }

  /** It has come. */
  take(parcel: Parcel, via: PeerId): void {
    const { identity, crypto, rules } = this.#state
    const { signed, content } = parcel
    const joining = this.#state.joining
    if (joining !== undefined) return joining.offer(parcel)
    const author = identity.authorOf(signed.head)
    if (author === 'ours') return
    if (!this.#state.signatures.isGenuine(signed)) return this.#out.drop('bad signature')
    if (this.#state.phase.name === 'muted' && author !== 'continued') {
      identity.noteContinued(signed.head)
      return this.#state.quiet.noteBrought(signed.head)
    }
    if (!rules.maySign) return
    if (author === 'continued') return identity.noteHeld(signed.head)
    if (author === 'live clone') return this.#yieldToClone(signed.head)
    if (content.type !== 'full') return this.#overtake(signed.head, via)
    const document = NodeDocument.load(crypto.hash, signed, content.bytes)
    if (document === undefined) return this.#out.drop('content is not what its head says')
    this.#state.foreign = document
  }

  /**
   * A head of ours that we cannot continue yet. Where it is not behind us, we go ahead of it: whoever holds its content
   * will then find us behind that, and give it back.
   */
  #overtake(head: Head, via: PeerId): void {
    const { identity, self } = this.#state
    if (head.generation < identity.generation) return this.#asking.pull(self, via)
    identity.noteContinued(head)
    identity.raiseGeneration(head.generation + 1)
    this.#state.tellGeneration('another start signed records of this node in the same generation')
  }

  #yieldToClone(head: Head): void {
    const { identity, commits, quiet, liveness, at } = this.#state
    const { boot } = head
    identity.noteContinued(head)
    const otherAt = identity.placeOf(boot)
    const places = this.#places(otherAt)
    const wait_s = Math.round(quiet.begin(liveness.travel_ms, at.now) / 1000)
    const why = `another daemon runs with this node's key${places} (its boot ${boot}, ours ${identity.boot}): ${stopTheCopy}, once nobody has heard of that one for ${wait_s} s`
    commits.mute(why)
    this.#state.enter({ name: 'muted', why, ...(otherAt !== undefined && { otherAt }) })
    this.#out.notify({ type: 'muted', why })
  }

  /** Continues a newer document of ours, with what was written since this start on top. */
  adopt(): void {
    const { writes, identity, commits, checks, at, rules } = this.#state
    const document = this.#state.foreign
    if (document === undefined || commits.isBusy || !rules.maySign) return
    this.#state.foreign = undefined
    if (!identity.isForeign(document.signed.head)) return
    const place = nodeRecordOf(document.entries)?.addresses[0]
    const places = this.#places(place)
    identity.noteContinued(document.signed.head, place)
    for (const message of commits.adopt(document, writes, at.wall)) this.#out.warn(`not written again: ${message}`)
    this.#out.emitAll(checks.checkAll(at.now))
    const hint = places === '' ? '' : `, of a start${places}: if that one still runs, a data directory was copied`
    this.#state.tellGeneration(`a peer knew a newer version of this node’s own records${hint}`)
  }

  /** Where another start with our key is, beside this one, for people; a restart in one place is no other. */
  #places(there: string | undefined): string {
    const here = this.#state.records.union.node(this.#state.self)?.addresses[0]
    return there === undefined || here === undefined || there === here ? '' : ` at ${there}, beside this one at ${here}`
  }
}
