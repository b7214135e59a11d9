/**
 * The url by which callers know a node that was given none: it follows the addresses of the machine, which come with a lease, go with
 * a cable, or are asked for before either. It asks nobody whether anything answers there.
 */
import { interfaces, type Interfaces } from './interfaces.js'
import { hostForOthers, leadsFurther, ownAddresses } from './reach.js'
import { formatHostPort, isLoopback } from './values.js'

/** So long an address has to be gone before the url names another: cables are pulled and plugged, leases are renewed. */
const gone_ms = 10_000

export class NodeUrl {
  readonly #port: number
  #host: string
  #goneSince: number | undefined

  /** @param port at which the HTTP API answers */
  constructor(port: number, known: Interfaces = interfaces()) {
    this.#port = port
    this.#host = hostForOthers(known)
  }

  get current(): string {
    return `http://${formatHostPort({ host: this.#host, port: this.#port })}`
  }

  /** Looks at the addresses again; at once where another one leads to more than this one does. @param now of a clock that never jumps */
  look(now: number, known: Interfaces = interfaces()): string {
    const best = hostForOthers(known)
    const isHere = isLoopback(this.#host) || ownAddresses(known).includes(this.#host)
    this.#goneSince = isHere ? undefined : (this.#goneSince ?? now)
    const isGone = this.#goneSince !== undefined && now - this.#goneSince >= gone_ms
    if (isGone || (isHere && leadsFurther(best, this.#host, known))) {
      this.#host = best
      this.#goneSince = undefined
    }
    return this.current
  }
}
