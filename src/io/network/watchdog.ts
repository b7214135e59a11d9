/**
 * Watches whether gossip reaches every connected peer, to mend what does not: first the stream, then the connection. Gossipsub
 * itself neither notices nor mends a stream that died on a living connection; connection and mesh look healthy for ever.
 *
 * A connection that is made anew costs both ends a handshake, and all that is said at first. Where many peers are not reached, what is
 * missing is time as a rule: twenty daemons that started together on two cores made each other's connections anew for a minute, and
 * called each other dead for that. So the more they are, the longer it waits, and it mends one after the other; where this machine has no
 * time it waits for minutes.
 */
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '../../core/model/model.js'
import type { Link } from './connections.js'
import { Waits } from '../work.js'

export const watchdogLimits = {
  interval_ms: 2_000,
  /** A young connection has every right to be still opening its streams. */
  youth_ms: 5_000,
  /** Looks at one that it does not reach; one more for each other that was not given up yet, up to a limit. */
  strikes: { one: 2, most: 15, busy: 60 },
  /** This machine is busy where we waited for a core for more of the time since the last look. */
  busyShare: 0.5,
  /** The second look at a peer that lost one of two connections. */
  moved_ms: 300,
  /** Between two repairs, whoever they are of. */
  anyPause_ms: 5_000,
  /** Between two repairs of one peer, doubled by each one without success. */
  firstPause_ms: 10_000,
  lastPause_ms: 300_000,
  /** A check that comes this late says something about us, not about them. */
  late_ms: 1_000,
} as const

export interface WatchdogOptions {
  links(): readonly Link[]
  health(peer: PeerId): { readonly outbound: boolean; readonly subscribed: boolean }
  reopen(connection: Connection): void
  /** Hangs up and dials again. */
  repair(peer: PeerId): void
}

interface Suspicion {
  strikes: number
  repairs: number
  notBefore: number
}

export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #waits: Pick<Waits, 'share'>
  readonly #suspicions = new Map<PeerId, Suspicion>()
  readonly #moved = new Map<PeerId, NodeJS.Timeout>()
  #timer: NodeJS.Timeout | undefined
  #expected = 0
  /** No repair before that, whoever it is of. */
  #notBefore = 0

  constructor(options: WatchdogOptions, waits: Pick<Waits, 'share'> = new Waits()) {
    this.#options = options
    this.#waits = waits
  }

  start(): void {
    this.#expected = performance.now() + watchdogLimits.interval_ms
    this.#timer = setInterval(() => this.#check(), watchdogLimits.interval_ms)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const timer of this.#moved.values()) clearTimeout(timer)
  }

  /**
   * The streams of a peer may have gone with a connection; they are put on the one that remains. Looked at twice, since
   * gossipsub may hear of the end of a stream after us.
   */
  moved(link: Link): void {
    this.#reopen(link)
    clearTimeout(this.#moved.get(link.peer))
    const again = () => {
      this.#moved.delete(link.peer)
      this.#reopen(link)
    }
    this.#moved.set(link.peer, setTimeout(again, watchdogLimits.moved_ms))
  }

  #reopen(link: Link): void {
    if (link.connection.status !== 'open' || this.#options.health(link.peer).outbound) return
    this.#options.reopen(link.connection)
  }

  #check(): void {
    const now = performance.now()
    const isLate = now - this.#expected > watchdogLimits.late_ms
    const isBusy = this.#waits.share() > watchdogLimits.busyShare
    this.#expected = now + watchdogLimits.interval_ms
    if (isLate) return
    const links = this.#options.links()
    const grown = links.filter(isOfAge)
    const unreached = grown.filter(({ peer }) => !this.#isReached(peer))
    for (const { peer } of grown) if (this.#isReached(peer)) this.#calm(peer)
    for (const link of unreached) this.#suspect(link)
    this.#repairOne(unreached, isBusy, now)
    this.#forgetAllBut(new Set(links.map(({ peer }) => peer)), now)
  }

  #isReached(peer: PeerId): boolean {
    const { outbound, subscribed } = this.#options.health(peer)
    return outbound && subscribed
  }

  #calm(peer: PeerId): void {
    const suspicion = this.#suspicions.get(peer)
    if (suspicion !== undefined) suspicion.strikes = 0
  }

  #suspect(link: Link): void {
    const suspicion = this.#suspicions.get(link.peer) ?? { strikes: 0, repairs: 0, notBefore: 0 }
    this.#suspicions.set(link.peer, suspicion)
    suspicion.strikes += 1
    this.#reopen(link)
  }

  /** One that was not connected anew as often as the others; of these the one that was not reached for longest. */
  #repairOne(unreached: readonly Link[], isBusy: boolean, now: number): void {
    const { strikes, anyPause_ms, firstPause_ms, lastPause_ms } = watchdogLimits
    const hopeful = unreached
      .map(({ peer }) => ({ peer, suspicion: this.#suspicions.get(peer) as Suspicion }))
      .filter(({ suspicion }) => now >= suspicion.notBefore)
    const patience = isBusy ? strikes.busy : Math.min(strikes.most, strikes.one + hopeful.length - 1)
    const [first] = hopeful
      .filter(({ suspicion }) => suspicion.strikes >= patience)
      .sort(({ suspicion: a }, { suspicion: b }) => a.repairs - b.repairs || b.strikes - a.strikes)
    if (first === undefined || now < this.#notBefore) return
    const { peer, suspicion } = first
    const pause_ms = Math.min(lastPause_ms, firstPause_ms * 2 ** suspicion.repairs)
    Object.assign(suspicion, { strikes: 0, repairs: suspicion.repairs + 1, notBefore: now + pause_ms })
    this.#notBefore = now + anyPause_ms
    this.#options.repair(peer)
  }

  /** What is known of a peer outlives its connection, since a repair cuts that, but not for ever. */
  #forgetAllBut(connected: ReadonlySet<PeerId>, now: number): void {
    for (const [peer, suspicion] of this.#suspicions) {
      const isQuiet = suspicion.strikes === 0 || !connected.has(peer)
      if (isQuiet && now > suspicion.notBefore + watchdogLimits.lastPause_ms) this.#suspicions.delete(peer)
    }
  }
}

function isOfAge({ connection }: Link): boolean {
  return Date.now() - connection.timeline.open >= watchdogLimits.youth_ms
}
