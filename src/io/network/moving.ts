/**
 * Notices that this machine has moved: that an address which connections go out from is no longer its own, or that it has a new one.
 * What is bound to an address that is gone carries nothing, either way, and nobody is told: both ends would wait for heartbeats. The
 * other end cannot mend it, since it knows the old address alone. It cuts nothing and dials nobody.
 */
import { interfaces, type Interfaces } from '../../config/interfaces.js'
import { leadsOut, ownAddresses } from '../../config/reach.js'
import { isLoopback } from '../../config/values.js'

/** A fifth of the silence after which a member is hidden, so that there is time to dial; a look costs some 40 µs. */
export const lookInterval_ms = 500

export interface MovingOptions<Link> {
  /** All that are open. */
  connections(): readonly Link[]
  /** Where this end of it is; undefined where that is not known any more. */
  hostOf(connection: Link): string | undefined
  /** Whether the system says that an address is none of this machine: what it lists leaves out interfaces without a carrier. */
  isGone(host: string): Promise<boolean>
  /** Bound to an address that is gone, while there is another way out. */
  onStranded(connections: readonly Link[]): void
  /** There is a way out that was not there before. */
  onWayOut(): void
  readonly interfaces?: () => Interfaces
}

export class Moving<Link> {
  readonly #options: MovingOptions<Link>
  readonly #interfaces: () => Interfaces
  #ways: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: MovingOptions<Link>) {
    this.#options = options
    this.#interfaces = options.interfaces ?? interfaces
  }

  start(): void {
    this.#ways = waysOut(this.#interfaces())
    this.#lookLater()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** Where there is no way out, what is bound to the old address stays: it goes on where that comes back, as with a lease that is renewed. */
  async look(): Promise<void> {
    const known = this.#interfaces()
    const ways = waysOut(known)
    const isNew = [...ways].some((way) => !this.#ways.has(way))
    this.#ways = ways
    const gone = ways.size === 0 ? [] : await this.#gone(new Set(ownAddresses(known)))
    if (this.#isStopped) return
    const stranded = this.#bound().filter(([, host]) => gone.includes(host))
    if (stranded.length > 0) this.#options.onStranded(stranded.map(([connection]) => connection))
    if (isNew) this.#options.onWayOut()
  }

  #lookLater(): void {
    this.#timer = setTimeout(
      () => void this.look().finally(() => this.#isStopped || this.#lookLater()),
      lookInterval_ms,
    )
  }

  async #gone(own: ReadonlySet<string>): Promise<string[]> {
    const unlisted = new Set(this.#bound().flatMap(([, host]) => (own.has(host) || isLoopback(host) ? [] : host)))
    const gone: string[] = []
    for (const host of unlisted) if (await this.#options.isGone(host)) gone.push(host)
    return gone
  }

  #bound(): [Link, string][] {
    return this.#options.connections().flatMap((connection): [Link, string][] => {
      const host = this.#options.hostOf(connection)
      return host === undefined ? [] : [[connection, plainHost(host)]]
    })
  }
}

/** Own addresses that lead to other machines: not those of bridges for guests, which come and go with them. */
function waysOut(known: Interfaces): Set<string> {
  return new Set(ownAddresses(known).filter((host) => leadsOut(host, known)))
}

/** As interfaces list it: a socket of both families has IPv4 addresses in the clothes of IPv6, and link-local ones name their interface. */
function plainHost(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
}
