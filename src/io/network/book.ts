/**
 * The address book: where each peer has been said, or proven, to listen, kept on disk. It never dials.
 * Ours and not libp2p's peer store, whose addresses expire for good an hour after first sight and pile up over restarts.
 */
import type { Logger } from 'pino'
import type { PeerId } from '../../core/model/model.js'
import { hostOf, readAddress } from './addresses.js'
import type { Drops } from './drops.js'
import { isPeerId } from './peerid.js'

export const bookLimits = { peers: 1024, addresses: 16, bytes: 4 * 1024 * 1024 } as const
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

interface Page {
  /** Addresses in the order in which they are worth trying; true: proven in this run. */
  readonly addresses: Map<string, boolean>
  /** Unix ms of the last connection, or of the first word of it. */
  seen: number
  /** Was connected, in this run or an earlier one: the last to be evicted. */
  met: boolean
}

export class AddressBook {
  readonly #pages = new Map<PeerId, Page>()
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
    return [...known.filter(([, proven]) => proven), ...known.filter(([, proven]) => !proven)].map(([at]) => at)
  }

  /** The addresses whose refusal means that the peer is gone: those proven in this run, or all where none is. */
  deciders(peer: PeerId): string[] {
    const known = [...(this.#pages.get(peer)?.addresses ?? [])]
    const proven = known.filter(([, worked]) => worked)
    return (proven.length > 0 ? proven : known).map(([at]) => at)
  }

  /** Whether any of its addresses was proven in this run: on what others say alone nobody is thought to be gone. */
  isProven(peer: PeerId): boolean {
    return [...(this.#pages.get(peer)?.addresses.values() ?? [])].includes(true)
  }

  /** Adds what somebody says. @returns whether any of it was new */
  learn(peer: PeerId, addresses: readonly string[]): boolean {
    const fresh = this.#readAll(addresses).filter((at) => this.#pages.get(peer)?.addresses.has(at) !== true)
    if (fresh.length === 0) return false
    const page = this.#page(peer)
    for (const at of fresh) page.addresses.set(at, false)
    this.#boundAddresses(page)
    this.#saveSoon()
    return true
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
    for (const at of kept) page.addresses.set(at, before.get(at) === true || proven(at))
    this.#boundAddresses(page)
    this.seen(peer)
  }

  /** Is or was connected just now. */
  seen(peer: PeerId): void {
    const page = this.#page(peer)
    page.seen = Date.now()
    page.met = true
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
    if (this.#pages.size >= bookLimits.peers) this.#evict()
    const fresh = { addresses: new Map<string, boolean>(), seen: Date.now(), met: false }
    this.#pages.set(peer, fresh)
    return fresh
  }

  /** Makes room: first who never was connected, since anybody on the network can invent those, then who is gone longest. */
  #evict(): void {
    let worst: [PeerId, Page] | undefined
    for (const [peer, page] of this.#pages) {
      if (worst === undefined || (page.met === worst[1].met ? page.seen < worst[1].seen : !page.met))
        worst = [peer, page]
    }
    if (worst === undefined) return
    this.#pages.delete(worst[0])
    this.#drops.count('book-full')
    this.#onEvicted(worst[0])
  }

  #boundAddresses(page: Page): void {
    for (const [at, proven] of page.addresses) {
      if (page.addresses.size <= bookLimits.addresses) return
      if (proven) continue
      page.addresses.delete(at)
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
    const peers = Object.fromEntries(
      [...this.#pages].map(([peer, { addresses, seen, met }]) => [
        peer,
        { addresses: [...addresses.keys()], seen, met },
      ]),
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
    const kept = new Map(read.slice(0, bookLimits.addresses).map((at) => [at, false]))
    if (kept.size > 0 && isPeerId(peer)) pages.set(peer, { addresses: kept, seen, met: met === true })
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
