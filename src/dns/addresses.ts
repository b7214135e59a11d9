/**
 * What names of others stand for, known at once: what was found last is answered with, while it is asked for again behind that. Nobody is
 * asked here; who asks keeps his own record of it, and his own bounds.
 */
import { BoundedMap } from '../core/basics/bounded-map.js'
import type { Address } from './names.js'
import type { FindAddresses } from './view.js'

/** @returns `undefined` where nobody has answered. Never rejects. */
export type Resolve = (host: string) => Promise<readonly Address[] | undefined>

/** How long to wait for a name that was never asked for. */
const patience_ms = 500
/** For how long nobody is asked again. */
const fresh_ms = 1000
/** What is older than that is waited for again, before it counts: it may stand for another machine by now. */
const old_ms = 5000
const namesKept = 4096

interface Known {
  addresses: readonly Address[] | undefined
  askedAt: number
  /** When it was answered last, or was waited for in vain. */
  lookedAt: number
  asking?: Promise<void>
}

export class HostAddresses {
  readonly #resolve: Resolve
  readonly #known = new BoundedMap<string, Known>(namesKept)
  readonly #patience_ms: number

  constructor(resolve: Resolve, patience = patience_ms) {
    this.#resolve = resolve
    this.#patience_ms = patience
  }

  /** Also asks, where that was a while ago. */
  readonly find: FindAddresses = (host) => {
    const known = this.#known.get(host)
    if (known === undefined || performance.now() - known.lookedAt > old_ms) return 'unknown'
    void this.#ask(host, known)
    return known.addresses ?? 'silent'
  }

  /** Asks for those; resolves once all is known, or after half a second. `find` knows all of them by then. */
  async settle(hosts: readonly string[]): Promise<void> {
    const asking = hosts.map((host) => {
      const never = Number.NEGATIVE_INFINITY
      const known = this.#known.get(host) ?? { addresses: undefined, askedAt: never, lookedAt: never }
      this.#known.set(host, known)
      return { known, answer: this.#ask(host, known) }
    })
    let timer: NodeJS.Timeout | undefined
    const impatience = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#patience_ms)))
    await Promise.race([Promise.all(asking.map(({ answer }) => answer)), impatience])
    clearTimeout(timer)
    const now = performance.now()
    for (const { known } of asking) known.lookedAt = now
  }

  async #ask(host: string, known: Known): Promise<void> {
    const now = performance.now()
    if (known.asking !== undefined) return known.asking
    if (now - known.askedAt < fresh_ms) return
    known.askedAt = now
    this.#known.set(host, known) // those that are in use stay
    const asking = this.#resolve(host).then((addresses) => {
      delete known.asking
      // Silence says nothing: what was known stays.
      if (addresses === undefined) return
      known.addresses = addresses
      known.lookedAt = performance.now()
    })
    known.asking = asking
    return asking
  }
}
