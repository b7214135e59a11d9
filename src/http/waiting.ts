/**
 * The bytes of answers that wait for callers to take them: how many there may be, how long they may wait untouched. It makes none.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { RegistryError } from '../core/model/errors.js'
import { SharedBytes } from './shared-bytes.js'

export const waitingLimits = {
  /** In all; bytes that several callers wait for count once. One answer may be larger, where none waits. */
  bytes: 64 * 1024 * 1024,
  /** Answers up to this size are not watched: there cannot be more of them than connections. */
  small_bytes: 64 * 1024,
  /** Whoever takes nothing for so long is cut off. */
  untaken_ms: 15_000,
  look_ms: 2500,
} as const

export type WaitingLimits = { readonly [name in keyof typeof waitingLimits]: number }

interface Taking {
  readonly body: object
  sent_bytes: number
  since: number
}

export class WaitingAnswers {
  readonly #limits: WaitingLimits
  readonly #takers = new Map<ServerResponse, Taking>()
  readonly #bodies = new SharedBytes<object>()

  constructor(app: FastifyInstance, limits: WaitingLimits = waitingLimits) {
    this.#limits = limits
    const timer = setInterval(() => this.#look(performance.now()), limits.look_ms)
    timer.unref()
    app.addHook('onClose', async () => clearInterval(timer))
    // What the framework sends is the caller's own, and is made by now.
    app.addHook('onSend', async (_request, reply, payload: unknown) => {
      if (typeof payload !== 'string' || payload.length <= limits.small_bytes) return payload
      const bytes = Buffer.from(payload)
      this.add(reply.raw, bytes, bytes.length)
      return bytes
    })
  }

  get bytes(): number {
    return this.#bodies.total
  }

  /**
   * To be called before a large answer is made.
   * @throws RegistryError `unavailable`
   */
  demandRoom(): void {
    if (this.bytes < this.#limits.bytes) return
    throw this.#full()
  }

  /**
   * @param body what is shared, where it is
   * @throws RegistryError `unavailable` where it does not fit beside those that wait
   */
  add(response: ServerResponse, body: object, bytes: number): void {
    if (bytes <= this.#limits.small_bytes) return
    if (response.closed) return // while its token was looked at: nobody would ever tell that it is taken
    if (!this.#bodies.has(body) && this.bytes > 0 && this.bytes + bytes > this.#limits.bytes) throw this.#full()
    this.#bodies.add(body, bytes)
    this.#takers.set(response, { body, sent_bytes: -1, since: performance.now() })
    response.once('close', () => this.#taken(response))
  }

  #taken(response: ServerResponse): void {
    const taking = this.#takers.get(response)
    if (taking === undefined) return
    this.#takers.delete(response)
    this.#bodies.remove(taking.body)
  }

  #look(now: number): void {
    for (const [response, taking] of this.#takers) {
      // Behind others on its connection it has no socket, and waits for what is taken before it.
      const { socket } = response
      if (socket === null) continue
      const sent = socket.bytesWritten - socket.writableLength
      if (sent !== taking.sent_bytes) {
        taking.sent_bytes = sent
        taking.since = now
      } else if (now - taking.since >= this.#limits.untaken_ms) socket.destroy()
    }
  }

  #full(): RegistryError {
    const why = `answers of ${this.#limits.bytes} bytes wait for callers who do not take them`
    return new RegistryError('unavailable', `${why}; ask again in a moment, for less (slug=…), or another daemon`)
  }
}
