/**
 * All answers without end that are open: how many there may be, when they end, when they show signs of life.
 */
import type { FastifyInstance } from 'fastify'
import { RegistryError } from '../core/model/errors.js'
import type { Admission } from './admission.js'
import { type EventLine, lineLimits } from './event-line.js'
import { readUndelivered } from './undelivered.js'

export const streamLimits = {
  /** Each is a connection, of which there may be four times as many. */
  watchers: 1024,
  heartbeat_ms: lineLimits.heartbeat_ms,
  /** How often it is looked whether watchers are still there, and still may watch. */
  look_ms: 5000,
} as const

export interface Stream {
  readonly line: EventLine
  /** Shows that the line is open. */
  beat(): void
}

export class Streams {
  readonly #all = new Set<Stream>()
  readonly #most: number
  #timers: readonly NodeJS.Timeout[] = []
  #isClosing = false

  /** They end with the server, and when it is said anew who may watch: whoever still may comes again. */
  constructor(app: FastifyInstance, admission: Admission, most: number) {
    this.#most = most
    app.addHook('preClose', async () => this.#close())
    admission.onChange(() => this.#end())
  }

  get count(): number {
    return this.#all.size
  }

  /** @throws RegistryError `unavailable` */
  demandRoom(): void {
    if (this.#isClosing)
      throw new RegistryError('unavailable', 'events: the daemon is stopping; try another, or again later')
    if (this.#all.size < this.#most) return
    const full = `events: ${this.#most} clients are listening, and there is room for no more`
    const wayOut = 'end one, ask another daemon, or raise --max-watchers (ROLLCALL_MAX_WATCHERS)'
    throw new RegistryError('unavailable', `${full}; ${wayOut}`)
  }

  add(stream: Stream): void {
    this.#all.add(stream)
    if (this.#all.size > 1) return
    this.#timers = [
      setInterval(() => this.#all.forEach((one) => one.beat()), streamLimits.heartbeat_ms),
      setInterval(() => void this.#look(), streamLimits.look_ms),
    ]
  }

  delete(stream: Stream): void {
    this.#all.delete(stream)
    if (this.#all.size === 0) this.#timers.forEach((timer) => clearInterval(timer))
  }

  #close(): void {
    this.#isClosing = true
    this.#end()
  }

  #end(): void {
    for (const { line } of this.#all) line.end()
  }

  async #look(): Promise<void> {
    for (const { line } of this.#all) line.endUnlessPermitted()
    const undelivered = await readUndelivered()
    const now = performance.now()
    for (const { line } of this.#all) line.cutOffUnlessThere(undelivered, now)
  }
}
