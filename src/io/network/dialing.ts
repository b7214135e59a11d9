/**
 * Keeps dialling whoever is not connected: the peers of the address book, seeds until somebody answers there, whoever else
 * their names come to stand for. It never closes a connection, and it never learns an address.
 */
import { setMaxListeners } from 'node:events'
import type { Connection } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { DialOutcome } from '../../core/words/dial-words.js'
import { BoundedMap } from '../../core/basics/bounded-map.js'
import { messageOf } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'
import type { Names } from '../names.js'
import { Acquainted } from './acquainted.js'
import { isName, readAddress, resolveSeed } from './addresses.js'
import type { Seed } from './addresses.js'
import type { AddressBook } from './book.js'
import type { LinkFailure, SeedOutcome, SeedView } from './contract.js'
import { dial, outcomeOf } from './dialer.js'
import type { DialResult } from './dialer.js'
import {
  doubtsKey,
  handshakeFailed,
  isOfSomebody,
  isWord,
  noDaemon,
  nobodySpeaks,
  withKeyInDoubt,
} from './handshakes.js'
import { DialSchedule } from './schedule.js'

/** A peer of another cluster is left alone for so long; it may have been started with a wrong name. */
const foreignFor_ms = 600_000
const foreignLimit = 1_024
/** With so many connections strangers can wait: the peers that we have will tell who they are. */
const company = 4
const errorLimit = 1_024
/** Strangers that cannot be joined may be made up: of those that one brought no more than one is told in this time. */
const strangerTold_ms = 60_000
/** Addresses of one name that are dialled at an attempt: any of them, so that the next attempt is at others. */
const attemptedAddresses = 16

export interface DialingOptions {
  readonly self: PeerId
  readonly seeds: readonly Seed[]
  readonly book: AddressBook
  readonly names: Names
  /** Our own addresses, which are never dialled. */
  own(): readonly string[]
  isConnected(peer: PeerId): boolean
  /** How many are connected. */
  connected(): number
  open(address: string, signal: AbortSignal): Promise<Connection>
  readonly random: () => number
  readonly log: Logger
  onRefused(peer: PeerId, isVacant: boolean): void
}

export class Dialing {
  readonly #options: DialingOptions
  readonly #schedule: DialSchedule
  readonly #stop = new AbortController()
  readonly #seeds: ReadonlyMap<string, Seed>
  /** Who answered at a seed. */
  readonly #peerBySeed = new Map<string, PeerId>()
  readonly #acquainted: Acquainted
  /** Peers and addresses of other clusters, and until when they are left alone. */
  readonly #foreign = new BoundedMap<string, number>(foreignLimit)
  readonly #errors = new BoundedMap<PeerId, string>(errorLimit)
  readonly #outcomes = new BoundedMap<PeerId, DialOutcome | undefined>(errorLimit)
  /** Those to be dialled as soon as they are not connected any more. */
  readonly #impatient = new Set<PeerId>()
  /** What came of the last attempts, by the text of the seed. */
  readonly #seedOutcomes = new Map<string, SeedView>()
  /** What was told of seeds that do not answer, by the text of the seed. */
  readonly #toldSeeds = new Map<string, string>()
  /** How many handshakes with each have failed since it was connected: what was said there may also be nothing, between two of them. */
  readonly #handshakes = new BoundedMap<PeerId, number>(errorLimit)
  /** When it was told last of a stranger, by who brought it. */
  readonly #toldBringers = new BoundedMap<string, number>(errorLimit)
  /** Those to be connected with, and those that need not be; all others are strangers. */
  #wanted: ReadonlySet<PeerId> = new Set()
  #spared: ReadonlySet<PeerId> = new Set()
  #isStarted = false

  constructor(options: DialingOptions) {
    this.#options = options
    this.#seeds = new Map(options.seeds.map((seed) => [`seed ${seed.text}`, seed]))
    this.#acquainted = new Acquainted(options.book, (peer) => this.#isHad(peer))
    // Every attempt under way listens to it.
    setMaxListeners(0, this.#stop.signal)
    this.#schedule = new DialSchedule({
      isOurTurn: (target) => this.#isOurTurn(target),
      isSeed: (target) => this.#seeds.has(target),
      isMissed: (target) => this.#wanted.has(target),
      bringerOf: (target) => (this.#wanted.has(target) ? undefined : options.book.bringerOf(target)),
      attempt: (target, signal) => this.#attempt(target, signal),
      random: options.random,
    })
  }

