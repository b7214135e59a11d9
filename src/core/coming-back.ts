/**
 * How a daemon that has gone mute takes writes again once the other one with its key is not heard of any more: routes its document from
 * the quiet that it waits for to a join like that of a start. What peers hold is continued, what is here alone is merged with it.
 *
 *     a, mute        g5.7 ──────────────(x registered, seen by nobody)──────────── joins ── g9: all of g8.4, and x
 *     its copy       └ g6 ── g8.4 ── stopped                                         ▲
 *     b, c           hold g8.4; nobody has heard a word of g8 for `wait` ────────────┘
 *
 * Programs are no part of the document: what lives with one that is here, and was ended by the other daemon, which knows nothing of it,
 * is registered again once that program has spoken, as it would be by one that starts.
 */
import type { Asking } from './asking.js'
import type { InstanceRecord } from './model/model.js'
import type { Opening } from './opening.js'
import type { Outbox } from './outbox.js'
import { sessionOfStart } from './own/living.js'
import type { RegistryState } from './state.js'

export class ComingBack {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #asking: Asking
  readonly #opening: Opening
  /** What lived with programs that are here, when it came back. */
  #living: InstanceRecord[] = []

  constructor(state: RegistryState, { asking, opening }: { readonly asking: Asking; readonly opening: Opening }) {
    this.#state = state
    this.#out = state.out
    this.#asking = asking
    this.#opening = opening
  }

  tick(): void {
    const { phase, rules, foreign } = this.#state
    if (phase.name === 'muted') return this.#look()
    if (this.#living.length > 0 && rules.maySign && foreign === undefined) this.#registerAgain()
  }

  #look(): void {
    const { quiet, commits, liveness, at } = this.#state
    const connected = [...liveness.peers.ids()].map((id) => ({ id, isAlive: liveness.membership.isAlive(id) }))
    if (quiet.isAskDue(at.now)) for (const { id } of connected) this.#asking.askOfUs(id)
    // What was on its way to the disk is part of what is continued.
    if (!commits.isBusy && quiet.isQuiet(connected, at.now)) this.#comeBack()
  }

  #comeBack(): void {
    const { quiet, at } = this.#state
    this.#living = this.#livingHere()
    const wait_s = Math.round(quiet.end(at.now) / 1000)
    this.#opening.openAgain()
    this.#out.warn(
      `nobody has heard of the other daemon with this node's key for ${wait_s} s: this one takes writes again, and takes over what others hold of its records`,
    )
  }

  #livingHere(): InstanceRecord[] {
    const { records } = this.#state
    const own = records.ownKeys('instances').flatMap((id) => records.own('instances', id) ?? [])
    return own.filter((record) => this.#mayLive(record))
  }

  #mayLive({ session }: InstanceRecord): boolean {
    return session !== undefined && (this.#isOwnStart(session) || this.#state.sessions.has(session))
  }

  #isOwnStart(session: string): boolean {
    return session === sessionOfStart(this.#state.identity.boot)
  }

  /** Whose program has not spoken since is lost by now: its words were refused for longer than a session may be silent. */
  #registerAgain(): void {
    const { sessions } = this.#state
    const isThere = ({ session = '' }: InstanceRecord): boolean => this.#isOwnStart(session) || sessions.isOpen(session)
    const due = this.#living.filter(isThere)
    this.#living = this.#living.filter((record) => !isThere(record) && this.#mayLive(record))
    for (const record of due) this.#registerOne(record)
  }

  /** Not where it was registered, or removed, elsewhere: that was not for want of its program. */
  #registerOne(record: InstanceRecord): void {
    const { records, writes, checks, at } = this.#state
    const { union } = records
    const { id } = record
    const isEndedElsewhere = union.removedUpTo(id) > (records.own('removals', id)?.n ?? 0)
    if (union.records(id).size > 0 || isEndedElsewhere) return
    writes.registerAgain(record)
    this.#out.emitAll(checks.check(id, at.now))
  }
}
