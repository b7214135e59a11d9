/**
 * The connections of this daemon, one for each pair of peers that speak the same. It never dials.
 *
 * Libp2p keeps two connections where both sides dialled at once. Here the lower peer id decides for both: it keeps the
 * one that it dialled itself, the oldest of those, and closes the others once the kept one has proven to be up at both ends. A
 * peer that moved, or was cut off, may have lost the one that was there before without our knowing: each is asked once more when
 * another one comes, and is not used until it answers.
 */
import type { Connection, IdentifyResult } from '@libp2p/interface'
import type { PeerId } from '../../core/model/model.js'
import type { Drops } from './drops.js'

const identifyTimeout_ms = 5_000
const identifyAttempts = 3
/** For one that has answered before: until it is over, gossip may wait on a connection that is dead. */
const answerAgain_ms = 3_000
const closeTimeout_ms = 1_000
/** Of one peer at once: two where both dial, as many again of a daemon with its key, and those that were lost without a word. */
const connectionsOfOne = 8
/** The side that does not decide closes duplicates only when the other has not done so by then. */
const otherDecides_ms = 10_000
/** Two connections opened further apart are not simultaneous dials: the peer lost the older one without our knowing. */
const simultaneous_ms = 10_000
/** How long each of two daemons with one key stays before it is to come again, and how long once they have had time to find out. */
const turn_ms = { first: 2_000, later: 30_000 } as const
const firstTurns = 32

export interface ConnectionsOptions {
  readonly self: PeerId
  /** A peer that does not name this protocol is not of our cluster. */
  readonly protocol: string
  identify(connection: Connection, signal: AbortSignal): Promise<IdentifyResult>
  readonly drops: Drops
  /** Nothing is heard of it for now: it kept no limit. */
  isShunned(peer: PeerId): boolean
  /** The first connection of a peer that speaks our protocols. */
  onConnected(peer: PeerId): void
  /** The last one is gone. `known`: `onConnected` was called. */
  onDisconnected(peer: PeerId, known: boolean): void
  /** A peer of our cluster said where it listens. */
  onIdentified(peer: PeerId, listening: readonly string[], connection: Connection): void
  /** A connection is gone, and another one remains. */
  onMoved(peer: PeerId): void
  onForeign(peer: PeerId, connection: Connection): void
  /** Two daemons with one key: each still answers, and listens where the other one does not. */
  onTwo(peer: PeerId, addresses: readonly [string, string]): void
}

export interface Link {
  readonly peer: PeerId
  readonly connection: Connection
  /** Unix ms. */
  readonly since: number
}

