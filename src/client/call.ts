/**
 * One call to a daemon, asked again where that may help but do no harm. It has a number of attempts and a time.
 */
import { refuseUnknown } from '../config/nearest.js'
import { RegistryError, messageOf } from '../core/model/errors.js'
import { freshnessHeader, readFreshness } from '../config/freshness.js'
import { positionHeader } from '../config/position.js'
import { onAbort } from './aborting.js'
import { textOfAnswer } from './answer-text.js'
import { isUnreachable, Late, neverArrived, patience_ms, refusal, unreachable } from './failures.js'
import { pause, untilAborted } from './pause.js'
import type { Freshness } from '../core/views.js'
import type { Positioned } from './register.js'
import { Servers } from './servers.js'

export interface CallsOptions {
  readonly server?: string
  readonly servers?: readonly string[]
  readonly token?: string
  readonly fetch?: typeof fetch
  readonly timeout_ms?: number
  readonly attempts?: number
}

export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'

export interface CallDetails {
  readonly body?: unknown
  /** Recognises an answer of status 503 that is no failure of the call. */
  readonly accept?: (answer: unknown) => boolean
  /** Must not be asked twice. */
  readonly once?: true
  /** The one server that can answer it; else whichever does. */
  readonly at?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Ends the call, which then rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

export type Call = <T>(method: Method, path: string, details?: CallDetails) => Promise<T>

/** What a daemon said, and how far that goes. */
interface Answer {
  readonly said: unknown
  /** What stands in its headers. */
  readonly beside?: Positioned & Freshness
}

const longestTimeout_ms = 2 ** 31 - 1
const defaults = { timeout_ms: 10_000, attempts: 3 } as const
/** Between two rounds over all servers; doubles with each round. */
const pause_ms = { first: 100, longest: 2000 } as const

/** One request, but for what all have in common. */
interface Sending {
  readonly signal: AbortSignal
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** What the calls of one client share. */
export class Calls {
  readonly servers: Servers
  readonly timeout_ms: number
  readonly attempts: number
  readonly #fetch: typeof fetch
  readonly #credentials: Readonly<Record<string, string>>

  constructor(options: CallsOptions) {
    this.servers = new Servers(options)
    this.timeout_ms = options.timeout_ms ?? defaults.timeout_ms
    this.attempts = options.attempts ?? Math.max(defaults.attempts, this.servers.all.length)
    // Timers know no time beyond that, and end at once instead.
    if (!Number.isFinite(this.timeout_ms) || this.timeout_ms <= 0 || this.timeout_ms > longestTimeout_ms) {
      throw new RegistryError(
        'malformed',
        `timeout_ms: must be above 0, and at most ${longestTimeout_ms} (milliseconds)`,
      )
    }
    if (!Number.isInteger(this.attempts) || this.attempts < 1) {
      throw new RegistryError('malformed', 'attempts: must be a whole number from 1 on; 1 asks once')
    }
    this.#fetch = options.fetch ?? fetch
    this.#credentials = credentialsOf(options.token)
  }

