/**
 * The room for connections that come in, until their handshake is done. Where it is full one gives way to the next, never the one
 * that comes: one of the address that has most, be they few; the oldest of those that have said nothing, else the oldest.
 * Who is cut off gets an end, not a reset, which would look as if nobody were here.
 *
 *     comes ──▶ silent ──some bytes──▶ shaking hands ──done──▶ a peer, who is none of this
 *                 │ silent_ms                │ in its turn; then the time that libp2p allows
 *                 ▼                          ▼
 *                end                        end
 *
 * A socket goes to libp2p with its first words, which whoever dials sends at once: until then it costs little. Libp2p has one limit for
 * all, which a few hundred silent sockets reach, and answers everybody beyond it with a reset.
 */
import type { Server, Socket } from 'node:net'
import { quarterOfDescriptors } from '../../config/descriptors.js'
import { isLoopback } from '../../config/values.js'
import { Tally } from '../../core/basics/tally.js'
import type { Allowances } from './allowances.js'
import { Queues } from './queues.js'

export const halfOpenLimits = {
  /** As many daemons as may start at one moment. */
  room: 512,
  /** As long as a dial may take: whoever was let wait has given up by itself. */
  silent_ms: 5_000,
  handshake_ms: 5_000,
} as const
/** Every dialler begins with more than this: with the name of its protocol, or a nonce where there is a cluster key. */
const shortestHello_bytes = 20
/**
 * What it costs to let one in and to see it out again, at the least: some of it is the work of the machine, some is cleared away later.
 * A handshake costs twice as much. So some forty come in each second, with four times as many that were saved.
 */
const entry_ms = 2

export interface HalfOpenOptions {
  readonly room?: number
  readonly silent_ms?: number
  readonly allowances: Allowances
  /** One had to go since the room was full. */
  onFull(room: number): void
  /** One said nothing for too long. */
  onSilent(): void
}

interface Held {
  readonly socket: Socket
  /** Absent for those on this machine, each of whom counts by itself. */
  readonly address: string | undefined
  /** Its address, by the same name whatever listened for it. */
  readonly place: string
  timer: NodeJS.Timeout | undefined
  /** Hands it to those who took the connections; once that is done they end it. */
  enter: (() => void) | undefined
}

export class HalfOpen {
  readonly #options: HalfOpenOptions
  readonly #room: number
  readonly #silent_ms: number
  /** Each the oldest first. */
  readonly #silent = new Map<Socket, Held>()
  readonly #shaking = new Map<Socket, Held>()
  readonly #byAddress = new Tally<string>()
  /** Those that have said something, by their address: whoever comes again and again has a turn like others. */
  readonly #entries: Queues<Held>
  #isStopped = false
  /** Whose handshake begins in this very call. */
  #entering: Socket | undefined

  constructor(options: HalfOpenOptions) {
    this.#options = options
    const { allowances } = options
    this.#entries = new Queues({
      allowanceOf: (address) => allowances.ofPlace(address),
      run: (held) => this.#enter(held),
      least_ms: entry_ms,
    })
    this.#room = options.room ?? Math.min(halfOpenLimits.room, Math.ceil(quarterOfDescriptors() / 2))
    this.#silent_ms = options.silent_ms ?? halfOpenLimits.silent_ms
  }

  get size(): number {
    return this.#silent.size + this.#shaking.size
  }

  /** Stands before those who took the connections of a server until now. */
  guard(server: Server): void {
    const takers = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', (socket) => this.#take(socket, () => takers.forEach((take) => take.call(server, socket))))
  }

  /** Keeps the place of a connection until its handshake is over. */
  async during<Result>(handshake: () => Promise<Result>): Promise<Result> {
    const socket = this.#entering
    this.#entering = undefined
    try {
      return await handshake()
    } finally {
      if (socket !== undefined) this.#leave(socket)
    }
  }

  /** From now on nobody comes in: a server does not close while it has connections. */
  stop(): void {
    this.#isStopped = true
    this.#entries.stop()
    for (const { socket, enter } of [...this.#silent.values(), ...this.#shaking.values()])
      if (enter !== undefined) this.#end(socket)
  }

  #take(socket: Socket, enter: () => void): void {
    const { remoteAddress } = socket
    if (remoteAddress === undefined || this.#isStopped) return void socket.destroy()
    if (this.size >= this.#room) this.#makeWay()
    const place = remoteAddress.replace(/^::ffff:/, '')
    const address = isLoopback(place) ? undefined : place
    const timer = setTimeout(() => this.#endSilent(socket), this.#silent_ms)
    const held: Held = { ...{ socket, address, place, timer, enter } }
    held.timer?.unref()
    this.#silent.set(socket, held)
    if (address !== undefined) this.#byAddress.add(address, 1)
    socket.on('error', ignore)
    socket.once('close', () => this.#leave(socket))
    const onReadable = (): void => {
      // Readable without anything to read is the other end's end.
      if (socket.readableLength === 0) socket.destroy()
      if (socket.readableLength < shortestHello_bytes || !this.#silent.has(socket)) return
      socket.off('readable', onReadable)
      this.#spoke(held)
      this.#entries.add(place, held)
    }
    socket.on('readable', onReadable)
  }

  #spoke(held: Held): void {
    clearTimeout(held.timer)
    held.timer = undefined
    this.#silent.delete(held.socket)
    this.#shaking.set(held.socket, held)
  }

  #enter(held: Held): void {
    const { socket, enter } = held
    held.enter = undefined
    this.#entering = socket
    try {
      enter?.()
    } catch {
      this.#end(socket) // its listener closes
    } finally {
      this.#entering = undefined
    }
  }

  #endSilent(socket: Socket): void {
    this.#options.onSilent()
    this.#end(socket)
  }

  #makeWay(): void {
    this.#options.onFull(this.#room)
    const all = [...this.#silent.values(), ...this.#shaking.values()]
    const most = all.reduce((some, { address }) => Math.max(some, this.#had(address)), 1)
    const leaving = all.find(({ address }) => this.#had(address) === most)
    if (leaving !== undefined) this.#end(leaving.socket)
  }

  #had(address: string | undefined): number {
    return address === undefined ? 1 : this.#byAddress.of(address)
  }

  /** Its close comes later, and the next one must not count on it. */
  #end(socket: Socket): void {
    this.#leave(socket)
    socket.destroy()
  }

  #leave(socket: Socket): void {
    const held = this.#silent.get(socket) ?? this.#shaking.get(socket)
    if (held === undefined) return
    clearTimeout(held.timer)
    this.#silent.delete(socket)
    this.#shaking.delete(socket)
    this.#entries.remove(held.place, held)
    if (held.address !== undefined) this.#byAddress.add(held.address, -1)
  }
}

/** Who resets a connection that is not a peer's yet tells nobody anything. */
function ignore(): void {}
