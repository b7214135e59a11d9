/**
 * All that one daemon knows, in one value: its parts, the phase of its life, the input that is being handled, what is on its way out.
 * It decides nothing; the routers beside it do, each for its own journeys.
 */
import type { Trouble } from './words/causes.js'
import { DiskNews, type Written } from './words/disk.js'
import type { NodeDocument } from './document/document.js'
import { Entries, type EntryMaps } from './document/entries.js'
import type { Crypto, Moment, StoredDocument } from './effects.js'
import { assert } from './model/errors.js'
import { Liveness, type OwnState } from './liveness.js'
import { Degraded } from './lookup/degraded.js'
import { Reach } from './lookup/reach.js'
import { Index } from './lookup/slugs.js'
import { Visibility } from './lookup/visibility.js'
import type { NodeRecord, PeerId } from './model/model.js'
import { Outbox } from './outbox.js'
import { Commits } from './own/commits.js'
import { HealthChecks } from './own/health-checks.js'
import { Identity } from './own/identity.js'
import type { Joining } from './own/joining.js'
import { Crashes } from './own/crashes.js'
import { Expiry } from './own/expiry.js'
import { CommandQueue } from './own/queue.js'
import { Quiet } from './own/quiet.js'
import { Sessions } from './own/sessions.js'
import { Suspicions } from './own/suspicions.js'
import { Unplaced } from './own/unplaced.js'
import { settled_ms } from './peers/digests.js'
import { type Phase, type Rules, isStale, joiningOf, mayFollow, rulesOf } from './phase.js'
import { Outlived } from './records/outlived.js'
import { Stamps } from './records/stamps.js'
import { Records } from './records/records.js'
import { Writes } from './records/writes.js'
import { Disputes } from './replica/disputes.js'
import { Replica } from './replica/replica.js'
import { Unheard } from './replica/unheard.js'
import { Abandoned } from './retention/abandoned.js'
import { Fences } from './retention/fences.js'
import { Forgetting } from './retention/forgetting.js'
import { LetGo } from './retention/let-go.js'
import { LastHeard } from './retention/last-heard.js'
import { LastUp } from './retention/last-up.js'
import { Answers } from './sync/answers.js'
import { Arrivals } from './sync/arrivals.js'
import { Comparisons } from './sync/comparisons.js'
import { Encodings } from './sync/encodings.js'
import { FirstSync } from './sync/first-sync.js'
import { Gaps } from './sync/gaps.js'
import { Pace } from './sync/pace.js'
import { HeadsAlone } from './sync/heads-alone.js'
import { Leaving } from './retention/leaving.js'
import { Postponed } from './sync/postponed.js'
import { Pushes } from './sync/pushes.js'
import { Requests } from './sync/requests.js'
import { WaitingBytes } from './sync/waiting-bytes.js'
import { memberStates } from './views.js'
import type { MemberState, StateView } from './views.js'
import { Signatures } from './wire/head.js'
import type { CoreDropReason } from './words/drop-reasons.js'

/** Small facts that an earlier run left on disk. */
export interface Notes {
  readonly born?: string
  readonly heard?: string
  readonly fences?: string
  readonly silence?: string
  readonly uptime?: string
  readonly sessions?: string
  readonly keptOut?: string
  readonly history?: string
  readonly baseline?: string
}

/** What a registry begins with. */
export interface RegistryStart {
  readonly self: PeerId
  /** 64 random bits of this start, as 16 hex digits. */
  readonly boot: string
  readonly crypto: Crypto
  readonly node: Omit<NodeRecord, 'addresses'>
  /** The key was made in this very start: nobody can know a head of ours. */
  readonly freshKey: boolean
  /** The generation on disk; 0 for none. */
  readonly generation: number
  readonly documents: readonly StoredDocument[]
  readonly notes: Notes
  /** What checks say to prove who asks, as an earlier run kept it: see the op `secrets`. */
  readonly secrets?: string
  /** When this daemon was last known to be up, unix milliseconds. */
  readonly lastUp?: number
  /** How much heap the copies of all other documents may take; absent: no limit. */
  readonly copies_bytes?: number
}

