/**
 * Connections of those who ask by TCP: how many there may be, each read as fast as it takes its answers.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { isLoopback } from '../config.js'
import { quarterOfDescriptors } from '../config/descriptors.js'
import { sourceOf } from '../core/model/host.js'
import type { Limits } from './limits.js'
import { packetLimits } from './packets.js'
import type { Responder } from './responder.js'

export const connectionLimits = {
  /** In all. Beyond that whoever was silent for longest gives way. */
  all: 256,
  /** From one machine elsewhere. */
  perSource: 32,
  /** Without a byte either way: RFC 7766, 6.2.3 leaves it to us. */
  silence_ms: 10_000,
} as const

/** How long one waits who has asked for more than a source may. */
const pause_ms = 100
const lengthBytes = 2

export class Connections {
  readonly #responder: Responder
  readonly #limits: Limits
  readonly #room = Math.min(connectionLimits.all, quarterOfDescriptors())
  /** Each with where it comes from; whoever asked last comes last. */
  readonly #open = new Map<Socket, string>()
  readonly #servers = new Set<Server>()

  constructor(responder: Responder, limits: Limits) {
    this.#responder = responder
    this.#limits = limits
  }

  /** At one address more. Rejects as `listen` of the system fails. */
  async listen(host: string, port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => void this.#serve(socket))
    server.maxConnections = this.#room + 1 // the one that comes, while another one goes
    server.listen({ host, port })
    await once(server, 'listening')
    server.on('error', () => this.#responder.drop('a connection failed'))
    this.#servers.add(server)
  }

  async stop(): Promise<void> {
    const servers = [...this.#servers]
    this.#servers.clear()
    for (const socket of this.#open.keys()) socket.destroy()
    await Promise.all(servers.map((one) => new Promise<void>((resolve) => void one.close(() => resolve()))))
  }

  async #serve(socket: Socket): Promise<void> {
    const source = sourceOf(socket.remoteAddress ?? '')
    socket.on('error', () => undefined) // its close says all
    if (this.#servers.size === 0 || !this.#makeRoom(source)) return void socket.destroy()
    this.#open.set(socket, source)
    socket.once('close', () => this.#open.delete(socket))
    socket.setTimeout(connectionLimits.silence_ms, () => socket.destroy())
    try {
      await this.#answerAll(socket, source)
    } catch {
      // It was cut off: by the other end, by the silence, by our own.
    } finally {
      socket.destroySoon()
    }
  }

  #makeRoom(source: string): boolean {
    const isFromElsewhere = !isLoopback(source)
    const same = [...this.#open.values()].filter((one) => one === source).length
    if (isFromElsewhere && same >= connectionLimits.perSource) return false
    const [oldest] = this.#open.keys()
    if (this.#open.size < this.#room || oldest === undefined) return true
    this.#open.delete(oldest)
    oldest.destroy()
    return true
  }

  /** One question after the other. Ends with what is none. */
  async #answerAll(socket: Socket, source: string): Promise<void> {
    let held = Buffer.alloc(0)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      held = Buffer.concat([held, chunk])
      for (;;) {
        if (held.length < lengthBytes) break
        const end = lengthBytes + held.readUInt16BE(0)
        if (end > lengthBytes + packetLimits.questionBytes) return this.#responder.drop('too long')
        if (held.length < end) break
        while (this.#limits.admit(source, performance.now()) !== 'answer') {
          await pause(pause_ms)
          if (socket.destroyed) return
        }
        const answer = await this.#responder.respond(held.subarray(lengthBytes, end), { isTcp: true })
        if (answer === undefined || !(await this.#write(socket, answer))) return
        held = held.subarray(end)
      }
    }
  }

  /** Resolves once there is room for the next answer. @returns whether it is still there */
  async #write(socket: Socket, answer: Uint8Array): Promise<boolean> {
    if (socket.destroyed) return false
    if (this.#open.delete(socket)) this.#open.set(socket, sourceOf(socket.remoteAddress ?? '')) // last in the order
    const frame = Buffer.allocUnsafe(lengthBytes + answer.length)
    frame.writeUInt16BE(answer.length, 0)
    frame.set(answer, lengthBytes)
    if (socket.write(frame)) return true
    await new Promise<void>((resolve) => {
      const end = (): void => {
        socket.off('drain', end).off('close', end)
        resolve()
      }
      socket.once('drain', end).once('close', end)
    })
    return !socket.destroyed
  }
}
