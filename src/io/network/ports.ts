/**
 * Keeps trying for the ports at which others expect this daemon, where they were taken at its start. The kernel draws ports of
 * that range for outgoing connections, and gives them back. Until then the daemon listens elsewhere, which is for others to arrange.
 */
import { createServer } from 'node:net'
import type { Logger } from 'pino'
import { messageOf } from '../../core/errors.js'
import { readEndpoint } from './addresses.js'

export const again_ms = 5000

export interface WantedPortsOptions {
  /** Multiaddrs that could not be had. */
  readonly addresses: readonly string[]
  listen(address: string): Promise<void>
  readonly log: Logger
}

export class WantedPorts {
  readonly #options: WantedPortsOptions
  readonly #missing: Set<string>
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: WantedPortsOptions) {
    this.#options = options
    this.#missing = new Set(options.addresses)
  }

  start(): void {
    void this.#tryAll()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  async #tryAll(): Promise<void> {
    for (const address of this.#missing) if (!this.#stopped) await this.#try(address)
    if (this.#missing.size > 0 && !this.#stopped) this.#timer = setTimeout(() => void this.#tryAll(), again_ms)
  }

  /** Never rejects: whoever was faster has it, and we go on trying. */
  async #try(address: string): Promise<void> {
    const { listen, log } = this.#options
    if (!(await isFree(address))) return
    try {
      await listen(address)
      this.#missing.delete(address)
      log.info({ address }, `${address} is free now; listening on it, too`)
    } catch (error) {
      log.debug({ address, error: messageOf(error) }, 'an address that was free cannot be listened on')
    }
  }
}

/** Asked of the kernel first: libp2p keeps each listener that failed. */
function isFree(address: string): Promise<boolean> {
  const endpoint = readEndpoint(address)
  if (endpoint === undefined) return Promise.resolve(false)
  const { host, port, family } = endpoint
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, ipv6Only: family === 6, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
