/**
 * Those who might have become peers: whoever reached us without coming in, or has our own key. Each is told of once, at the time,
 * for people who look for the reason; nothing is decided here.
 */
import type { Logger } from 'pino'
import { BoundedMap } from '../../core/basics/bounded-map.js'
import { signMemory_ms, stopTheCopy } from '../../core/words/causes.js'
import { hostOf } from './addresses.js'
import type { LinkFailure } from './contract.js'
import type { Drops } from './drops.js'
import { doubtsKey, handshakeFailed, isKeyTheSame, placeOf } from './handshakes.js'

/** So many are shown. */
const limit = 64
/** Who comes in so soon after it failed was let wait: one of us was asleep, or very busy, and the other gave up. */
const secondTry_ms = 3000
/** A connection to ourselves is seen at both of its ends within this time. */
const otherEnd_ms = 1000

interface Sighting extends LinkFailure {
  readonly at: number
}

interface OwnKey {
  readonly direction: 'inbound' | 'outbound'
  readonly where: string
  readonly timer: NodeJS.Timeout
}

export class Strangers {
  readonly #log: Logger
  readonly #own: () => readonly string[]
  readonly #drops: Pick<Drops, 'count'> | undefined
  readonly #byPlace = new BoundedMap<string, Sighting>(limit)
  readonly #unpaired = new Set<OwnKey>()
  /** Those who have just failed, by host. */
  readonly #failed = new Map<string, NodeJS.Timeout>()

  /** @param own the addresses at which we listen */
  constructor(log: Logger, own: () => readonly string[], drops?: Pick<Drops, 'count'>) {
    this.#log = log
    this.#own = own
    this.#drops = drops
  }

  /** With another cluster key, as it seems. */
  failed(host: string): void {
    if (this.#failed.has(host) || this.#failed.size >= limit) return
    const timer = setTimeout(() => {
      this.#failed.delete(host)
      this.#tellFailed(host)
    }, secondTry_ms)
    this.#failed.set(host, timer)
  }

  /** A health check or a scan of ports may come every second, and has nothing to mend here. */
  metNoDaemon(host: string): void {
    this.#drops?.count('handshake-failed')
    this.#log.debug({ host }, `somebody at ${host} reached us who is no Rollcall daemon`)
  }

  /** Whoever comes from there has come in. */
  cameIn(host: string): void {
    clearTimeout(this.#failed.get(host))
    this.#failed.delete(host)
    if (doubtsKey(this.#byPlace.get(host)?.error ?? '')) this.#byPlace.delete(host)
  }

  /** One end of a connection between daemons with our key. Where the other end is not seen here, that daemon is not us. */
  metOwnKey(direction: 'inbound' | 'outbound', where: string): void {
    for (const met of this.#unpaired) {
      if (met.direction === direction) continue
      clearTimeout(met.timer)
      this.#unpaired.delete(met)
      return
    }
    if (this.#unpaired.size >= limit) return
    const timer = setTimeout(() => {
      this.#unpaired.delete(met)
      this.#metCopy(direction, where)
    }, otherEnd_ms)
    const met: OwnKey = { direction, where, timer }
    this.#unpaired.add(met)
  }

  /** Another daemon says by mDNS that it has our key. Anybody may say so, of any place: as many as are shown, and no more. */
  heardCopy(addresses: readonly string[]): void {
    const place = addresses.map(placeOf)[0]
    if (place !== undefined && (this.#byPlace.has(place) || this.#byPlace.size < limit)) this.#metCopy('inbound', place)
  }

  /** Two daemons answer as one peer. */
  metTwo(peer: string, addresses: readonly [string, string]): void {
    const [one, other] = addresses.map((address) => address.replace(/\/p2p\/.*$/, '')).sort()
    const error = `two daemons run with one key, at ${one} and at ${other}: ${stopTheCopy}`
    const places = [one, other].flatMap((place) => place ?? [])
    if (this.#note({ where: peer, direction: 'inbound', error, reason: 'same-key', places }))
      this.#log.error({ peer }, `peer ${peer}: ${error}`)
  }

  /** Whoever is there speaks as we do, of a cluster that has another name. It is told where it is found out. */
  metForeign(direction: 'inbound' | 'outbound', address: string): void {
    const where = direction === 'inbound' ? hostOf(address) : placeOf(address)
    const error = 'it is a daemon of another cluster: is --cluster the same?'
    if (where !== undefined) this.#note({ where, direction, error, reason: 'other-cluster' })
  }

  /** Seen lately, the latest last. */
  list(): LinkFailure[] {
    const now = performance.now()
    const lately = [...this.#byPlace].filter(([, { at }]) => now - at < signMemory_ms)
    return lately.map(([, { at, ...failure }]) => ({ ...failure, seenAge_ms: Math.round(now - at) }))
  }

  stop(): void {
    for (const timer of [...this.#failed.values(), ...[...this.#unpaired].map((met) => met.timer)]) clearTimeout(timer)
    this.#failed.clear()
    this.#unpaired.clear()
  }

  #tellFailed(host: string): void {
    this.#drops?.count('handshake-failed')
    const error = `reached us, ${handshakeFailed}: ${isKeyTheSame}`
    if (this.#note({ where: host, direction: 'inbound', error, reason: 'handshake' }))
      this.#log.warn({ host }, `somebody at ${host} ${error}`)
  }

  #metCopy(direction: 'inbound' | 'outbound', where: string): void {
    this.#drops?.count('handshake-own-key')
    const error = `another daemon runs with this node's key at ${where}, beside this one at ${this.#own().join(', ')}: ${stopTheCopy}`
    const places = [...this.#own().slice(0, 1), where]
    if (this.#note({ where, direction, error, reason: 'same-key', places })) this.#log.error({ where }, error)
  }

  /** @returns whether it is news */
  #note(failure: LinkFailure): boolean {
    const { where, error } = failure
    const before = this.#byPlace.get(where)
    this.#byPlace.set(where, { ...failure, at: performance.now() })
    return before?.error !== error || performance.now() - before.at >= signMemory_ms
  }
}