  start(): void {
    this.#isStarted = true
    for (const target of this.#seeds.keys()) this.#schedule.plan(target, { fresh: true })
    for (const peer of this.#options.book.peers()) this.plan(peer, { fresh: true })
  }

  /** Who is to be connected, and who need not be. */
  follow(wanted: readonly PeerId[], spared: readonly PeerId[]): void {
    const before = this.#wanted
    const sparedBefore = this.#spared
    this.#wanted = new Set(wanted)
    this.#spared = new Set(spared)
    if (!this.#isStarted || this.#stop.signal.aborted) return
    for (const peer of spared) this.#schedule.cancel(peer)
    for (const peer of wanted) if (!before.has(peer)) this.#planAnew(peer)
    for (const peer of sparedBefore) if (!this.#spared.has(peer) && !this.#wanted.has(peer)) this.#planAnew(peer)
  }

  #planAnew(peer: PeerId): void {
    if (this.#options.book.has(peer) && !this.#options.isConnected(peer)) this.plan(peer, { fresh: true })
    this.#planSeedsOf(peer)
  }

  #isOurTurn(target: string): boolean {
    if (this.#seeds.has(target)) return true
    if (!this.#wanted.has(target) && this.#options.connected() >= company) return false
    return this.#options.self < target
  }

  stop(): void {
    this.#stop.abort()
    this.#schedule.stop()
  }

  /** The peer is known and not connected. `fresh`: there is reason to believe that it can be reached now. */
  plan(peer: PeerId, { fresh }: { fresh: boolean }): void {
    if (!this.#isForeign(peer) && !this.#spared.has(peer)) this.#schedule.plan(peer, { fresh })
  }

  cancel(peer: PeerId): void {
    this.#schedule.cancel(peer)
  }

  now(peer: PeerId): void {
    if (!this.#options.isConnected(peer) && this.#options.book.has(peer)) this.#schedule.now(peer)
  }

  /** As soon as the connection that was cut just now is gone; at once where it is. */
  nowAfterDisconnect(peer: PeerId): void {
    if (this.#options.isConnected(peer)) this.#impatient.add(peer)
    else this.now(peer)
  }

  /** Everybody who is missed: this machine has a way out that it did not have when they could not be reached. */
  nowAll(): void {
    for (const peer of this.#wanted) this.now(peer)
    for (const target of this.#seeds.keys())
      if (!this.#peerBySeed.has(target)) this.#schedule.plan(target, { fresh: true })
  }

  /** A connection with it is gone, and another one stays. */
  moved(peer: PeerId): void {
    this.#impatient.delete(peer)
  }

  connected(peer: PeerId): void {
    this.#foreign.delete(peer)
    this.#errors.delete(peer)
    this.#handshakes.delete(peer)
    this.#outcomes.delete(peer)
    this.#schedule.cancel(peer)
    for (const [target, seed] of this.#seeds) {
      if (seed.peer !== peer && this.#peerBySeed.get(target) !== peer) continue
      this.#noteSeed(seed, 'reached') // whoever of the two has dialled
      if (!standsForMany(seed)) this.#schedule.cancel(target)
    }
  }

  disconnected(peer: PeerId): void {
    if (this.#options.book.has(peer)) this.plan(peer, { fresh: true })
    if (this.#impatient.delete(peer)) this.now(peer)
    if (!this.#spared.has(peer)) this.#planSeedsOf(peer)
  }

  /** Who answered at a seed is not there: another may be by now. */
  #planSeedsOf(peer: PeerId): void {
    if (this.#options.isConnected(peer)) return
    for (const [target, seed] of this.#seeds) {
      if (seed.peer !== peer && this.#peerBySeed.get(target) !== peer) continue
      this.#schedule.plan(target, { fresh: this.#peerBySeed.delete(target) })
    }
  }

  /** The peer does not speak the protocols of this cluster. */
  foreign(peer: PeerId, connection: Connection): void {
    if (!this.#isForeign(peer)) {
      this.#options.log.info({ peer, address: connection.remoteAddr.toString() }, 'a peer is not of this cluster')
    }
    for (const [target, seed] of this.#seeds)
      if (this.#peerBySeed.get(target) === peer)
        this.#noteSeed(seed, 'refused', 'who answers there is of another cluster')
    this.#schedule.cancel(peer)
    const address = connection.direction === 'outbound' ? readAddress(connection.remoteAddr.toString()) : undefined
    for (const key of address === undefined ? [peer] : [peer, address]) {
      this.#foreign.set(key, performance.now() + foreignFor_ms)
    }
  }

  /** What came of each. */
  seeds(): SeedView[] {
    return [...this.#seeds.values()].map(
      ({ text }) => this.#seedOutcomes.get(text) ?? { where: text, outcome: 'untried' },
    )
  }

  lastError(peer: PeerId): string | undefined {
    const error = this.#errors.get(peer)
    return error !== undefined && this.#isKeyInDoubt() ? withKeyInDoubt(error) : error
  }

  /** Nobody is connected, and somebody's handshake has failed: it may well be our key that differs. */
  #isKeyInDoubt(): boolean {
    if (this.#options.connected() > 0) return false
    return [...this.#errors, ...this.#toldSeeds].some(([, error]) => doubtsKey(error))
  }

  failingSeeds(): LinkFailure[] {
    return [...this.#toldSeeds].map(([where, error]) => ({
      ...{ where, direction: 'outbound', error },
      reason: doubtsKey(error) ? 'handshake' : 'no-answer',
    }))
  }

  /** What the last dial says of the other end. */
  lastOutcome(peer: PeerId): DialOutcome | undefined {
    const outcome = this.#outcomes.get(peer)
    return outcome === 'silent' && this.#isKeyInDoubt() ? undefined : outcome
  }

  async #attempt(target: string, signal: AbortSignal): Promise<void> {
    const seed = this.#seeds.get(target)
    await (seed === undefined ? this.#attemptPeer(target, signal) : this.#attemptSeed(target, seed))
  }

  async #attemptPeer(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { book, isConnected, onRefused } = this.#options
    if (!book.has(peer)) return this.#schedule.cancel(peer)
    if (isConnected(peer)) return
    const known = book.addresses(peer)
    const addresses = this.#dialable(known)
    const result = await dial(
      {
        addresses,
        deciders: book.deciders(peer).filter((address) => addresses.includes(address)),
        open: (address, signal) => this.#options.open(`${address}/p2p/${peer}`, signal),
        onRefused: (isVacant) => {
          if (!this.#stop.signal.aborted && !isConnected(peer)) onRefused(peer, isVacant && book.isProven(peer))
        },
      },
      signal,
    )
    if (result.connection !== undefined || signal.aborted) return
    this.#tellPeer(peer, addresses.length === 0 ? notToDial(known) : describe(result))
    this.#outcomes.set(peer, outcomeOf(result))
    if (this.#spared.has(peer)) this.#schedule.cancel(peer) // it was tried because somebody asked, once
  }

  /** Found and reached, twice, without coming to terms: people want to know. */
  #tellPeer(peer: PeerId, error: string): void {
    // What has shown once counts more than that nothing shows between two of them.
    const isSilence = error.includes(nobodySpeaks) && this.#errors.get(peer)?.includes(handshakeFailed) === true
    if (!isSilence) this.#errors.set(peer, error)
    if (!error.includes(handshakeFailed)) return
    const failed = (this.#handshakes.get(peer) ?? 0) + 1
    this.#handshakes.set(peer, failed)
    if (failed !== 2 || this.#stop.signal.aborted || this.#isToldOf(this.#options.book.bringerOf(peer))) return
    this.#options.log.warn({ peer }, `a peer cannot be joined: ${error}`)
  }

  #isToldOf(bringer: string | undefined): boolean {
    if (bringer === undefined) return false
    const isTold = performance.now() - (this.#toldBringers.get(bringer) ?? -Infinity) < strangerTold_ms
    if (!isTold) this.#toldBringers.set(bringer, performance.now())
    return isTold
  }

  async #attemptSeed(target: string, seed: Seed): Promise<void> {
    const answered = this.#peerBySeed.get(target) ?? seed.peer
    if (answered !== undefined && standsForMany(seed) && this.#isHad(answered)) return this.#lookFurther(seed)
    if (answered !== undefined && this.#options.isConnected(answered)) return this.#schedule.cancel(target)
    try {
      const resolved = await resolveSeed(seed, this.#options.names)
      const addresses = this.#someOf(this.#dialable(resolved))
      if (addresses.length === 0) return this.#noteNobody(seed, resolved)
      const suffix = seed.peer === undefined ? '' : `/p2p/${seed.peer}`
      const open = (address: string, signal: AbortSignal) => this.#options.open(`${address}${suffix}`, signal)
      const result = await this.#dialAny(addresses, open)
      this.#seedAnswered(target, seed, result)
    } catch (error) {
      const isNone = (error as NodeJS.ErrnoException).code === 'ENOTFOUND'
      this.#noteSeed(seed, isNone ? 'nobody' : 'unreachable', messageOf(error))
      this.#tellSeed(seed, messageOf(error))
    }
  }

  /**
   * Somebody answers there, who may not know all: where those behind a name began in twos, each of which met, they are to become
   * one. What goes wrong is no news, since the name has done what it is for.
   */
  async #lookFurther(seed: Seed): Promise<void> {
    const resolved = await resolveSeed(seed, this.#options.names).catch(() => [])
    const strangers = this.#acquainted.strangersAt(this.#dialable(resolved))
    if (strangers.length > 0) await this.#dialAny(this.#someOf(strangers), this.#options.open)
  }

  #isHad(peer: PeerId): boolean {
    return this.#options.isConnected(peer) || this.#spared.has(peer)
  }

  async #dialAny(addresses: readonly string[], open: DialingOptions['open']): Promise<DialResult> {
    const answered = async (address: string, signal: AbortSignal): Promise<Connection> => {
      const connection = await open(address, signal)
      this.#acquainted.note(address, connection.remotePeer.toString())
      return connection
    }
    return dial({ addresses, deciders: [], open: answered, onRefused: () => {} }, this.#stop.signal)
  }

  #someOf(addresses: readonly string[]): string[] {
    const left = [...addresses]
    const chosen: string[] = []
    while (left.length > 0 && chosen.length < attemptedAddresses) {
      const at = left.length + chosen.length > attemptedAddresses ? Math.floor(this.#options.random() * left.length) : 0
      chosen.push(...left.splice(at, 1))
    }
    return chosen
  }

  /** What of its addresses is not our own is of another cluster, which has been told when it was found out. */
  #noteNobody(seed: Seed, resolved: readonly string[]): void {
    if (resolved.some((address) => this.#isForeign(address))) return
    this.#noteSeed(seed, 'nobody', 'it leads to this node alone')
  }

  #noteSeed({ text: where }: Seed, outcome: SeedOutcome, error?: string): void {
    this.#seedOutcomes.set(where, { where, outcome, ...(error !== undefined && { error }) })
  }

  #seedAnswered(target: string, seed: Seed, result: DialResult): void {
    if (result.connection === undefined) {
      const isSelf = [...result.failures.values()].every(({ kind }) => kind === 'self')
      if (isSelf) return this.#noteSeed(seed, 'nobody', 'it leads to this node alone')
      this.#noteFailed(seed, result)
      return this.#tellSeed(seed, describe(result))
    }
    this.#noteSeed(seed, 'reached')
    this.#toldSeeds.delete(seed.text)
    this.#peerBySeed.set(target, result.connection.remotePeer.toString())
  }

  /**
   * Whoever is there and does not let us in says so at most attempts; at some all that shows is silence. Who never says a word, as a
   * proxy with nobody behind it, is no more than a place where nobody answers.
   */
  #noteFailed(seed: Seed, result: DialResult): void {
    const failures = [...result.failures.values()]
    const reached = failures.filter(({ message }) => isOfSomebody(message))
    const isRefused = reached.some(({ message }) => isWord(message))
    const stays = reached.length > 0 && this.#seedOutcomes.get(seed.text)?.outcome === 'refused'
    if (!stays || isRefused) this.#noteSeed(seed, isRefused ? 'refused' : 'unreachable', describe(result))
  }

  /** Once, until it answers or fails in another way: a seed that is down for the night is no news every thirty seconds. */
  #tellSeed(seed: Seed, reason: string): void {
    if (this.#stop.signal.aborted) return
    const told = this.#toldSeeds.get(seed.text)
    const [wasWorse, isWorse] = [told ?? '', reason].map(isForPeople)
    if (wasWorse && reason.includes(nobodySpeaks)) return
    this.#toldSeeds.set(seed.text, reason)
    if (told !== undefined && (!isWorse || wasWorse)) return
    const level = isWorse ? 'warn' : 'info'
    this.#options.log[level]({ seed: seed.text, reason }, `a seed does not answer; trying on: ${reason}`)
  }

  #dialable(addresses: readonly string[]): string[] {
    const own = new Set(this.#options.own())
    return addresses.filter((address) => !own.has(address) && !this.#isForeign(address))
  }

  #isForeign(key: string): boolean {
    const until = this.#foreign.get(key)
    if (until === undefined || until > performance.now()) return until !== undefined
    this.#foreign.delete(key)
    return false
  }
}

/** Whoever it is, and whoever else it may be later; one that names its peer means that one. */
function standsForMany({ host, peer }: Seed): boolean {
  return peer === undefined && isName(host)
}

/** A machine whose network is not up tells of itself what leads each to itself. */
function notToDial(known: readonly string[]): string {
  return known.length === 0
    ? 'no address to dial'
    : `no address to dial: ${known.join(', ').slice(0, 300)} leads to this node itself, or to another cluster`
}

/** Trying on does not mend it. */
function isForPeople(error: string): boolean {
  return error.includes(handshakeFailed) || error.includes(noDaemon)
}

/** Whoever is there names the place already. */
function describe({ failures }: DialResult): string {
  const all = [...failures].map(([address, { message }]) =>
    isOfSomebody(message) ? message : `${address}: ${message}`,
  )
  return all.length === 0 ? 'no address to dial' : all.join('; ').slice(0, 500)
}
