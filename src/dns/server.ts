/**
 * The sockets of the DNS door: datagrams, connections for what does not fit into one, bounds on both. It reads no packet.
 */
import { createSocket, type RemoteInfo, type Socket as Datagrams, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { addressesOf, bindingFailure, isMissingAddress } from '../config/binding.js'
import { formatHostPort, type HostPort } from '../config.js'
import type { Log } from '../log.js'
import { HostAddresses, type Resolve } from './addresses.js'
import { Zone, type ZoneOptions } from './answers.js'
import { Connections } from './connections.js'
import { Limits, type rates } from './limits.js'
import { Responder, type ResponderParts } from './responder.js'

export interface DnsServerOptions extends HostPort, ZoneOptions, Pick<ResponderParts, 'view' | 'lookups'> {
  readonly resolve: Resolve
  readonly log: Log
  readonly rates?: typeof rates
}

export interface DnsServer {
  /**
   * By UDP and by TCP.
   * @returns `HOST:PORT`
   * @throws RegistryError `unavailable` where the address cannot be had
   */
  start(): Promise<string>
  /** What was answered to nobody, by reason. */
  dropped(): Readonly<Record<string, number>>
  /** Safe at any time, any number of times. */
  stop(): Promise<void>
}

/** A port that the system has drawn for datagrams may be taken for connections, or at the other address. */
const triesForAll = 8
/** How often it is said that a socket fails. */
const toldPause_ms = 60_000

/**
 * @example
 * const dns = createDnsServer({ host: '127.0.0.1', port: 0, domain: 'rollcall.internal', ttl_s: 1, view, lookups, resolve, log })
 * const address = await dns.start()
 * await dns.stop()
 */
export function createDnsServer(options: DnsServerOptions): DnsServer {
  return new Server(options)
}

class Server implements DnsServer {
  readonly #options: DnsServerOptions
  readonly #limits: Limits
  readonly #responder: Responder
  readonly #connections: Connections
  readonly #datagrams = new Set<Datagrams>()
  #isStopped = false
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(options: DnsServerOptions) {
    this.#options = options
    this.#limits = new Limits(options.rates)
    this.#responder = new Responder({
      zone: new Zone(options),
      addresses: new HostAddresses(options.resolve),
      view: options.view,
      lookups: options.lookups,
      wall: () => Date.now(),
      chance: () => Math.random(),
    })
    // Tokens of their own: whoever sends datagrams in another's name takes him no connections.
    this.#connections = new Connections(this.#responder, new Limits(options.rates))
  }

  async start(): Promise<string> {
    const { host, port } = this.#options
    try {
      return formatHostPort({ host, port: await this.#bindAll() })
    } catch (cause) {
      await this.stop()
      throw bindingFailure(cause, 'dns', formatHostPort({ host, port }), '--dns HOST:PORT (ROLLCALL_DNS)')
    }
  }

  dropped(): Readonly<Record<string, number>> {
    return this.#responder.dropped()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#close()
  }

  async #bindAll(): Promise<number> {
    for (let tries = 1; ; tries += 1) {
      try {
        const port = await this.#bindEach()
        if (this.#isStopped) throw new Error('stopped')
        return port
      } catch (error) {
        await this.#close()
        const mayBeFree = !this.#isStopped && this.#options.port === 0 && codeOf(error) === 'EADDRINUSE'
        if (!mayBeFree || tries === triesForAll) throw error
      }
    }
  }

  /** All on one port. */
  async #bindEach(): Promise<number> {
    const { host, port } = this.#options
    const addresses = addressesOf(host)
    let bound = port
    let missing: unknown
    for (const address of addresses) {
      try {
        bound = await this.#bind(address, bound)
        await this.#connections.listen(address, bound)
      } catch (error) {
        if (addresses.length === 1 || !isMissingAddress(error)) throw error
        missing = error
      }
    }
    if (this.#datagrams.size === 0) throw missing
    return bound
  }

  async #bind(address: string, port: number): Promise<number> {
    const family = isIPv6(address) ? 6 : 4
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup: asItIs(family) })
    socket.on('message', (packet, from) => this.#heard(socket, packet, from))
    const listening = once(socket, 'listening')
    socket.bind(port, address)
    try {
      await listening
    } catch (error) {
      await closed(socket)
      throw error
    }
    this.#datagrams.add(socket)
    socket.on('error', (error) => this.#tell(error))
    return socket.address().port
  }

  #heard(socket: Datagrams, packet: Buffer, from: RemoteInfo): void {
    // Nothing can be sent there, and no program asks from there: whoever says so has made the packet by hand.
    if (from.port === 0) return this.#responder.drop('from no port')
    const admission = this.#limits.admit(from.address, performance.now())
    if (admission === 'drop') return this.#responder.drop('too many questions')
    const answer = this.#responder.respond(packet, { isTcp: false, isTruncated: admission === 'truncate' })
    if (answer instanceof Promise) void answer.then((bytes) => this.#send(socket, bytes, from))
    else this.#send(socket, answer, from)
  }

  #send(socket: Datagrams, answer: Uint8Array | undefined, { address, port }: RemoteInfo): void {
    if (answer === undefined || this.#isStopped) return
    try {
      socket.send(answer, port, address, this.#onSent)
    } catch {
      this.#responder.drop('could not be sent') // whatever the sender says of itself: it is his word
    }
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#responder.drop('could not be sent')
  }

  #tell(error: Error): void {
    if (performance.now() - this.#toldAt < toldPause_ms) return
    this.#toldAt = performance.now()
    this.#options.log.warn(`DNS: ${error.message}`)
  }

  async #close(): Promise<void> {
    const open = [...this.#datagrams]
    this.#datagrams.clear()
    await Promise.all([...open.map(closed), this.#connections.stop()])
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

async function closed(socket: Datagrams): Promise<void> {
  await new Promise<void>((resolve) => {
    try {
      socket.close(() => resolve())
    } catch {
      resolve() // it never came to be bound
    }
  })
}

/** Where an answer goes is an address already: nothing has to be looked up. */
function asItIs(family: 4 | 6): NonNullable<SocketOptions['lookup']> {
  return (address, _options, found) => found(null, address, family)
}
