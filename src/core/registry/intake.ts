/**
 * Documents coming in, whoever brings them: others' into the replica, our own back to the journal; and documents going, when fenced.
 * The tables that follow them are brought up to date here, and only here.
 */
import { NodeDocument } from '../document/document.js'
import type { Change, EntryMaps } from '../document/entries.js'
import type { Moment, StoredDocument } from '../effects.js'
import { RegistryError } from '../errors.js'
import type { PeerId } from '../model.js'
import { readRemovalEntry } from '../replica/records.js'
import type { Outcome } from '../replica/replica.js'
import { type Touched, isUntouched, nothingTouched } from '../replica/union.js'
import { type Head, type SignedHead, comparePoints, verifyHead } from '../wire/head.js'
import type { Parcel } from '../wire/sync.js'
import type { Checkup } from './checkup.js'
import type { Commands } from './commands.js'
import { type Desk, storeSoon } from './desk.js'
import type { Exchange } from './exchange.js'
import type { Horizon } from './horizon.js'
import type { Joining } from './joining.js'
import type { Pulse } from './pulse.js'
import type { Roster } from './roster.js'
import { type StoredParcel, parcelsOf, readOwn } from './stored.js'

export interface IntakeParts {
  readonly desk: Desk
  readonly horizon: Horizon
  readonly commands: Commands
  readonly checkup: Checkup
  readonly roster: Roster
  readonly pulse: Pulse
  readonly exchange: () => Exchange
  /** Present until the first head is signed. */
  readonly joining: () => Joining | undefined
  readonly boot: string
}

/** An owner is shown two documents of its own at most this often. */
const disputePause_ms = 1000
/** For how long a dispute is told of, and how many starts of one owner are remembered for that. */
const troubleMemory_ms = 600_000
const bootsKept = 16
/** Fences of one document that outlive it; checking their signatures must not take long. */
const fencesKept = 512

interface Trouble {
  /** Two daemons run with one key. */
  readonly isTwo: boolean
  /** Starts whose heads were held when another one's came. */
  readonly heldBoots: ReadonlySet<string>
  readonly at: number
}

export class Intake {
  readonly #parts: IntakeParts
  /** What changed since the followers last looked. */
  #touched: Touched = nothingTouched()
  /** A newer document of our own, to be continued as soon as no commit is on its way. */
  #foreign: NodeDocument | undefined
  /** Documents of ours by other starts that were continued, by boot id: the generation that they had. */
  readonly #continued = new Map<string, number>()
  /** Registration numbers of others at ids of ours, by owner. */
  readonly #outlived = new Map<string, ReadonlyMap<PeerId, number>>()
  /** What was in documents that have been fenced since. */
  readonly #unsaved: EntryMaps[] = []
  /** When an owner was last shown two documents of its own. */
  readonly #disputedAt = new Map<PeerId, number>()
  readonly #troubles = new Map<PeerId, Trouble>()

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** Entries of some document have changed. */
  follow(owner: PeerId, changes: readonly Change[]): void {
    this.#parts.desk.union.apply(owner, changes, this.#touched)
  }

  /** What changed since the last call. */
  takeTouched(): Touched {
    const touched = this.#touched
    if (isUntouched(touched)) return touched // after most inputs; four sets for each of them would be much
    this.#touched = nothingTouched()
    return touched
  }