  send(server: string, method: Method, path: string, init: Sending): Promise<Response> {
    const headers = { ...this.#credentials, ...init.headers }
    return this.#fetch(`${server}${path}`, { method, redirect: 'error', ...init, headers })
  }

  readonly call: Call = async <T>(method: Method, path: string, details: CallDetails = {}): Promise<T> =>
    (await untilAborted(details.signal, () => this.#call(method, path, details))).said as T

  /** The same of what carries the position of the news that it includes. */
  readonly positioned = async <T extends object>(
    method: Method,
    path: string,
    details: CallDetails = {},
  ): Promise<T & Positioned> => {
    const { said, beside } = await untilAborted(details.signal, () => this.#call(method, path, details))
    return { ...(said as T), ...beside }
  }

  async #call(method: Method, path: string, details: CallDetails): Promise<Answer> {
    const { body: _body, accept: _accept, once: _once, at, headers: _headers, ...options } = details
    const servers = at === undefined ? this.servers.all.length : 1
    refuseUnknown(options, ['signal'], 'option')
    const deadline = performance.now() + this.timeout_ms
    const failures = new Map<string, string>()
    let mayBeDone = false
    for (let made = 1; ; made += 1) {
      const server = at ?? this.servers.current
      try {
        const limit_ms = share_ms(made, servers, deadline)
        return await this.#ask(server, method, path, { ...details, limit_ms })
      } catch (error) {
        details.signal?.throwIfAborted()
        // An attempt before, whose answer never came, may well have removed it; it is gone in any case.
        if (mayBeDone && method === 'DELETE' && isNotFound(error)) return { said: undefined }
        mayBeDone ||= !neverArrived(error)
        failures.set(server, messageOf(error))
        const pause_ms =
          details.once === true || made >= this.attempts ? undefined : pauseAfter_ms(error, made, servers)
        if (pause_ms === undefined || performance.now() + pause_ms >= deadline) throw summary(error, failures)
        this.servers.failed(server)
        await pause(pause_ms, details.signal)
        details.signal?.throwIfAborted()
      }
    }
  }

  async #ask(
    server: string,
    method: Method,
    path: string,
    { body, accept, limit_ms, signal, headers }: CallDetails & { readonly limit_ms: number },
  ): Promise<Answer> {
    const { response, text } = await this.#exchange(server, limit_ms, signal, async (signal) => {
      const content =
        body === undefined
          ? { headers }
          : { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } }
      const response = await this.send(server, method, path, { signal, ...content })
      return { response, text: await textOfAnswer(response, signal) }
    })
    const { status } = response
    if (status === 204) return { said: undefined }
    const answer = parseAnswer(text, server, status)
    if (status < 300 || (status === 503 && accept?.(answer) === true)) {
      const position = response.headers.get(positionHeader)
      const freshness = readFreshness(response.headers.get(freshnessHeader))
      return { said: answer, beside: { ...(position !== null && { position }), ...freshness } }
    }
    throw refusal(response, answer, `${server} answered ${status} to ${method} ${path}`)
  }

  /**
   * The timer holds the process, unlike that of `AbortSignal.timeout`: Node 20's fetch overlooks a connection that is closed
   * before the first byte, waits on with nothing left to wait for, and a program that awaits it would just end. It also forgets
   * its signal once the garbage collector has taken the request, so the time is watched here as well.
   */
  async #exchange<T>(
    server: string,
    limit_ms: number,
    signal: AbortSignal | undefined,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const abort = new AbortController()
    const unlisten = signal && onAbort(signal, () => abort.abort(signal.reason))
    const late = new Late(`no answer in ${Math.round(limit_ms) / 1000} s`)
    const timer = setTimeout(() => abort.abort(late), limit_ms)
    const expired = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => reject(late), { once: true })
    })
    try {
      return await Promise.race([attempt(abort.signal), expired])
    } catch (error) {
      throw unreachable(server, error)
    } finally {
      clearTimeout(timer)
      unlisten?.()
    }
  }
}

/** The time that is left, divided by the servers that have not been asked in this round. */
function share_ms(made: number, servers: number, deadline: number): number {
  return Math.max(1, (deadline - performance.now()) / (servers - ((made - 1) % servers)))
}

/** @returns undefined where asking again is no use */
function pauseAfter_ms(error: unknown, made: number, servers: number): number | undefined {
  const asked_ms = patience_ms(error)
  if (asked_ms === undefined) return undefined
  return made % servers === 0 ? Math.max(asked_ms, backoff_ms(made / servers)) : 0
}

/** @param round counted from 1. Half of it is chance, so that many clients do not come back at once. */
export function backoff_ms(round: number, { first, longest } = pause_ms as { first: number; longest: number }): number {
  const whole = Math.min(longest, first * 2 ** (round - 1))
  return whole / 2 + (Math.random() * whole) / 2
}

/** Of several servers that nobody answers at, all are named. */
function summary(error: unknown, failures: ReadonlyMap<string, string>): unknown {
  if (failures.size < 2 || !isUnreachable(error)) return error
  return new RegistryError('unavailable', [...failures.values()].join('; '), { cause: (error as Error).cause })
}

/** @throws RegistryError `malformed`, which does not repeat the token */
function credentialsOf(token: string | undefined): Readonly<Record<string, string>> {
  if (token === undefined) return {}
  if (/^[\x21-\x7e]+$/.test(token)) return { authorization: `Bearer ${token}` }
  throw new RegistryError('malformed', 'token: must be printable ASCII without spaces, as it has to fit into a header')
}

function isNotFound(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'not-found'
}

export function parseAnswer(text: string, server: string, status: number): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RegistryError('unavailable', `${server} is no Rollcall daemon: it answered ${status} without JSON`, {
      cause,
    })
  }
}
