/**
 * Services for a demonstration: tiny HTTP servers in this process, each on a loopback port of its own, that say who they are.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export class DemoService {
  #server: Server | undefined
  #port = 0

  /** @param node the daemon at which it is registered */
  constructor(
    readonly slug: string,
    readonly node: string,
  ) {}

  get id(): string {
    return `${this.slug}-${this.node}`
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Again on the port that it had before. */
  async start(): Promise<void> {
    this.#server = createServer((_request, response) => void response.setHeader('connection', 'close').end(this.id))
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  stop(): void {
    this.#server?.close()
    this.#server?.closeAllConnections()
  }
}
