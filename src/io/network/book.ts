/**
 * The address book: where each peer has been said, or proven, to listen, kept on disk. It never dials.
 * Ours and not libp2p's peer store, whose addresses expire for good an hour after first sight and pile up over restarts.
 *
 * Anybody on the network may say by mDNS that there are peers, as many as it likes, and that of any peer. So strangers, of whom nothing else
 * is known, have pages of their own, and keep nobody else out; among them whoever brought most gives way, and so it is with the addresses
 * of one peer. Who brought something is the address that its packet came from. A page that several brought counts for the one of them that
 * brought fewest, so that nobody makes another's newcomer its own by naming it, too.
 */
import type { Logger } from 'pino'
import type { PeerId } from '../../core/model/model.js'
import { hostOf, readAddress } from './addresses.js'
import type { Drops } from './drops.js'
import { isPeerId } from './peerid.js'
import { inTurns, surplusOf } from './shares.js'

export const bookLimits = { peers: 1024, strangers: 256, addresses: 16, bytes: 4 * 1024 * 1024 } as const
const saveDelay_ms = 1_000
/** A peer unseen for longer than any member may be away is not dialled any more. */
const forgetAfter_ms = 35 * 24 * 60 * 60 * 1_000

/** How the book is kept between runs; `save` replaces it atomically. */
export interface BookFile {
  load(): Promise<string | undefined>
  save(json: string): Promise<void>
}

export interface BookOptions {
  readonly file: BookFile
  readonly log: Logger
  readonly drops: Drops
  /** The book was full, and has no place for this peer any more. */
  onEvicted(peer: PeerId): void
}

interface Address {
  /** In this run. */
  readonly proven: boolean
  /** The source of the packet that told it. */
  readonly from: string
}

/** What a member says, the peer itself, or the book as it was kept. */
const ourselves = ''

interface Page {
  /** In the order in which they were told. */
  readonly addresses: Map<string, Address>
  /** Unix ms of the last connection, or of the first word of it. */
  seen: number
  /** Was connected, in this run or an earlier one: the last to be evicted. */
  met: boolean
  /** Who told of its addresses by mDNS, while it never was connected. */
  bringers: ReadonlySet<string>
}

const nobody: ReadonlySet<string> = new Set()

export class AddressBook {
  readonly #pages = new Map<PeerId, Page>()
  /** Those who are known by mDNS alone, as they came. */
  readonly #strangers = new Set<PeerId>()
  /** How many of those that never were connected each has brought. */
  readonly #brought = new Map<string, number>()
  readonly #file: BookFile
  readonly #log: Logger
  readonly #drops: Drops
  #saving: Promise<void> = Promise.resolve()
  readonly #onEvicted: (peer: PeerId) => void
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #isRefused = false

  constructor(options: BookOptions) {
    this.#file = options.file
    this.#log = options.log
    this.#drops = options.drops
    this.#onEvicted = options.onEvicted
  }

