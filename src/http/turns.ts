/**
 * Calls whose answers grow with the register are made in turns: whoever asks for many at once waits for them himself. Half of this
 * daemon's time is left to the others.
 */
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RegistryError } from '../core/model/errors.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Where to answer takes the longer the more is registered: with what it takes turns. */
    readonly turn?: (request: FastifyRequest) => TurnsOf | undefined
  }
  interface FastifyInstance {
    /** For what is made once something else has been waited for: the turn of its call is over by then. */
    readonly turns: Readonly<Record<TurnsOf, Turns>>
  }
}

/** Each of them has turns of its own: no list keeps a pick waiting. */
export type TurnsOf = 'lists' | 'picks' | 'bodies'

export const asList = { turn: (): TurnsOf => 'lists' } as const

/** Without a query it is answered with what is kept. */
export const asPick = {
  turn: ({ url }: FastifyRequest): TurnsOf | undefined => (url.includes('?') ? 'picks' : undefined),
}

export const callTurnLimits = {
  /** Work that may be done at once; beyond, as much rest as work. */
  burst_ms: 20,
  /** What takes less is none of this. */
  small_ms: 1,
  /** Of a larger body it takes long to find out what is wrong with it. */
  body_bytes: 64 * 1024,
  /** Calls of one connection that wait, of all, and what they have brought along. */
  each: 512,
  all: 2048,
  bytes: 64 * 1024 * 1024,
  /** Who has waited for so long is refused. */
  patience_ms: 10_000,
} as const

type Caller = Pick<Socket, 'destroyed'>

interface Waiting {
  readonly begin: () => void
  readonly refuse: (error: RegistryError) => void
  readonly since: number
  readonly bytes: number
}

export class Turns {
  readonly #now: () => number
  /** By their connections, each of which has one turn after the other. */
  readonly #waiting = new Map<Caller, Waiting[]>()
  #size = 0
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #debt_ms = 0
  #asOf: number

  /** @param now milliseconds on a clock that never steps */
  constructor(now = () => performance.now()) {
    this.#now = now
    this.#asOf = now()
  }

  /**
   * @param begin does the work, in the turn in which it is called: now where nobody waits and there was a rest, else later, or never where
   * its caller is gone by then
   * @param refuse called instead where it has waited for too long
   * @param bytes that are held until then
   * @throws RegistryError `unavailable` where too many wait
   */
  take(caller: Caller, begin: () => void, refuse: Waiting['refuse'], bytes = 0): void {
    if (this.#size === 0 && this.#owed() < callTurnLimits.burst_ms) return this.#work(begin)
    const own = this.#waiting.get(caller) ?? []
    if (
      own.length >= callTurnLimits.each ||
      this.#size >= callTurnLimits.all ||
      this.#bytes + bytes > callTurnLimits.bytes
    )
      throw this.#tooMany()
    own.push({ begin, refuse, since: this.#now(), bytes })
    this.#waiting.set(caller, own)
    this.#size += 1
    this.#bytes += bytes
    this.#wait()
  }

  /** The same for what is made at one go. Of a caller who is gone nobody waits for it. */
  made<T>(caller: Caller, make: () => T, bytes: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        try {
          resolve(make())
        } catch (error) {
          reject(error as Error)
        }
      }
      this.take(caller, begin, reject, bytes)
    })
  }

  #work(begin: () => void): void {
    const begun = this.#now()
    try {
      begin()
    } finally {
      const took = this.#now() - begun
      const owed = this.#owed(begun)
      this.#asOf = this.#now()
      this.#debt_ms = owed + (took < callTurnLimits.small_ms ? 0 : took)
    }
  }

  #owed(now = this.#now()): number {
    return Math.max(0, this.#debt_ms - (now - this.#asOf))
  }

  #wait(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        this.#goOn()
      },
      Math.max(1, this.#owed() - callTurnLimits.burst_ms),
    ).unref()
  }

  #goOn(): void {
    try {
      while (this.#size > 0 && this.#owed() < callTurnLimits.burst_ms) this.#next()
    } finally {
      if (this.#size > 0) this.#wait()
    }
  }

  #next(): void {
    const [caller, own] = this.#waiting.entries().next().value as [Caller, Waiting[]]
    this.#waiting.delete(caller)
    const turns = own.splice(0, caller.destroyed ? own.length : 1)
    for (const { bytes } of turns) this.#bytes -= bytes
    this.#size -= turns.length
    if (own.length > 0) this.#waiting.set(caller, own) // behind all others
    const [turn] = turns
    if (turn === undefined || caller.destroyed) return
    if (this.#now() - turn.since > callTurnLimits.patience_ms) turn.refuse(this.#tooMany())
    else this.#work(turn.begin)
  }

  #tooMany(): RegistryError {
    return new RegistryError('unavailable', `${this.#size} questions of this kind wait already; ask again in a moment`)
  }
}

/** Has to come before the routes. */
export function takeTurns(app: FastifyInstance): void {
  const turns: Readonly<Record<TurnsOf, Turns>> = { lists: new Turns(), picks: new Turns(), bodies: new Turns() }
  app.decorate('turns', turns)
  app.addHook('preHandler', (request, reply, done) => {
    const those = turnsOf(request)
    if (those === undefined) return done()
    try {
      // Its time may be over: then it is answered.
      const begin = (): void => void (reply.sent || done())
      turns[those].take(request.socket, begin, (error) => void (reply.sent || done(error)))
    } catch (error) {
      done(error as RegistryError)
    }
  })
}

function turnsOf(request: FastifyRequest): TurnsOf | undefined {
  const { routeOptions, headers } = request
  const isLarge = Number(headers['content-length'] ?? 0) > callTurnLimits.body_bytes
  return routeOptions.config.turn?.(request) ?? (isLarge ? 'bodies' : undefined)
}
