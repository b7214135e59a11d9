/**
 * Who else holds what was written here: asks peers until as many hold it as each caller wants. It never makes a write wait, nor undone.
 *
 *     written, on disk, told ──▶ some 30 ms later: do you lack anything of this version? ──▶ enough do not, or the time has passed
 *
 * A peer has one question at a time for each home, of the newest version that is due: whoever holds that holds what came before it, so
 * that many callers cost no more than one. Of a version that it lacks it is asked until it holds it: else, where writes go on, it would
 * always lack the newest one. What is written within some twenty milliseconds is due together, since a question costs its peer a
 * millisecond or two, however little it asks for.
 *
 * Whoever lacks nothing says so once it has written that: what many are said to hold outlives the end of all their processes.
 *
 * The question is that of a sync of single documents, so that every earlier version understands it: its answer names those that are
 * wanted. Heartbeats would not do: their digests leave out what has changed within two seconds.
 */
import type { Moment } from './effects.js'
import type { AckCount } from './model/acks.js'
import type { PeerId } from './model/model.js'
import type { Outbox } from './outbox.js'
import type { RegistryState } from './state.js'
import type { Ended } from './sync/requests.js'
import type { Holding } from './wire/sync.js'

/** So long gossip takes as a rule: who is asked sooner says no. */
const first_ms = 30
/** Between one version that is due and the next: so often a peer is asked about one home at the most, however much is written there. */
const between_ms = 20
const again_ms = 50
/** Who has not answered within so long may have fallen silent: another one is asked as well. */
const slow_ms = 200
/** Whoever lacks it so often in a row lost what was told, and is given it. */
const lacksTolerated = 4
/** Callers who wait at once; beyond it they are told what is known at once. */
const limit = 1000

/** What a home has written, as it was taken down at some moment. */
interface Version {
  /** Whatever was taken down before is part of it. */
  readonly number: number
  readonly holdings: readonly Holding[]
  /** From then on peers are asked. */
  readonly dueAt: number
}

interface Waiting {
  readonly ticket: number
  readonly acks: AckCount
  /** Whose document the write is in, beside ours. */
  readonly home: PeerId | undefined
  readonly until: number
  /** What is to be held; set once it can be given. */
  version: Version | undefined
  readonly holders: Set<PeerId>
}

/** To one peer, about one home. */
interface Question {
  readonly peer: PeerId
  readonly home: PeerId | undefined
  readonly version: Version
  /** What the answer names: another one each time that it is asked. */
  number: number
  askedAt: number
  /** It lacks that version, or did not say, and is asked again then; undefined while its answer is awaited. */
  againAt: number | undefined
  lacks: number
}

export class Acknowledging {
  readonly #state: RegistryState
  readonly #out: Outbox
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>()
  /** Of these it is not known yet what is to be held. */
  readonly #untaken = new Set<Waiting>()
  #questions: Question[] = []
  #lastNumber = 0
  /** The newest version is due then. */
  #lastDueAt = Number.NEGATIVE_INFINITY
  #wakeAt = Number.POSITIVE_INFINITY

  constructor(state: RegistryState) {
    this.#state = state
    this.#out = state.out
  }

  get wakeAt(): number {
    return this.#wakeAt
  }

