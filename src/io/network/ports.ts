/**
 * Keeps trying for the ports at which others expect this daemon, where they were taken at its start. The kernel draws ports of
 * that range for outgoing connections, and gives them back. Until then the daemon listens elsewhere, which is for others to arrange.
 */
import { createServer, type ListenOptions } from 'node:net'
import type { Logger } from 'pino'
import { messageOf } from '../../core/model/errors.js'
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
async function isFree(address: string): Promise<boolean> {
  return readEndpoint(address) !== undefined && (await bindingError(address)) === undefined
}

/** Why nothing can listen there, as the code of the system; undefined where something can. */
export async function bindingError(address: string): Promise<string | undefined> {
  const endpoint = readEndpoint(address)
  if (endpoint === undefined) return undefined
  const { host, port, family } = endpoint
  try {
    await portOf({ host, port, ipv6Only: family === 6, exclusive: true })
    return undefined
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

/** Whether the system says that an address is none of this machine. */
export async function isForeignHost(host: string): Promise<boolean> {
  return portOf({ host, port: 0, exclusive: true }).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL',
  )
}

/** One that nothing listens on, in either family where there are both; 0, which is any, where none is found. */
export async function freePort(): Promise<number> {
  return portOf({ port: 0, exclusive: true }).catch(() => 0)
}

function portOf(options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(options, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
