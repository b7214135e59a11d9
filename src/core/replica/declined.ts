/**
 * Documents of which the heads alone are known, for want of room, or since their owners sign what nobody can read. It says when to ask
 * for one again.
 *
 *     head, no room ──▶ declined ── its head changes, still no room ──▶ declined
 *                          │
 *                          ├─────── room came free, or it may have shrunk ──▶ asked for ──▶ taken, or declined once more
 *                          └─────── nobody could read it, and its head has changed ──▶ asked for, at most once a minute
 */
import type { Trouble } from '../words/causes.js'
import type { PeerId } from '../model/model.js'
import { type SignedHead, compareHeads } from '../wire/head.js'

/** One that was declined is asked for after this at the soonest: what it costs to fetch it is up to its owner. */
const pause_ms = 60_000
/** The same for one whose content nobody has given yet. */
const unseenPause_ms = 600_000
/** Of those whose head has changed nobody knows what they cost now: one of them is asked for at most this often. */
const hopePause_ms = 60_000
/** People are told of new ones at most this often. */
const tellPause_ms = 10_000
/** So long the first word of an owner may take, which gives it more room: until then there is nothing to be told. */
const firstWord_ms = 10_000
const namesTold = 3
/** So many are looked at each time, whose turn it is: there may be thousands. */
const lookedAt = 128

/** How a document comes here. */
export interface Bringing {
  /** Whoever told of it. */
  readonly via?: PeerId
  /** Whether any word of its owner was ever heard. */
  readonly hasWord: boolean
}

export interface Declination extends Bringing {
  readonly signed: SignedHead
  /** What it cost when its content was last seen. */
  readonly cost_bytes: number
  /** Its head has changed since. */
  readonly isCostOld: boolean
  /** Its owner itself has given content that is not what its head says: until that changes there is nothing to be asked for. */
  readonly isWrong: boolean
  /** Until then nothing of it is looked at: its content was wrong a moment ago. */
  readonly restsUntil: number
  readonly askAt: number
  /** From then on it is no news that will soon be over. */
  readonly certainAt: number
}

interface Room {
  /** Whether a document of that cost has room. */
  hasRoom(this: void, owner: PeerId, cost_bytes: number): boolean
  hasWord(this: void, owner: PeerId): boolean
}

export class Declined {
  readonly #byOwner = new Map<PeerId, Declination>()
  readonly #told = new Set<PeerId>()
  #hopedAt = Number.NEGATIVE_INFINITY
  #toldAt = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#byOwner.size
  }

  of(owner: PeerId): Declination | undefined {
    return this.#byOwner.get(owner)
  }

  /** @param cost_bytes absent where its content has not come */
  note(signed: SignedHead, cost_bytes: number | undefined, from: Bringing, now: number): void {
    const { owner } = signed.head
    const known = this.#byOwner.get(owner)
    this.#byOwner.set(owner, {
      ...from,
      signed,
      cost_bytes: cost_bytes ?? known?.cost_bytes ?? 0,
      isCostOld: cost_bytes === undefined,
      isWrong:
        known?.isWrong === true && cost_bytes === undefined && compareHeads(signed.head, known.signed.head) === 0,
      restsUntil: known?.restsUntil ?? now,
      certainAt: known?.certainAt ?? (from.hasWord ? now : now + firstWord_ms),
      askAt: cost_bytes !== undefined ? now + pause_ms : (known?.askAt ?? now),
    })
  }

  /** What its owner has given cannot be read. */
  noteWrong(signed: SignedHead, from: Bringing, now: number): void {
    const until = now + pause_ms
    this.#byOwner.set(signed.head.owner, {
      ...from,
      ...{ signed, cost_bytes: 0, isCostOld: false, isWrong: true, restsUntil: until, askAt: until, certainAt: now },
    })
  }

  /** Whether its content was wrong a moment ago: steps of it lead nowhere. */
  isResting(owner: PeerId, now: number): boolean {
    return now < (this.#byOwner.get(owner)?.restsUntil ?? now)
  }

  /** It is held now, or its owner was forgotten. */
  delete(owner: PeerId): void {
    this.#byOwner.delete(owner)
    this.#told.delete(owner)
  }

  /**
   * One to be asked for now: that has room by now, or may have.
   * A word of its owner, where it was declined without any, may give it more room than before.
   */
  takeDue({ hasRoom, hasWord }: Room, now: number): Declination | undefined {
    const mayHope = now - this.#hopedAt >= hopePause_ms
    const inTurn = [...this.#inTurn(lookedAt)]
    for (const [owner, declined] of inTurn) {
      this.#byOwner.delete(owner) // the next time it is the others' turn
      this.#byOwner.set(owner, declined)
      const isHeardSince = !declined.hasWord && hasWord(owner)
      if (declined.isWrong || (now < declined.askAt && !isHeardSince)) continue
      const isHope = !hasRoom(owner, declined.cost_bytes)
      if (isHope && (!mayHope || !declined.isCostOld)) continue
      if (isHope) this.#hopedAt = now
      const nextPause_ms = declined.cost_bytes === 0 ? unseenPause_ms : pause_ms
      this.#byOwner.set(owner, { ...declined, hasWord: hasWord(owner), askAt: now + nextPause_ms })
      return declined
    }
    return undefined
  }

  *#inTurn(most: number): Generator<readonly [PeerId, Declination]> {
    let left = most
    for (const entry of this.#byOwner) {
      if (left-- === 0) return
      yield entry
    }
  }

  /** Once for each owner. @returns a sentence for people, where there is news */
  takeNews(nameOf: (owner: PeerId) => string, now: number): string | undefined {
    if (this.#byOwner.size === this.#told.size || now - this.#toldAt < tellPause_ms) return undefined
    const news = [...this.#byOwner].flatMap(([owner, { certainAt }]) =>
      now >= certainAt && !this.#told.has(owner) ? owner : [],
    )
    if (news.length === 0) return undefined
    this.#toldAt = now
    for (const owner of news) this.#told.add(owner)
    const isWrong = (owner: PeerId): boolean => this.#byOwner.get(owner)?.isWrong === true
    const [wrong, others] = [news.filter(isWrong), news.filter((owner) => !isWrong(owner))]
    const sentences = [
      ...(others.length === 0
        ? []
        : [`no room for the records of ${listed(others, nameOf)}: ${notShown} here; ${roomWayOut}`]),
      ...(wrong.length === 0
        ? []
        : [`the records of ${listed(wrong, nameOf)} ${unreadable}: ${notShown} here; ${wrongWayOut}`]),
    ]
    return sentences.join('. ')
  }

  /** What is odd about an owner. */
  troubleOf(owner: PeerId): Trouble | undefined {
    const declined = this.#byOwner.get(owner)
    if (declined === undefined) return undefined
    if (declined.isWrong)
      return { kind: 'wrong-records', text: `its records ${unreadable}: ${notShown}; ${wrongWayOut}` }
    return { kind: 'no-room', text: `no room here for its records: ${notShown}; ${roomWayOut}` }
  }
}

const notShown = 'what is registered there is not shown'
const unreadable = 'are not what it has signed'
const roomWayOut = 'give this node more memory, or a larger --copies-mib'
const wrongWayOut = 'start it again, or update it'

function listed(owners: readonly PeerId[], nameOf: (owner: PeerId) => string): string {
  const more = owners.length > namesTold ? ` (and ${owners.length - namesTold} more)` : ''
  return `${owners.slice(0, namesTold).map(nameOf).join(', ')}${more}`
}
