/**
 * One session of a program from its first opening to its end: held open at its daemon, opened again wherever it breaks. What lives with
 * it, it does not know.
 *
 *     opening ──▶ standing ──its line breaks──▶ broken ──opened again by its secret──▶ standing
 *      ▲  │                                       │
 *      │  └─refused, and nobody relies on it──▶ over ◀── ended, from any state
 *      └───its daemon knows it no more, or is away for long and others can be asked─┘
 */
import type { RegistryError } from '../core/model/errors.js'
import { type Calls, backoff_ms } from './call.js'
import { isUnreachable, patience_ms, unreachable } from './failures.js'
import { pause } from './pause.js'
import type { RegistrationRequest } from './register.js'
import { type Opened, endSession, holdLine, isOver } from './session-line.js'

/** So long one daemon that is away is waited for, where others could be asked. */
const faith_ms = 15_000
/** Between two attempts; a line that stood for longer than the longest has begun anew. */
export const sessionPause_ms = { first: 50, longest: 2000 } as const

type State =
  | { readonly name: 'opening' }
  | { readonly name: 'standing'; readonly opened: Opened; readonly line: AbortController; readonly since: number }
  | { readonly name: 'broken'; readonly opened: Opened; readonly since: number }
  | { readonly name: 'over' }

export interface SessionLifeParts {
  readonly calls: Calls
  readonly grace: RegistrationRequest['grace']
  /** Whether anything lives with it: then it is never given up. */
  readonly isReliedOn: () => boolean
  /** It stands, until the signal aborts. Must not throw. */
  readonly onStanding: (opened: Opened, line: AbortSignal) => void
  /** It does not stand, which is mended if it can be. Must not throw. */
  readonly onTrouble: (why: Error) => void
}

export class SessionLife {
  readonly #parts: SessionLifeParts
  readonly #over = new AbortController()
  #state: State = { name: 'opening' }
  /** The next time that it stands; nothing where it is ended before. */
  #next = deferred<Opened | undefined>()
  #failures = 0
  #why: Error | undefined
  #ending: Promise<void> | undefined
  readonly #held: Promise<void>

  constructor(parts: SessionLifeParts) {
    this.#parts = parts
    this.#held = this.#hold()
  }

  get isOver(): boolean {
    return this.#state.name === 'over'
  }