  /** A document, or a step of one, has come from `via`. */
  take(parcel: Parcel, via: PeerId, at: Moment): void {
    const { desk } = this.#parts
    const { signed, content } = parcel
    const { owner } = signed.head
    if (owner === desk.self) return this.#takeOwn(parcel, via, at.now)
    if (this.#parts.joining()?.isStale === true) return
    const held = desk.replica.head(owner)
    const outcome = desk.replica.offer(signed, content, at.now)
    if (held !== undefined && isDisputed(signed.head, held, outcome.type)) {
      this.#noteTrouble(signed, held, outcome.type, at.now)
      this.#dispute(parcel, via, at.now)
    }
    switch (outcome.type) {
      case 'taken':
        storeSoon(desk, [outcome.op])
        this.follow(owner, outcome.changes)
        this.#followHead(signed, at)
        return this.#parts.exchange().filled(owner, at.now)
      case 'gap':
        return this.#parts.exchange().noteGap(parcel, via, at.now)
      case 'refused':
        desk.drop(outcome.reason)
        if (content.type === 'step' && outcome.reason !== 'bad signature')
          this.#parts.exchange().pull(owner, via, at.now)
        return
      case 'fenced':
        return this.fenceAgain(owner, at)
      case 'old':
      case 'behind':
        return
    }
  }

  /**
   * What came and what is held do not continue each other. Their owner decides: it is shown both, for of two daemons
   * with one key we may be connected to either.
   */
  #dispute(parcel: Parcel, via: PeerId, now: number): void {
    const { owner } = parcel.signed.head
    const { connected } = this.#parts.desk
    if (now - (this.#disputedAt.get(owner) ?? Number.NEGATIVE_INFINITY) < disputePause_ms) return
    const to = connected.has(owner) ? owner : via
    if (!connected.has(to) || !verifyHead(parcel.signed, this.#parts.desk.crypto)) return
    this.#disputedAt.set(owner, now)
    this.#parts.exchange().push(to, [owner], now)
    if (to === owner) this.#parts.exchange().pass(to, parcel, now)
  }

  /**
   * A start that does not know what is held began from older records. Two that do not know each other within one
   * generation, or one that goes on after another began, are two daemons.
   */
  #noteTrouble(signed: SignedHead, held: Head, outcome: Outcome['type'], now: number): void {
    const { owner, boot } = signed.head
    const isPaused = now - (this.#disputedAt.get(owner) ?? Number.NEGATIVE_INFINITY) < disputePause_ms
    // Of what is old nobody has checked the signature yet.
    if (outcome === 'old' && (isPaused || !verifyHead(signed, this.#parts.desk.crypto))) return
    const before = this.#troubles.get(owner)
    const known = before !== undefined && now - before.at < troubleMemory_ms ? before : undefined
    const heldBoots = new Set([...(known?.heldBoots ?? []), held.boot].slice(-bootsKept))
    const isTwo = known?.isTwo === true || outcome !== 'behind' || known?.heldBoots.has(boot) === true
    this.#troubles.set(owner, { isTwo, heldBoots, at: now })
  }

  /** What is odd about an owner's documents lately, for people. */
  troubleOf(owner: PeerId, now: number): string | undefined {
    const trouble = this.#troubles.get(owner)
    if (trouble === undefined || now - trouble.at >= troubleMemory_ms) return undefined
    return trouble.isTwo
      ? 'two daemons seem to run with its key: stop one of them, and give it a data directory of its own'
      : 'it started from older records than it had published (a restored backup, or a lost store); others gave them back'
  }

  #followHead({ head }: SignedHead, at: Moment): void {
    const transition = this.#parts.desk.membership.follow(head, at.now)
    if (transition === undefined) return
    this.#parts.desk.emit({ type: 'notify', event: { type: 'member', ...transition } })
    this.#parts.roster.refresh()
  }

  // ---- our own document, from elsewhere

  #takeOwn(parcel: Parcel, via: PeerId, now: number): void {
    const { desk, boot } = this.#parts
    const { signed, content } = parcel
    const joining = this.#parts.joining()
    if (joining !== undefined) return joining.offer(parcel)
    if (!desk.journal.isOpen || signed.head.boot === boot || !desk.journal.isForeign(signed.head)) return
    if (!verifyHead(signed, desk.crypto)) return desk.drop('bad signature')
    if (this.#isLiveClone(signed)) return this.#yieldToClone(signed)
    if (content.type !== 'full') return this.#overtake(signed, via, now)
    const document = NodeDocument.load(desk.crypto.hash, signed, content.bytes)
    if (document === undefined) return desk.drop('content is not what its head says')
    this.#foreign = document
  }

  /**
   * A head of ours that we cannot continue yet. Where it is not behind us, we go ahead of it: whoever holds its content
   * will then find us behind that, and give it back.
   */
  #overtake({ head }: SignedHead, via: PeerId, now: number): void {
    const { journal, self } = this.#parts.desk
    if (head.generation < journal.generation) return this.#parts.exchange().pull(self, via, now)
    this.#noteContinued(head)
    journal.raiseGeneration(head.generation + 1)
    this.tellGeneration('another start signed records of this node in the same generation')
  }

  #noteContinued({ boot, generation }: Head): void {
    this.#continued.set(boot, Math.max(generation, this.#continued.get(boot) ?? 0))
  }

  tellGeneration(why: string): void {
    const { journal, emit } = this.#parts.desk
    emit({ type: 'notify', event: { type: 'generation', generation: journal.generation, why } })
  }

  /** It went on after we had continued it: somebody else is signing with our key, now. */
  #isLiveClone({ head }: SignedHead): boolean {
    const continued = this.#continued.get(head.boot)
    return continued !== undefined && head.generation > continued && this.#parts.boot < head.boot
  }

  #yieldToClone({ head }: SignedHead): void {
    const { journal, emit } = this.#parts.desk
    const why = `another daemon runs with this node's key (its boot ${head.boot}, ours ${this.#parts.boot}): stop one of the two, and give it a data directory of its own`
    journal.mute()
    emit({ type: 'notify', event: { type: 'muted', why } })
  }

  /** Continues a newer document of ours, with what was written since this start on top. */
  adoptForeign(at: Moment): void {
    const { desk, commands } = this.#parts
    const document = this.#foreign
    if (document === undefined || desk.journal.busy || !desk.journal.isOpen) return
    this.#foreign = undefined
    const { head } = document.signed
    if (!desk.journal.isForeign(head)) return
    this.#noteContinued(head)
    desk.journal.adopt(document, (change, adopted) => {
      try {
        commands.rewrite(change, adopted, at.wall)
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error
        desk.emit({ type: 'notify', event: { type: 'warning', message: `not written again: ${error.message}` } })
      }
    })
    this.#parts.checkup.checkAll(at.now)
    this.tellGeneration('a peer knew a newer version of this node’s own records')
  }

  // ---- fences

  /** The fences of these owners have changed: their documents go, and we ourselves begin anew where we are meant. */
  applyFences(owners: Iterable<PeerId>, at: Moment): void {
    const { desk, horizon } = this.#parts
    for (const owner of owners) {
      horizon.noteFenceSoon(owner)
      const held = desk.replica.document(owner)
      if (owner === desk.self) this.noteFenced(horizon.fence(owner), at)
      else if (held !== undefined && desk.replica.isFenced(held.signed.head)) {
        this.drop(owner, at)
        this.#unsaved.push(held.entries)
      }
    }
    this.save(at)
  }

  /** A fencer has saved what he knew of a document, and may have known less than we do. Before our first head it has to wait. */
  save({ wall }: Moment): void {
    const { desk, commands } = this.#parts
    if (desk.journal.isOpen) for (const entries of this.#unsaved.splice(0)) commands.save(entries, wall)
  }

  /** Our content is from before the horizon: what was dropped of it is not worth saving. */
  saveNothing(): void {
    this.#unsaved.length = 0
  }

  /**
   * Somebody holds what is fenced. Where no document says so any more, whose writer was itself forgotten by one who had
   * not seen that fence, ours says it from now on: else each would offer for ever what the other refuses.
   */
  fenceAgain(owner: PeerId, { wall }: Moment): void {
    const { desk, horizon, commands } = this.#parts
    const fence = owner === desk.self ? undefined : horizon.fenceByNoteAlone(owner)
    if (fence !== undefined && desk.journal.isOpen) commands.fenceUpTo(fence, wall)
  }

  /** Others have fenced us up to this head, if it is one of ours. */
  noteFenced(fence: SignedHead | undefined, at: Moment): void {
    const { journal } = this.#parts.desk
    if (journal.isOpen && this.#isFenced(fence, journal.generation)) this.#survive(fence.head.generation, at)
  }

  /**
   * The same before our first head of this start: were we forgotten while we were off, what has moved or gone since is not ours.
   * Where nobody has told us by then, numbers decide: what we publish has been seen, and may have driven theirs out.
   */
  noteFencedWhileOff(fence: SignedHead | undefined): void {
    const { journal } = this.#parts.desk
    if (this.#isFenced(fence, journal.continuedGeneration)) this.#dropTakenOver()
  }

  /** Whether it ends this generation of ours. Peers tell of it again and again: its signature is looked at only where it does. */
  #isFenced(fence: SignedHead | undefined, generation: number): fence is SignedHead {
    const { self, crypto } = this.#parts.desk
    if (fence === undefined || fence.head.owner !== self || fence.head.generation < generation) return false
    return verifyHead(fence, crypto)
  }

  /** Wrongly forgotten: what others have taken over or removed goes, the rest is published again, and checked anew. */
  #survive(fencedUpTo: number, at: Moment): void {
    const { journal } = this.#parts.desk
    this.#dropTakenOver()
    this.#parts.checkup.startOver(at.now)
    journal.raiseGeneration(fencedUpTo + 1)
    this.tellGeneration('this node was forgotten by the cluster while it lived')
  }

  /** What others hold at these ids while a record of ours stands there came before any forgetting that we hear of later. */
  noteOutlived(ids: Iterable<string>): void {
    const { union, self } = this.#parts.desk
    for (const id of ids) {
      const records = union.records(id)
      if (records.size < 2 || !records.has(self)) this.#outlived.delete(id)
      else this.#outlived.set(id, new Map([...records].map(([owner, { n }]) => [owner, n])))
    }
  }

  /** To those who have forgotten us there were no numbers of ours to exceed: theirs count, whatever they are. */
  #dropTakenOver(): void {
    const { journal, union, self } = this.#parts.desk
    for (const id of journal.keys('instances')) {
      const outlived = this.#outlived.get(id)
      const others = [...union.records(id)].some(([owner, { n }]) => owner !== self && n > (outlived?.get(owner) ?? 0))
      // A removal of our own was outlived by the registration that came after it, and those who forgot us have kept it.
      const ownRemoval = readRemovalEntry(journal.get('removals', id) ?? '')?.n ?? 0
      if (others || union.removedUpTo(id) > ownRemoval) journal.set('instances', id, undefined)
    }
  }

  /** Forgets an owner and all that it wrote, except its fences. */
  drop(owner: PeerId, at: Moment): void {
    const { desk, horizon } = this.#parts
    const held = desk.replica.document(owner)?.entries
    if (held !== undefined) this.#parts.commands.keepNumbers(held)
    const fenced = held?.of('fences').keys() ?? []
    for (const other of [...fenced].slice(0, fencesKept)) horizon.noteFence(other, at.wall)
    this.follow(owner, desk.replica.drop(owner))
    desk.membership.forget(owner)
    this.#parts.roster.forget(owner)
    this.#parts.pulse.forget(owner)
    this.#disputedAt.delete(owner)
    this.#troubles.delete(owner)
    storeSoon(desk, [{ type: 'forget', owner }])
  }

  // ---- from disk

  /** Takes what an earlier run has kept. @returns our own document, as far as it can be read */
  restore(stored: readonly StoredDocument[], at: Moment): NodeDocument | undefined {
    const { desk } = this.#parts
    let own: NodeDocument | undefined
    for (const document of stored) {
      const parcels = parcelsOf(document)
      if (document.owner === desk.self) own = readOwn(desk, parcels)
      else for (const parcel of parcels) this.#restoreOne(parcel, at)
    }
    return own
  }

  /** As it comes from disk it needs no writing; damage is simply not there, and will be fetched again. */
  #restoreOne({ signed, step, content }: StoredParcel, at: Moment): void {
    const { replica, membership } = this.#parts.desk
    const { owner } = signed.head
    const from = replica.head(owner) ?? signed.head // a step of what is not held is a gap, wherever it starts
    const parcel =
      step === undefined
        ? ({ type: 'full', bytes: content } as const)
        : ({ type: 'step', fromEpoch: from.epoch, fromVersion: from.version, bytes: step } as const)
    const outcome = replica.offer(signed, parcel, Number.NEGATIVE_INFINITY)
    if (outcome.type !== 'taken') return
    this.follow(owner, outcome.changes)
    membership.follow(signed.head, at.now)
  }
}

/**
 * Whether a head and the one that was held show that their owner does not know one of them: a generation that began
 * without what is held; two starts in one generation; a start that goes on after a later one has begun without it.
 */
function isDisputed(head: Head, held: Head, outcome: Outcome['type']): boolean {
  if (head.boot === held.boot || outcome === 'refused' || outcome === 'fenced') return false
  if (outcome === 'behind') return true
  if (outcome === 'old')
    return head.generation < held.generation && (held.parent === undefined || comparePoints(head, held.parent) > 0)
  return head.generation === held.generation
}