export class RegistryState {
  readonly self: PeerId
  readonly crypto: Crypto
  readonly signatures: Signatures
  readonly startedAt: number
  /** What this node says of itself: known here from its start on, to others with its first head. */
  own: RegistryStart['node']
  #phase: Phase = { name: 'restoring' }
  /** The time of the input that is being handled. */
  at: Moment

  // ---- what is written here
  readonly records: Records
  readonly writes: Writes
  readonly outlived: Outlived
  readonly stamps = new Stamps()
  readonly identity: Identity
  readonly commits: Commits
  readonly checks: HealthChecks
  readonly queue = new CommandQueue()
  /** What callers of this node say of instances, wherever those are at home. */
  readonly suspicions = new Suspicions()
  readonly unplaced = new Unplaced()
  readonly quiet = new Quiet()

  // ---- what registrations live with
  readonly sessions: Sessions
  readonly expiry = new Expiry()
  readonly crashes = new Crashes()
  readonly abandoned = new Abandoned()

  // ---- what others have written
  readonly replica: Replica
  readonly disputes: Disputes
  readonly unheard = new Unheard()
  readonly requests = new Requests()
  readonly comparisons = new Comparisons()
  readonly firstSync = new FirstSync()
  readonly gaps = new Gaps()
  readonly postponed = new Postponed()
  readonly leaving = new Leaving()
  readonly headsAlone = new HeadsAlone()
  readonly arrivals = new Arrivals()
  readonly answers = new Answers()
  readonly #waitingBytes = new WaitingBytes()
  readonly pace = new Pace(this.#waitingBytes)
  readonly pushes = new Pushes(this.#waitingBytes)
  readonly encodings = new Encodings()
  /** What was in documents that have been fenced since. */
  readonly unsaved: { readonly owner: PeerId; readonly entries: EntryMaps }[] = []
  /** A newer document of our own, to be continued as soon as no commit is on its way. */
  foreign: NodeDocument | undefined

  // ---- who lives, what is shown
  readonly liveness: Liveness
  readonly visibility: Visibility
  readonly reach = new Reach()
  readonly index: Index
  readonly degraded: Degraded

  // ---- what outlives a run
  readonly fences: Fences
  readonly lastHeard: LastHeard
  readonly lastUp: LastUp
  readonly forgetting: Forgetting
  readonly letGo = new LetGo()

  readonly out = new Outbox()
  readonly #disk = new DiskNews()

  constructor(
    { self, boot, crypto, node, notes, secrets, generation, lastUp, copies_bytes }: RegistryStart,
    start: Moment,
  ) {
    this.self = self
    this.own = node
    this.crypto = crypto
    this.lastHeard = new LastHeard(notes, start)
    // Generations are the seconds of starts.
    this.lastUp = new LastUp([lastUp, ...this.lastHeard.dates()], generation * 1000, start)
    const at = this.lastUp.corrected(start)
    this.at = at
    this.startedAt = at.now
    this.signatures = new Signatures(crypto)
    this.records = new Records(self, new Entries(crypto.hash), this.signatures)
    this.writes = new Writes(this.records, notes.keptOut)
    this.writes.uptime_ms = this.lastHeard.uptime_ms
    this.outlived = new Outlived(this.records)
    this.identity = new Identity(self, boot, notes.history)
    this.commits = new Commits(crypto, this.identity, this.records)
    this.checks = new HealthChecks(this.records, secrets)
    this.sessions = new Sessions(crypto.hash, notes.sessions, at.now)
    this.replica = new Replica(crypto, this.signatures, copies_bytes)
    this.disputes = new Disputes(this.signatures)
    this.liveness = new Liveness(self, crypto)
    this.visibility = new Visibility(self)
    const seed = crypto.hash(new TextEncoder().encode(self))[0] as number
    this.index = new Index(this.records.union, this.visibility, {
      ...{ self, seed, reach: this.reach },
      nodeOf: (owner) => this.nodeOf(owner),
    })
    this.degraded = new Degraded([], at.now)
    this.fences = new Fences(this.records.union, notes.fences)
    this.forgetting = new Forgetting(notes.silence)
  }

  // ---- the phase, and what follows from it

  get phase(): Phase {
    return this.#phase
  }

  /** Goes on to the next phase of its life. */
  enter(next: Phase): void {
    assert(mayFollow(this.#phase, next), `a daemon goes from ${this.#phase.name} to ${next.name}`)
    this.#phase = next
  }

  /** What a node says of itself, where that is known. */
  nodeOf(owner: PeerId): RegistryStart['node'] | undefined {
    return owner === this.self ? this.own : this.records.union.node(owner)
  }

  /** Whether any word of an owner was ever heard, from itself or through others. */
  hasWord(owner: PeerId): boolean {
    const isHeard = this.liveness.membership.member(owner)?.heardAt !== undefined
    return isHeard || this.liveness.peers.has(owner) || this.lastHeard.knows(owner)
  }

  /** What this daemon may do. */
  get rules(): Rules {
    return rulesOf(this.phase)
  }

  /** Present until the first head is signed. */
  get joining(): Joining | undefined {
    return joiningOf(this.phase)
  }

  /** Whether what is held must be neither given nor completed. */
  get isStale(): boolean {
    return isStale(this.phase)
  }

  /** What this daemon can say of itself. */
  ownState(): OwnState {
    const { generation, incarnation } = this.identity
    const { signed } = this.commits
    const isSpeaking = signed?.head.generation === generation && this.rules.maySign
    const othersDigest = this.replica.settledDigest(this.at.now, settled_ms)
    const { mayReport } = this.rules
    return { generation, incarnation, signed, isSpeaking, mayReport, othersDigest, versioned: this.#versioned() }
  }

  *#versioned(): Generator<PeerId> {
    for (const id of this.liveness.peers.ids()) if (this.records.union.node(id)?.protocol !== undefined) yield id
  }

  /** Our generation was raised: said to people, since it is never routine. */
  tellGeneration(why: string): void {
    this.out.notify({ type: 'generation', generation: this.identity.generation, why })
  }

  /** Something is on disk, or was refused there: said to people where that is news. */
  tellDisk(what: Written, error: string | undefined): void {
    const message = this.#disk.stored(what, error)
    if (message !== undefined) this.out.warn(message)
  }

  // ---- to be printed

  /** What is odd about a member. */
  troubleOf(owner: PeerId, now: number): Trouble | undefined {
    const { disputes, unplaced, unheard, replica } = this
    const trouble = disputes.troubleOf(owner, now) ?? unplaced.troubleOf(owner, now) ?? unheard.troubleOf(owner, now)
    return trouble ?? replica.troubleOf(owner)
  }

  /** What was dropped, by reason. */
  dropped(): Record<string, number> {
    type Counted = readonly [reason: CoreDropReason, times: number]
    const unreadable = [...this.records.union.unreadable].map(([map, times]): Counted => [`unreadable ${map}`, times])
    const tooMany: readonly Counted[] = this.fences.refused > 0 ? [['too many fences', this.fences.refused]] : []
    return { ...this.out.dropped, ...Object.fromEntries([...unreadable, ...tooMany]) }
  }

  /** Plain values without secrets or entries, in bounded space. */
  toJSON(): StateView {
    const { identity, commits, liveness } = this
    const members = Object.fromEntries(memberStates.map((state) => [state, 0])) as Record<MemberState, number>
    for (const { state } of liveness.membership.members()) members[state] += 1
    return {
      phase: this.phase.name,
      ...(this.phase.name === 'muted' && this.phase.otherAt !== undefined && { otherAt: this.phase.otherAt }),
      generation: identity.generation,
      incarnation: identity.incarnation,
      ...(identity.parent !== undefined && { parent: identity.parent }),
      ...commits.summary(),
      entries: this.records.size,
      entryBytes: this.records.bytes,
      queuedCommands: this.queue.size,
      sessions: this.sessions.size,
      ...this.replica.sizes,
      unsavedDocuments: this.unsaved.length,
      members,
      connections: liveness.peers.size,
      requests: this.requests.summary(),
      gaps: this.gaps.size,
      waitingAnswers: this.pace.size,
      degraded: this.degraded.isOn,
    }
  }
}
