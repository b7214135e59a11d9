/**
 * Finds peers on the local network by mDNS. It reports every answer with its fresh addresses and never dials:
 * libp2p's own discovery speaks once of each peer, so that one which comes back on another port would stay unknown.
 */
import { createHash } from 'node:crypto'
import type { PeerInfo } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import type { Logger } from 'pino'
import type { PeerId } from '../../core/model.js'

/** Every question is answered by everybody to everybody, so a cluster that has found itself asks less. */
const eagerFor_ms = 120_000
const eagerPause_ms = 10_000
const calmPause_ms = 60_000
/** The longest pause that a timer of Node can have: the questions are ours to ask. */
const never_ms = 2 ** 31 - 1

export interface DiscoveryOptions {
  readonly cluster: string
  readonly components: MulticastDNSComponents
  readonly random: () => number
  readonly log: Logger
  onFound(peer: PeerId, addresses: readonly string[]): void
}

/** The service that the members of a cluster ask for: another one for every cluster name, and short whatever the name. */
export function serviceTag(cluster: string): string {
  return `_rollcall-${createHash('sha256').update(cluster).digest('hex').slice(0, 8)}._udp.local`
}

/** The parts of libp2p's class that its own type leaves out. */
interface Service extends ReturnType<ReturnType<typeof mdns>> {
  readonly mdns?: {
    query(query: { questions: { name: string; type: 'PTR' }[] }): void
    on(event: 'error', listener: (error: Error) => void): void
  }
  start(): Promise<void>
  stop(): Promise<void>
}

export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #tag: string
  readonly #service: Service
  #started = 0
  #timer: NodeJS.Timeout | undefined
  #warned = false

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#tag = serviceTag(options.cluster)
    const create = mdns({ serviceTag: this.#tag, interval: never_ms })
    this.#service = create(options.components) as unknown as Service
    this.#service.addEventListener('peer', ({ detail }) => this.#found(detail))
  }

  async start(): Promise<void> {
    await this.#service.start()
    this.#service.mdns?.on('error', (error) => this.#warn(error))
    this.#started = performance.now()
    this.#askLater()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#service.stop()
  }

  #found({ id, multiaddrs }: PeerInfo): void {
    this.#options.onFound(id.toString(), multiaddrs.map(String))
  }

  #askLater(): void {
    const pause_ms = performance.now() - this.#started < eagerFor_ms ? eagerPause_ms : calmPause_ms
    this.#timer = setTimeout(
      () => {
        this.#service.mdns?.query({ questions: [{ name: this.#tag, type: 'PTR' }] })
        this.#askLater()
      },
      pause_ms * (0.75 + 0.5 * this.#options.random()),
    )
  }

  /** Libp2p keeps these to itself, and discovery would be off without a word. */
  #warn(error: Error): void {
    if (this.#warned) return
    this.#warned = true
    this.#options.log.warn({ error: error.message }, 'mDNS does not work here; peers are found by --join only')
  }
}
