/**
 * What readers see, brought up to date: routes changed entries or beliefs into the index. What of ours they
 * beat is dropped on the way.
 */
import type { RegistryEvent } from './effects.js'
import type { Fencing } from './fencing.js'
import { isDormant } from './lookup/visibility.js'
import type { PeerId } from './model/model.js'
import type { Outbox } from './outbox.js'
import { isUntouched } from './records/union.js'
import type { RegistryState } from './state.js'

/** A daemon that starts sees nobody yet: so long it may take until that is told to people. */
const startDoubt_ms = 10_000

/** Instances of owners of whom something else is believed are looked at so many at a time. */
const lookedAt = 100

export class Projection {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #fencing: Fencing
  /** People were told that we are in doubt. */
  #isDoubtTold = false
  /** Instances of owners who compete again, or no more. */
  readonly #competing: Iterator<string>[] = []

  constructor(state: RegistryState, fencing: Fencing) {
    this.#state = state
    this.#out = state.out
    this.#fencing = fencing
  }

  /** Entries changed: drop what of ours is beaten, apply fences, refresh the index; until nothing more follows. */
  settle(): void {
    const { records, writes, outlived, index, checks, rules } = this.#state
    for (;;) {
      const touched = records.takeTouched()
      if (isUntouched(touched)) return
      const { instances, definitions, fenced, nodes } = touched
      const { maySign } = rules
      if (maySign) writes.dropBeaten(instances, definitions)
      this.#fencing.applyFences(fenced)
      if (maySign) outlived.note(instances)
      for (const id of instances) this.#noteEnds(id)
      this.#out.emitAll(checks.follow(instances, this.#state.at.now))
      for (const id of instances) this.#out.notifyAll(index.refresh(id).filter((event) => isTold(event, records.self)))
      for (const owner of nodes) this.#learn(owner)
      this.followBeliefs()
    }
  }

  /** When it is to end, by what its records say. */
  #noteEnds(id: string): void {
    const { records, expiry, abandoned, self, at } = this.#state
    const all = records.union.records(id)
    expiry.note(id, all.get(self), at.now)
    abandoned.follow(id, all, self, at.now)
  }

  #learn(owner: PeerId): void {
    const { records, visibility, self } = this.#state
    const node = records.union.node(owner)
    visibility.changed(owner) // its url is shown with each of its instances
    if (owner !== self && node !== undefined) this.#out.emit({ type: 'learn', peer: owner, addresses: node.addresses })
  }

  /** Brings what is shown in line with what is believed. */
  followBeliefs(): void {
    const { liveness, replica, visibility, index, self } = this.#state
    const { membership } = liveness
    for (const id of membership.takeTouched()) {
      const saidGoodbye = membership.member(id)?.left ?? id !== self
      const listing = replica.isDeclined(id) ? 'none' : membership.listing(id) // what is held of it is not current
      if (visibility.note(id, listing, saidGoodbye)) index.ownerChanged(id)
    }
    this.#tellMore()
  }

  /** Lookups follow a belief at once; those who are told of each instance are told in turns, since there may be 150 000. */
  #tellMore(): void {
    this.#out.notifyAll(this.#state.index.tellMore(lookedAt))
  }

  /** A part of what follows for single instances from beliefs, or from the end of their owner. */
  lookOn(): void {
    this.#fencing.takeBackMore(lookedAt)
    this.#compete()
    this.#tellMore()
  }

  #compete(): void {
    for (let left = lookedAt; left > 0 && this.#competing.length > 0; left -= 1) {
      const next = this.#competing[0]?.next()
      if (next === undefined || next.done === true) this.#competing.shift()
      else this.#out.notifyAll(this.#state.index.refresh(next.value))
    }
  }

  /** When to be woken, whatever happens. */
  get wakeAt(): number {
    const { index, leaving, at } = this.#state
    return this.#competing.length > 0 || index.hasUntold || !leaving.isEmpty ? at.now : Number.POSITIVE_INFINITY
  }

  /** Whom this node does not reach itself: its own callers are given those last. */
  lookFromHere(): void {
    const { liveness, reach, at } = this.#state
    reach.look(liveness.membership.unreached(at.now), at.now)
  }

  /** Who is gone for so long that its instances do not compete any more; whether we have lost sight of the cluster. */
  lookAround(): void {
    const { records, replica, liveness, visibility, degraded, at } = this.#state
    if (!visibility.isLookDue(at.now)) return
    const { now } = at
    for (const { id, state, since } of liveness.membership.members()) {
      if (records.union.setDormant(id, isDormant(state, now - since)))
        this.#competing.push(replica.keys(id, 'instances'))
    }
    this.lookOn()
    degraded.look(visibility.listed, (owner) => visibility.hasLeft(owner), now)
    this.#tellDoubt()
  }

  #tellDoubt(): void {
    const { degraded, startedAt, at } = this.#state
    const { doubt } = degraded
    if ((doubt !== undefined) === this.#isDoubtTold || at.now - startedAt < startDoubt_ms) return
    this.#isDoubtTold = !this.#isDoubtTold
    this.#out.notify({ type: 'doubt', ...(doubt !== undefined && { doubt }) })
  }
}

/** A move is told at both ends of it, and nowhere else: everybody sees where an instance is. */
function isTold(event: RegistryEvent, self: PeerId): boolean {
  return event.type !== 'instance-moved' || event.from === self || event.to === self
}