  /** Where it stands now. */
  get present(): { readonly opened: Opened; readonly line: AbortSignal } | undefined {
    if (this.#state.name !== 'standing') return undefined
    const { opened, line } = this.#state
    return { opened, line: line.signal }
  }

  /**
   * @returns what stands; nothing where it was ended meanwhile
   * @throws RegistryError where it is refused, or does not stand in time; the signal's reason
   */
  async standing(signal?: AbortSignal): Promise<Opened | undefined> {
    await this.#ending?.catch(() => undefined)
    const { timeout_ms, servers } = this.#parts.calls
    const known = new AbortController()
    const limit = AbortSignal.any([known.signal, ...(signal === undefined ? [] : [signal])])
    const late = pause(timeout_ms, limit).then(() => 'late' as const)
    try {
      const stood = await Promise.race([this.#next.promise, late])
      signal?.throwIfAborted()
      if (stood !== 'late') return stood
      throw this.#why ?? unreachable(servers.current, new Error('the session does not stand'))
    } finally {
      known.abort()
    }
  }

  /** The daemon does not take it for one that stands: it is opened again. */
  doubt({ secret }: Opened, why: Error): void {
    if (this.#state.name !== 'standing' || this.#state.opened.secret !== secret) return
    this.#state.line.abort(why)
    this.#break()
  }

  /**
   * Ends it; what lives with it is removed at once. Where its daemon is away, that removes it after its grace.
   * @throws RegistryError where its daemon refuses: then it goes on
   */
  async end(): Promise<void> {
    this.#ending ??= this.#end().finally(() => (this.#ending = undefined))
    await this.#ending
    await this.#held // which waits for the end itself
  }

  async #end(): Promise<void> {
    if ('opened' in this.#state) {
      await endSession(this.#parts.calls, this.#state.opened).catch((error: unknown) => {
        if (!isUnreachable(error) && !isOver(error)) throw error
      })
    }
    this.#finish()
  }

  /** Lets go of it: its daemon ends it after its grace. */
  async abandon(): Promise<void> {
    this.#finish()
    await this.#held
  }

  #finish(why?: Error): void {
    if (this.#state.name === 'standing') this.#next = deferred()
    if (why === undefined) this.#next.resolve(undefined)
    else this.#next.reject(why)
    this.#state = { name: 'over' }
    this.#over.abort()
  }

  // ---- one line after the other

  async #hold(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      const { server, failure } = await this.#once()
      await this.#ending?.catch(() => undefined)
      if (signal.aborted) return
      await pause(this.#failed(server, failure), signal)
    }
  }

  /** One line from its opening on. @returns why it broke */
  async #once(): Promise<{ readonly server: string; readonly failure: RegistryError }> {
    const { calls, grace } = this.#parts
    const known = 'opened' in this.#state ? this.#state.opened : undefined
    const server = known?.server ?? calls.servers.current
    const line = new AbortController()
    const onOver = (): void => line.abort()
    this.#over.signal.addEventListener('abort', onOver, { once: true })
    const opening = { server, secret: known?.secret, grace }
    const failure = await holdLine(calls, opening, { line, onOpened: (opened) => this.#stand(opened, line) })
    this.#over.signal.removeEventListener('abort', onOver)
    return { server, failure }
  }

  #stand(opened: Opened, line: AbortController): void {
    if (this.#state.name === 'over') return
    this.#state = { name: 'standing', opened, line, since: performance.now() }
    this.#why = undefined
    this.#next.resolve(opened)
    this.#parts.onStanding(opened, line.signal)
  }

  #break(): void {
    if (this.#state.name !== 'standing') return
    const { opened, since } = this.#state
    const now = performance.now()
    if (now - since > sessionPause_ms.longest) this.#failures = 0
    this.#state = { name: 'broken', opened, since: now }
    this.#next = deferred()
  }

  /** What follows from a failure. @returns how long to wait until the next attempt, never nothing */
  #failed(server: string, failure: RegistryError): number {
    this.#break()
    this.#failures += 1
    this.#why = failure
    const asked_ms = patience_ms(failure)
    const wasKnown = this.#state.name === 'broken'
    const isForgotten = wasKnown && isOver(failure)
    if (!isForgotten && this.#isHopeless(asked_ms)) {
      this.#finish(failure)
      return 0
    }
    this.#parts.onTrouble(failure)
    if (isForgotten) {
      this.#state = { name: 'opening' }
      return backoff_ms(1, sessionPause_ms) // the new one is what was waited for
    }
    if (asked_ms === undefined) this.#refuseWaiting(failure)
    this.#goElsewhere(server, asked_ms !== undefined)
    return Math.max(asked_ms ?? 0, backoff_ms(this.#failures, sessionPause_ms))
  }

  /** Nobody relies on it, and asking again would bring the same, or was tried as often as a call is. */
  #isHopeless(asked_ms: number | undefined): boolean {
    const { calls, isReliedOn } = this.#parts
    if (isReliedOn()) return false
    return asked_ms === undefined || (this.#state.name === 'opening' && this.#failures >= calls.attempts)
  }

  #refuseWaiting(why: Error): void {
    this.#next.reject(why)
    this.#next = deferred()
  }

  /** A new one may be opened anywhere; what is known at one daemon is given up only where others can be asked. */
  #goElsewhere(server: string, isAway: boolean): void {
    const { servers } = this.#parts.calls
    if (this.#state.name === 'broken') {
      if (servers.all.length < 2 || performance.now() - this.#state.since <= faith_ms) return
      this.#state = { name: 'opening' }
    } else if (!isAway) return
    servers.failed(server)
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (why: unknown) => void
}

function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }))
  promise.catch(() => undefined) // whoever waits is told
  return { promise, ...(settle as unknown as Omit<Deferred<T>, 'promise'>) }
}
