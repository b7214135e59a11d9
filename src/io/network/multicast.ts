/**
 * Sockets for multicast DNS: one for each network interface in each family, whatever interfaces there are by now. It moves packets, and
 * never reads them; what cannot be sent or heard, and why, it says of each.
 *
 * A socket that leaves the choice to the system sends by the default route alone: a VPN, or no route at all, would keep two machines
 * on one cable from meeting. A membership goes with its interface, without a word, so it is asked for again at each look.
 */
import { createSocket, type Socket } from 'node:dgram'
import type { Logger } from 'pino'
import { interfaces } from '../../config/interfaces.js'
import type { MdnsView } from '../../core/views.js'
import { type Lane, lanesOf } from './lanes.js'

const port = 5353
/** How often interfaces are looked at. */
const look_ms = 5000
/** What fails once may be an interface that has hardly come up: its IPv6 address is not its own for a second or two. */
const failuresToTell = 2
/** As far as it may go: RFC 6762, 11. */
const hops = 255

export interface MulticastOptions {
  readonly log: Logger
  /** A packet came in by one of them. */
  onPacket(bytes: Uint8Array, from: Voice, address: string): void
  /** It is new, or joined anew, or the last try failed: what is to be asked is asked there now. */
  onUp(voice: Voice): void
}

export class Multicast {
  readonly #options: MulticastOptions
  readonly #voices = new Map<string, Voice>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: MulticastOptions) {
    this.#options = options
  }

  start(): void {
    this.#look()
    this.#timer = setInterval(() => this.#look(), look_ms)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const all = [...this.#voices.values()]
    this.#voices.clear()
    await Promise.all(all.map((voice) => voice.close()))
  }

  voices(): Voice[] {
    return [...this.#voices.values()]
  }

  #look(): void {
    const wanted = new Map(lanesOf(interfaces()).map((lane) => [lane.key, lane]))
    for (const [key, voice] of this.#voices) {
      if (wanted.has(key)) continue
      this.#voices.delete(key)
      void voice.close()
    }
    for (const [key, lane] of wanted) {
      const voice = this.#voices.get(key) ?? new Voice(lane, this.#options)
      this.#voices.set(key, voice)
      voice.look(lane)
    }
  }
}

/** One socket, on one interface, in one family. */
export class Voice {
  readonly #options: MulticastOptions
  #lane: Lane
  #socket: Socket | undefined
  /** What cannot be done, and why, by what it is. */
  readonly #failing = new Map<string, string>()
  #failures = 0
  #isTold = false

  constructor(lane: Lane, options: MulticastOptions) {
    this.#lane = lane
    this.#options = options
  }

  /** Makes good what is not as it should be. */
  look(lane: Lane): void {
    this.#lane = lane
    if (this.#socket === undefined) return this.#open(lane)
    const isNew = this.#join(this.#socket, lane)
    if (isNew || this.#failing.size > 0) this.#options.onUp(this)
  }

  send(bytes: Uint8Array): void {
    this.#socket?.send(bytes, port, this.#lane.group, (error) => this.#note('cannot send', error ?? undefined))
  }

  view(): MdnsView {
    const { interface: name, family } = this.#lane
    return { interface: name, family, ...(this.#failing.size > 0 && { trouble: this.#trouble() }) }
  }

  async close(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    await new Promise<void>((resolve) => {
      try {
        socket.close(resolve)
      } catch {
        resolve()
      }
    })
  }

  #open(lane: Lane): void {
    const isIp6 = lane.family === 'IPv6'
    const socket = createSocket({ type: isIp6 ? 'udp6' : 'udp4', reuseAddr: true, ipv6Only: isIp6 })
    this.#socket = socket
    socket.on('error', (error) => {
      void this.close() // opened again with the next look
      this.#note('cannot listen', error)
    })
    socket.on('message', (bytes, { address }) => {
      if (this.#lane.hears(address)) this.#options.onPacket(bytes, this, address)
    })
    socket.bind(port, () => {
      if (this.#socket !== socket) return
      this.#join(socket, lane)
      this.#options.onUp(this)
    })
  }

  /** @returns whether it was no member until now */
  #join(socket: Socket, { at, group }: Lane): boolean {
    try {
      socket.setMulticastTTL(hops)
      socket.setMulticastLoopback(true)
      socket.setMulticastInterface(at)
      socket.addMembership(group.split('%')[0] as string, at)
    } catch (error) {
      // It is one already; or the socket is not bound yet, and will join when it is.
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE' || code === 'EBADF') return false
      this.#note('cannot listen', error as Error)
      return false
    }
    this.#note('cannot listen', undefined)
    return true
  }

  #note(what: string, error: Error | undefined): void {
    if (error === undefined) this.#failing.delete(what)
    else this.#failing.set(what, error.message)
    this.#failures = this.#failing.size === 0 ? 0 : this.#failures + (error === undefined ? 0 : 1)
    if (this.#failures >= failuresToTell !== this.#isTold) this.#tell()
  }

  #tell(): void {
    this.#isTold = !this.#isTold
    const { interface: name, family } = this.view()
    const fields = { interface: name, family }
    if (this.#isTold) this.#options.log.warn(fields, `mDNS does not work on ${name} (${family}): ${this.#trouble()}`)
    else this.#options.log.info(fields, `mDNS works on ${name} (${family}) again`)
  }

  #trouble(): string {
    return [...this.#failing].map(([what, why]) => `${what}: ${why}`).join('; ')
  }
}