  async load(): Promise<void> {
    const text = await this.#file.load().catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, 'the address book cannot be read; starting with an empty one')
      return undefined
    })
    if (text === undefined) return
    const pages = parseBook(text)
    if (pages === undefined) {
      this.#log.warn('the address book is damaged; starting with an empty one')
      return
    }
    for (const [peer, page] of pages) if (!this.#pages.has(peer)) this.#pages.set(peer, page)
  }

  peers(): PeerId[] {
    return [...this.#pages.keys()]
  }

  has(peer: PeerId): boolean {
    return this.#pages.has(peer)
  }

  /** Where to dial, what has worked in this run first. */
  addresses(peer: PeerId): string[] {
    const known = [...(this.#pages.get(peer)?.addresses ?? [])]
    const proven = known.filter(([, address]) => address.proven)
    const said = known.filter(([, address]) => !address.proven)
    return [...proven, ...inTurns(said, ([, { from }]) => from)].map(([at]) => at)
  }

  /** The addresses whose refusal means that the peer is gone: those proven in this run, or all where none is. */
  deciders(peer: PeerId): string[] {
    const known = [...(this.#pages.get(peer)?.addresses ?? [])]
    const proven = known.filter(([, address]) => address.proven)
    return (proven.length > 0 ? proven : known).map(([at]) => at)
  }

  /** Whether any of its addresses was proven in this run: on what others say alone nobody is thought to be gone. */
  isProven(peer: PeerId): boolean {
    return [...(this.#pages.get(peer)?.addresses.values() ?? [])].some(({ proven }) => proven)
  }

  /** Who brought it by mDNS, where it never was connected. */
  bringerOf(peer: PeerId): string | undefined {
    const count = (from: string): number => this.#brought.get(from) ?? 0
    let least: string | undefined
    for (const from of this.#pages.get(peer)?.bringers ?? nobody)
      if (least === undefined || count(from) < count(least)) least = from
    return least
  }

  /**
   * Adds what somebody says.
   * @param from the source of the packet, where it is by mDNS
   * @returns whether any of it was new
   */
  learn(peer: PeerId, addresses: readonly string[], from: string = ourselves): boolean {
    const read = this.#readAll(addresses)
    if (read.length === 0) return false
    const isNew = !this.#pages.has(peer)
    const page = this.#page(peer)
    if (isNew && from !== ourselves) this.#strangers.add(peer)
    const isTold = from === ourselves && this.#strangers.delete(peer)
    const fresh = read.filter((at) => !page.addresses.has(at))
    // It may have been told before by somebody else: whoever is there is the one that brought it.
    const theirs = read.filter((at) => hostOf(at) === from && page.addresses.get(at)?.proven === false)
    for (const at of [...fresh, ...theirs]) page.addresses.set(at, { proven: false, from })
    this.#boundAddresses(page)
    this.#noteBringers(page)
    if (isNew || isTold) this.#boundPages(peer)
    if (isTold || (fresh.length > 0 && !this.#strangers.has(peer))) this.#saveSoon()
    return fresh.length > 0
  }

  /**
   * A peer itself says where it listens, over a connection: that replaces what others said and what was true before it
   * restarted. Proven are the address that was dialled, or else those on the host that it came from.
   */
  replace(peer: PeerId, listening: readonly string[], remote: { address: string | undefined; host: string }): void {
    const page = this.#page(peer)
    const proven = (at: string) => (remote.address === undefined ? hostOf(at) === remote.host : at === remote.address)
    const listed = this.#readAll(listening)
    const all = remote.address === undefined ? listed : [remote.address, ...listed]
    const kept = all.length > 0 ? all : [...page.addresses.keys()]
    const before = new Map(page.addresses)
    page.addresses.clear()
    for (const at of kept)
      page.addresses.set(at, { proven: before.get(at)?.proven === true || proven(at), from: ourselves })
    this.#boundAddresses(page)
    this.seen(peer)
  }

  /** Is or was connected just now. */
  seen(peer: PeerId): void {
    const page = this.#page(peer)
    page.seen = Date.now()
    page.met = true
    this.#noteBringers(page)
    this.#strangers.delete(peer)
    this.#boundPages(peer)
    this.#saveSoon()
  }

  /** Writes what is not yet written, for the last time. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#save()
    }
    await this.#saving
  }

  #readAll(addresses: readonly string[]): string[] {
    const read = addresses.slice(0, bookLimits.addresses).flatMap((text) => {
      const at = readAddress(text)
      if (at === undefined) this.#drops.count('address-malformed')
      return at ?? []
    })
    return [...new Set(read)]
  }

  #page(peer: PeerId): Page {
    const page = this.#pages.get(peer)
    if (page !== undefined) return page
    const fresh = { addresses: new Map<string, Address>(), seen: Date.now(), met: false, bringers: nobody }
    this.#pages.set(peer, fresh)
    return fresh
  }

  /** After its addresses have changed, or it was met. */
  #noteBringers(page: Page): void {
    for (const from of page.bringers) this.#bring(from, -1)
    const said = page.met ? [] : [...page.addresses.values()].map(({ from }) => from)
    page.bringers = new Set(said.filter((from) => from !== ourselves))
    for (const from of page.bringers) this.#bring(from, 1)
  }

  #bring(from: string, more: number): void {
    const count = (this.#brought.get(from) ?? 0) + more
    if (count > 0) this.#brought.set(from, count)
    else this.#brought.delete(from)
  }

  /** Makes room for one that has come, or is a stranger no more. */
  #boundPages(fresh: PeerId): void {
    if (this.#strangers.size > bookLimits.strangers)
      this.#evict(surplusOf(this.#strangers, (peer) => this.bringerOf(peer) ?? ourselves))
    if (this.#pages.size - this.#strangers.size > bookLimits.peers) this.#evict(this.#longestGone(fresh))
  }

  /** First who never was connected, since anybody can invent those. */
  #longestGone(but: PeerId): PeerId | undefined {
    let worst: [PeerId, Page] | undefined
    for (const [peer, page] of this.#pages) {
      if (peer === but || this.#strangers.has(peer)) continue
      if (worst === undefined || (page.met === worst[1].met ? page.seen < worst[1].seen : !page.met))
        worst = [peer, page]
    }
    return worst?.[0]
  }

  #evict(peer: PeerId | undefined): void {
    const page = peer === undefined ? undefined : this.#pages.get(peer)
    if (peer === undefined || page === undefined) return
    for (const from of page.bringers) this.#bring(from, -1)
    this.#pages.delete(peer)
    this.#strangers.delete(peer)
    this.#drops.count('book-full')
    this.#onEvicted(peer)
  }

  #boundAddresses({ addresses }: Page): void {
    while (addresses.size > bookLimits.addresses) {
      const said = [...addresses].filter(([, { proven }]) => !proven)
      const surplus = surplusOf(said, ([, { from }]) => from)
      if (surplus === undefined) return
      addresses.delete(surplus[0])
      this.#drops.count('book-full')
    }
  }

  #saveSoon(): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#save()
    }, saveDelay_ms)
  }

  #save(): void {
    // Strangers speak again by themselves.
    const kept = [...this.#pages].filter(([peer]) => !this.#strangers.has(peer))
    const peers = Object.fromEntries(
      kept.map(([peer, { addresses, seen, met }]) => [peer, { addresses: [...addresses.keys()], seen, met }]),
    )
    const json = JSON.stringify({ version: 1, peers })
    this.#saving = this.#saving
      .then(() => this.#file.save(json))
      .then(
        () => this.#tellSaved(undefined),
        (error: unknown) => this.#tellSaved(String(error)),
      )
  }

  /** A disk that is full is full for a while, and the book is saved each second: only the first time is news, then the end. */
  #tellSaved(error: string | undefined): void {
    if (this.#isRefused === (error !== undefined)) return
    this.#isRefused = error !== undefined
    if (error === undefined) this.#log.warn('the address book is saved again')
    else this.#log.warn({ error }, `the address book cannot be saved (${error}); it is kept in memory, and tried again`)
  }
}

/** Reads a saved book; undefined when it is damaged. Entries that make no sense are left out. */
function parseBook(text: string): Map<PeerId, Page> | undefined {
  const peers = readPeers(text)
  if (peers === undefined) return undefined
  const pages = new Map<PeerId, Page>()
  for (const [peer, value] of Object.entries(peers).slice(0, bookLimits.peers)) {
    const { addresses, seen, met } = (value ?? {}) as Record<string, unknown>
    if (!Array.isArray(addresses) || typeof seen !== 'number' || Date.now() - seen > forgetAfter_ms) continue
    const read = addresses.flatMap((at: unknown) => (typeof at === 'string' ? (readAddress(at) ?? []) : []))
    const kept = new Map(read.slice(0, bookLimits.addresses).map((at) => [at, { proven: false, from: ourselves }]))
    if (kept.size > 0 && isPeerId(peer)) pages.set(peer, { addresses: kept, seen, met: met === true, bringers: nobody })
  }
  return pages
}

function readPeers(text: string): object | undefined {
  if (text.length > bookLimits.bytes) return undefined
  try {
    const book = JSON.parse(text) as { version?: unknown; peers?: unknown } | null
    if (book?.version !== 1 || typeof book.peers !== 'object' || book.peers === null) return undefined
    return book.peers
  } catch {
    return undefined
  }
}