  /** Settles with how many hold what is on disk here now, ourselves included. */
  ask(ticket: number, { acks, patience_ms, home }: Asking, { now }: Moment): void {
    const waiting: Waiting = {
      ...{ ticket, acks, until: now + patience_ms, version: undefined, holders: new Set() },
      home: home === this.#state.self ? undefined : home,
    }
    if (this.#isEnough(waiting) || this.#waiting.size >= limit) return this.#settle(waiting)
    this.#waiting.add(waiting)
    this.#untaken.add(waiting)
    this.#wakeBy(waiting.until)
  }

  /** This node leaves: whoever waits is told what is known. Who asks after that asks for the goodbye. */
  end(): void {
    for (const waiting of this.#waiting) this.#settle(waiting)
  }

  /** Between two commits, when a version can be told from the next one: takes down what those wait for who came since the last one. */
  takeDown(): void {
    if (this.#untaken.size === 0 || this.#state.commits.giveable === undefined) return
    const dueAt = this.#nextDueAt(this.#state.at.now + first_ms)
    const versions = new Map<PeerId | undefined, Version>()
    for (const waiting of this.#untaken) {
      const { home } = waiting
      const version = versions.get(home) ?? { number: (this.#lastNumber += 1), holdings: this.#holdings(home), dueAt }
      versions.set(home, version)
      waiting.version = version
    }
    this.#untaken.clear()
    this.#wakeBy(dueAt)
  }

  /** With the one before where that is not due yet by then. */
  #nextDueAt(soonest: number): number {
    if (this.#lastDueAt < soonest) this.#lastDueAt = Math.max(soonest, this.#lastDueAt + between_ms)
    return this.#lastDueAt
  }

  #holdings(home: PeerId | undefined): readonly Holding[] {
    const { commits, replica } = this.#state
    const other = home === undefined ? undefined : replica.document(home)?.holding
    return [commits.giveable?.holding, other].filter((holding) => holding !== undefined)
  }

  tick(): void {
    const { now } = this.#state.at
    if (now < this.#wakeAt) return
    for (const waiting of this.#waiting) if (now >= waiting.until || this.#isEnough(waiting)) this.#settle(waiting)
    this.#forgetUnwanted()
    this.#askDue()
    this.#wakeAt = Number.POSITIVE_INFINITY
    for (const { until, version } of this.#waiting) {
      const dueAt = version?.dueAt ?? Number.POSITIVE_INFINITY
      this.#wakeBy(Math.min(until, dueAt > now ? dueAt : now + again_ms))
    }
  }

  /** Questions that would be asked again, and nobody waits for any more. */
  #forgetUnwanted(): void {
    const { peers } = this.#state.liveness
    const homes = new Set([...this.#waiting].map(({ home }) => home))
    this.#questions = this.#questions.filter(
      ({ peer, home, againAt }) => againAt === undefined || (peers.has(peer) && homes.has(home)),
    )
  }

  #wakeBy(time: number): void {
    this.#wakeAt = Math.min(this.#wakeAt, time)
  }

  /** The newest first: an answer about it is one about all before it. */
  #askDue(): void {
    const { now } = this.#state.at
    const peers = this.#connected()
    for (const waiting of [...this.#waiting].reverse()) {
      const { version } = waiting
      if (version !== undefined && version.dueAt <= now) this.#askSome(peers, waiting, version)
    }
  }

  /** One more than are missing: of many neighbours not each is asked for each write. */
  #askSome(peers: readonly PeerId[], { acks, holders, home }: Waiting, version: Version): void {
    const { now } = this.#state.at
    const missing = acks === 'all' ? Number.POSITIVE_INFINITY : acks - 1 - holders.size
    let expected = 0
    for (const peer of peers) {
      if (expected > missing) return
      if (holders.has(peer)) continue
      const known = this.#questions.find((one) => one.peer === peer && one.home === home)
      const isAwaited = known !== undefined && known.againAt === undefined
      if (!isAwaited || now - known.askedAt < slow_ms) expected += 1
      if (known === undefined) this.#questions.push(this.#put({ peer, home, version, lacks: 0 }))
      else if (known.againAt !== undefined && now >= known.againAt) Object.assign(known, this.#put(known))
    }
  }

  #put(asking: Pick<Question, 'peer' | 'home' | 'version' | 'lacks'>): Question {
    const { requests, at } = this.#state
    const number = (this.#lastNumber += 1)
    this.#out.emit(requests.compare(asking.peer, number, asking.version.holdings, at.now))
    return { ...asking, number, askedAt: at.now, againAt: undefined }
  }

  #connected(): readonly PeerId[] {
    const { peers, membership } = this.#state.liveness
    return [...peers.ids()].filter((id) => membership.member(id)?.state === 'alive')
  }

  answered({ acknowledgement, holds }: Extract<Ended, { type: 'compared' }>): void {
    const question = this.#questions.find(({ number }) => number === acknowledgement)
    if (question === undefined) return
    if (holds !== true) return this.#askAgain(question, holds === false)
    this.#questions.splice(this.#questions.indexOf(question), 1)
    this.#holds(question)
    this.#askDue()
  }

  #holds({ peer, home, version }: Question): void {
    for (const waiting of this.#waiting) {
      if (waiting.home !== home || waiting.version === undefined || waiting.version.number > version.number) continue
      waiting.holders.add(peer)
      if (this.#isEnough(waiting)) this.#settle(waiting)
    }
  }

  /** Not at once: it may not even have been reached. */
  #askAgain(question: Question, isLacking: boolean): void {
    const { at, answers } = this.#state
    question.againAt = at.now + again_ms
    this.#wakeBy(question.againAt)
    if (isLacking) question.lacks += 1
    if (!isLacking || question.lacks !== lacksTolerated) return
    const owners = question.version.holdings.map(({ owner }) => owner)
    answers.wait({ type: 'push', peer: question.peer, owners })
  }

  #isEnough({ acks, holders }: Waiting): boolean {
    if (acks !== 'all') return 1 + holders.size >= acks
    const { peers, membership, overlay } = this.#state.liveness
    for (const { id, state } of membership.members())
      if (state === 'alive' && !holders.has(id) && (peers.has(id) || overlay.wants(id))) return false
    return true
  }

  #settle(waiting: Waiting): void {
    const { ticket, holders } = waiting
    this.#waiting.delete(waiting)
    this.#untaken.delete(waiting)
    this.#out.emit({ type: 'settle', ticket, result: { ok: true, value: String(1 + holders.size) } })
  }
}

interface Asking {
  readonly acks: AckCount
  readonly patience_ms: number
  readonly home?: PeerId
}
