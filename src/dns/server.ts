/**
 * The sockets of the DNS door: datagrams, connections for what does not fit into one, bounds on both. It reads no packet.
 */
import { createSocket, type RemoteInfo, type Socket as Datagrams, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { bindingFailure } from '../config/binding.js'
import { formatHostPort, type HostPort } from '../config.js'
import type { Log } from '../log.js'
import { HostAddresses, type Resolve } from './addresses.js'
import { Zone, type ZoneOptions } from './answers.js'
import { Connections } from './connections.js'
import { Limits, type rates } from './limits.js'
import { Responder, type ResponderParts } from './responder.js'

export interface DnsServerOptions extends HostPort, ZoneOptions {
  readonly view: ResponderParts['view']
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

/** A port that the system has drawn for datagrams may be taken for connections. */
const triesForBoth = 8
/** How often it is said that a socket fails. */
const toldPause_ms = 60_000

/**
 * @example
 * const dns = createDnsServer({ host: '127.0.0.1', port: 0, domain: 'rollcall.internal', ttl_s: 1, view, resolve, log })
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
  #datagrams: Datagrams | undefined
  #isStopped = false
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(options: DnsServerOptions) {
    this.#options = options
    this.#limits = new Limits(options.rates)
    this.#responder = new Responder({
      zone: new Zone(options),
      addresses: new HostAddresses(options.resolve),
      view: options.view,
      wall: () => Date.now(),
      chance: () => Math.random(),
    })
    this.#connections = new Connections(this.#responder, this.#limits)
  }

  async start(): Promise<string> {
    const { host, port } = this.#options
    try {
      return formatHostPort({ host, port: await this.#bindBoth() })
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
    await Promise.all([this.#closeDatagrams(), this.#connections.stop()])
  }

  async #bindBoth(): Promise<number> {
    const { host, port } = this.#options
    const address = host === 'localhost' ? '127.0.0.1' : host
    for (let tries = 1; ; tries += 1) {
      const bound = await this.#bind(address, port)
      try {
        await this.#connections.listen(address, bound)
        return bound
      } catch (error) {
        await this.#closeDatagrams()
        const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        if (port !== 0 || !isTaken || tries === triesForBoth) throw error
      }
    }
  }

  async #bind(address: string, port: number): Promise<number> {
    const family = isIPv6(address) ? 6 : 4
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup: asItIs(family) })
    this.#datagrams = socket
    socket.on('message', (packet, from) => this.#heard(socket, packet, from))
    const listening = once(socket, 'listening')
    socket.bind(port, address)
    await listening
    socket.on('error', (error) => this.#tell(error))
    return socket.address().port
  }

  #heard(socket: Datagrams, packet: Buffer, from: RemoteInfo): void {
    const admission = this.#limits.admit(from.address, performance.now())
    if (admission === 'drop') return this.#responder.drop('too many questions')
    const answer = this.#responder.respond(packet, { isTcp: false, isTruncated: admission === 'truncate' })
    if (answer instanceof Promise) void answer.then((bytes) => this.#send(socket, bytes, from))
    else this.#send(socket, answer, from)
  }

  #send(socket: Datagrams, answer: Uint8Array | undefined, { address, port }: RemoteInfo): void {
    if (answer === undefined || this.#isStopped) return
    socket.send(answer, port, address, this.#onSent)
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.#responder.drop('could not be sent')
  }

  #tell(error: Error): void {
    if (performance.now() - this.#toldAt < toldPause_ms) return
    this.#toldAt = performance.now()
    this.#options.log.warn(`DNS: ${error.message}`)
  }

  async #closeDatagrams(): Promise<void> {
    const socket = this.#datagrams
    this.#datagrams = undefined
    if (socket === undefined) return
    await new Promise<void>((resolve) => {
      try {
        socket.close(() => resolve())
      } catch {
        resolve() // it never came to be bound
      }
    })
  }
}

/** Where an answer goes is an address already: nothing has to be looked up. */
function asItIs(family: 4 | 6): NonNullable<SocketOptions['lookup']> {
  return (address, _options, found) => found(null, address, family)
}