interface Entry {
  readonly open: Connection[]
  /** Those that have answered identify, which shows that they are up at both ends, with where their peer said it listens. */
  readonly identified: Map<Connection, readonly string[]>
  /** Unix ms; undefined while it is not known whether the peer is of our cluster. */
  since: number | undefined
  /** Had answered before another one did, and have not since: their peer may have lost them without our knowing. */
  readonly doubted: Set<Connection>
  timer: NodeJS.Timeout | undefined
  /** Two daemons were seen to answer as this peer. */
  isTwo: boolean
  /** How often one of those was sent away. */
  turns: number
}

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #entries = new Map<PeerId, Entry>()
  #stopped = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  opened(connection: Connection): void {
    if (this.#stopped || connection.status !== 'open') return
    const peer = connection.remotePeer.toString()
    if (this.#options.isShunned(peer)) {
      this.#options.drops.count('peer-shunned')
      return void this.#close(connection) // in order: a reset would be taken for our death
    }
    const entry: Entry = this.#entries.get(peer) ?? {
      open: [],
      identified: new Map(),
      since: undefined,
      doubted: new Set(),
      timer: undefined,
      isTwo: false,
      turns: 0,
    }
    this.#entries.set(peer, entry)
    entry.open.push(connection)
    if (entry.open.length > connectionsOfOne) this.#closeOldest(entry)
    void this.#identify(peer, entry, connection)
  }

  /** What all may have together is not for one: the newest is of use for certain. */
  #closeOldest({ open }: Entry): void {
    const oldest = open.find(({ status }) => status === 'open')
    if (oldest === undefined) return
    this.#options.drops.count('connection-surplus')
    void this.#close(oldest)
  }

  closed(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const entry = this.#entries.get(peer)
    const at = entry?.open.indexOf(connection) ?? -1
    if (entry === undefined || at < 0) return
    entry.open.splice(at, 1)
    entry.identified.delete(connection)
    entry.doubted.delete(connection)
    if (entry.open.length > 0) {
      if (entry.since !== undefined) this.#options.onMoved(peer)
      return
    }
    clearTimeout(entry.timer)
    this.#entries.delete(peer)
    this.#options.onDisconnected(peer, entry.since !== undefined)
  }

  /** The peer opened a stream of ours: no need to wait for identify to know that it is of our cluster. */
  speaksOurs(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const entry = this.#entries.get(peer)
    if (entry?.open.includes(connection) === true) this.#admit(peer, entry)
  }

  /** Any connection, whether or not it is known yet what the peer speaks. */
  has(peer: PeerId): boolean {
    return this.#entries.has(peer)
  }

  /** Whether any of its connections is not about to end. */
  isOpen(peer: PeerId): boolean {
    return this.#entries.get(peer)?.open.some(({ status }) => status === 'open') === true
  }

  get size(): number {
    return this.#entries.size
  }

  /** The connection to use: the one that will be kept. Undefined until the peer is known to be of our cluster. */
  link(peer: PeerId): Link | undefined {
    const entry = this.#entries.get(peer)
    const connection = entry === undefined ? undefined : this.#choose(peer, entry)
    return entry?.since === undefined || connection === undefined ? undefined : { peer, connection, since: entry.since }
  }

  /** The connection to use, and that of the other daemon where two answer as one peer. */
  toUse(peer: PeerId): Connection[] {
    const link = this.link(peer)
    const entry = this.#entries.get(peer)
    if (link === undefined || entry === undefined) return []
    const other = entry.isTwo ? this.#newestApart(entry, link.connection) : undefined
    return other === undefined ? [link.connection] : [link.connection, other]
  }

  /** Of all peers, whatever they speak, those to be closed among them. */
  all(): Connection[] {
    return [...this.#entries.values()].flatMap(({ open }) => open)
  }

  links(): Link[] {
    return [...this.#entries.keys()].flatMap((peer) => this.link(peer) ?? [])
  }

  /** Cuts every connection to a peer, without waiting for an answer: it may be dead. */
  cut(peer: PeerId, reason: string): void {
    for (const connection of [...(this.#entries.get(peer)?.open ?? [])]) connection.abort(new Error(reason))
  }

  /** Closes every connection to a peer in order: what is on its way still arrives. */
  hangUp(peer: PeerId): void {
    for (const connection of [...(this.#entries.get(peer)?.open ?? [])]) void this.#close(connection)
  }

  stop(): void {
    this.#stopped = true
    for (const { timer } of this.#entries.values()) clearTimeout(timer)
  }

  cutAll(): void {
    for (const peer of [...this.#entries.keys()]) this.cut(peer, 'stopping')
  }

  async #identify(peer: PeerId, entry: Entry, connection: Connection): Promise<void> {
    for (let attempt = 1; attempt <= identifyAttempts; attempt += 1) {
      try {
        const result = await this.#options.identify(connection, AbortSignal.timeout(identifyTimeout_ms))
        if (entry.open.includes(connection)) this.#identified(peer, entry, connection, result)
        return
      } catch (error) {
        if (this.#stopped || !entry.open.includes(connection)) return
        if ((error as Error).name === 'UnsupportedProtocolError') return this.#foreign(peer, entry, connection)
      }
    }
    if (entry.since !== undefined) return
    this.#options.drops.count('connection-unidentified')
    connection.abort(new Error('the peer did not identify itself'))
  }

  #identified(peer: PeerId, entry: Entry, connection: Connection, result: IdentifyResult): void {
    if (entry.since === undefined && !result.protocols.includes(this.#options.protocol)) {
      return this.#foreign(peer, entry, connection)
    }
    const listening = result.listenAddrs.map(String)
    const others = [...entry.identified.keys()].filter((other) => !entry.doubted.has(other))
    for (const other of others) entry.doubted.add(other)
    entry.identified.set(connection, listening)
    this.#options.onIdentified(peer, listening, connection)
    this.#admit(peer, entry)
    void this.#compareAll(peer, entry, others, listening).then(() => this.#settle(peer, entry))
  }

  async #compareAll(peer: PeerId, entry: Entry, others: Connection[], listening: readonly string[]): Promise<void> {
    await Promise.all(others.map((other) => this.#compare(peer, entry, other, listening)))
  }

  /** A daemon that moved, or was started again, says the same on both connections, or nothing on the older one. */
  async #compare(peer: PeerId, entry: Entry, other: Connection, listening: readonly string[]): Promise<void> {
    try {
      const result = await this.#options.identify(other, AbortSignal.timeout(answerAgain_ms))
      const where = result.listenAddrs.map(String)
      const [one, two] = [where[0], listening[0]]
      if (this.#stopped || !entry.open.includes(other)) return
      entry.doubted.delete(other)
      entry.identified.set(other, where)
      if (one === undefined || two === undefined || !isApart(where, listening)) return
      entry.isTwo = true
      this.#options.onTwo(peer, [one, two])
    } catch {
      // Gone, and in doubt until it is closed: the one that was there before.
    }
  }

  #admit(peer: PeerId, entry: Entry): void {
    if (entry.since !== undefined || this.#stopped) return
    entry.since = Date.now()
    this.#options.onConnected(peer)
  }

  #foreign(peer: PeerId, entry: Entry, connection: Connection): void {
    if (entry.since !== undefined) return
    this.#options.drops.count('connection-foreign')
    this.#options.onForeign(peer, connection)
    void this.#close(connection)
  }

  /**
   * Brings a pair down to one connection, of those that answer. Of two daemons with one key each has one: who is sent away at once as
   * the other's duplicate comes again at once, for ever, and never hears that there are two.
   */
  #settle(peer: PeerId, entry: Entry): void {
    clearTimeout(entry.timer)
    const kept = this.#choose(peer, entry)
    if (this.#stopped || kept === undefined || entry.open.length < 2) return
    if (
      !entry.isTwo &&
      this.#options.self > peer &&
      trusted(entry).length > 1 &&
      entry.open.some((each) => Date.now() - each.timeline.open < otherDecides_ms)
    ) {
      entry.timer = setTimeout(() => this.#settle(peer, entry), otherDecides_ms)
      return
    }
    if (!entry.identified.has(kept)) return
    const spared = entry.isTwo ? this.#newestApart(entry, kept) : undefined
    for (const connection of entry.open.filter((each) => each !== kept && each !== spared)) {
      this.#options.drops.count('connection-duplicate')
      void this.#close(connection)
    }
    if (spared === undefined) return
    const pause_ms = entry.turns < firstTurns ? turn_ms.first : turn_ms.later
    entry.timer = setTimeout(() => this.#takeTurn(peer, entry), pause_ms)
  }

  /** Whoever connects compares all records, those of the other daemon with its key among them: each comes again, one after the other. */
  #takeTurn(peer: PeerId, entry: Entry): void {
    const [one, other] = this.toUse(peer)
    if (this.#stopped || one === undefined || other === undefined) return
    entry.turns += 1
    void this.#close(one.timeline.open < other.timeline.open ? one : other)
  }

  #newestApart({ open, identified }: Entry, kept: Connection): Connection | undefined {
    const where = identified.get(kept) ?? []
    const apart = open.filter((each) => isApart(where, identified.get(each) ?? []))
    return apart.sort((one, other) => other.timeline.open - one.timeline.open)[0]
  }

  #choose(peer: PeerId, entry: Entry): Connection | undefined {
    const byAge = trusted(entry).sort((one, other) => one.timeline.open - other.timeline.open)
    const oldest = byAge[0]
    const newest = byAge[byAge.length - 1]
    if (oldest === undefined || newest === undefined) return undefined
    if (newest.timeline.open - oldest.timeline.open > simultaneous_ms) return newest
    const dialledByLower = this.#options.self < peer ? 'outbound' : 'inbound'
    return byAge.find(({ direction }) => direction === dialledByLower) ?? oldest
  }

  /** Closes in order, so that the streams on it end as if they were done: after an error gossipsub forgets the peer, on all its connections. */
  async #close(connection: Connection): Promise<void> {
    try {
      await connection.close({ signal: AbortSignal.timeout(closeTimeout_ms) })
    } catch (error) {
      connection.abort(error as Error)
    }
  }
}

/** Private in libp2p and `@libp2p/tcp`, and pinned with their versions. */
interface Bound {
  readonly maConn?: { readonly socket?: { readonly localAddress?: string } }
}

/** The address of this machine that a connection is bound to, while it is open. */
export function localHostOf(connection: Connection): string | undefined {
  return (connection as unknown as Bound).maConn?.socket?.localAddress
}

/** Those that are not in doubt; all where there is none. */
function trusted({ open, doubted }: Entry): Connection[] {
  const certain = open.filter((each) => !doubted.has(each))
  return certain.length > 0 ? certain : [...open]
}

function isApart(some: readonly string[], others: readonly string[]): boolean {
  return some.length > 0 && others.length > 0 && !some.some((one) => others.includes(one))
}
