/**
 * `fetch` for services: from `rollcall://SLUG/path` to the answer of one of its instances, by way of another one where the first does not
 * answer. What is asked, and what is answered, it leaves as it is.
 */
import { RegistryError } from '../../core/errors.js'
import type { Whereabouts } from '../../core/lookup/candidates.js'
import { Chooser, type Listed, type PickQuery } from '../../core/lookup/chooser.js'
import { type InstanceView, atPort } from '../../core/views.js'
import { pause } from '../pause.js'
import { readingOf } from '../reading.js'
import { Callee } from './callee.js'
import { tell } from './diagnostics.js'
import { type CallInit, type FetchOptions, type Manner, mannerOf } from './options.js'
import { type Asked, type Failure, failureOf, isRefusal, mayRepeat } from './outcome.js'
import { type Target, targetOf, urlAt } from './target.js'

/** Where instances come from. */
export interface Source {
  /** Undefined where nothing has that slug. */
  listed(slug: string): Listed<InstanceView> | undefined | Promise<Listed<InstanceView> | undefined>
  /** What such a pick goes by is known afterwards. */
  prepare(query: PickQuery): void | Promise<void>
  here(): Whereabouts
  /** An instance does not answer here: its home node is to look at it. Never throws. */
  suspect(id: string): void
}

/** What the machine gives; of tests, what the test does. */
export interface Platform {
  readonly fetch: typeof fetch
  /** Milliseconds on a clock that never steps. */
  readonly now: () => number
  readonly random: () => number
  readonly pause: typeof pause
}

export const machine: Omit<Platform, 'fetch'> = { now: () => performance.now(), random: Math.random, pause }

/** Services that are remembered; beyond it the one that was first asked for is forgotten. */
export const slugLimit = 1000

/** One call, with all of its attempts. */
interface Call extends Asked {
  readonly target: Target
  readonly manner: Manner
  readonly callee: Callee
  readonly signal: AbortSignal | undefined
  readonly deadline: number
  /** Sends it there. */
  readonly send: (url: string, signal: AbortSignal) => Promise<Response>
}

/** One attempt that did not give what was asked for. */
interface Failed {
  readonly failure: Failure
  /** Of an instance that refuses. */
  readonly response?: Response
  readonly error?: unknown
  /** Another attempt is allowed already. */
  readonly isCounted?: boolean
}

export class Fetching {
  readonly #source: Source
  readonly #platform: Platform
  readonly #callees = new Map<string, Callee>()
  readonly #chooser: Chooser<InstanceView>

  constructor(source: Source, platform: Platform) {
    this.#source = source
    this.#platform = platform
    this.#chooser = new Chooser(
      readingOf(() => source.here()),
      Math.floor(platform.random() * 2 ** 32),
    )
  }

  /** @throws RegistryError `malformed`, naming the option */
  create(options?: FetchOptions): typeof fetch {
    const manner = mannerOf(options)
    return async (input, init) => {
      const target = targetOf(input)
      if (target === undefined) return this.#platform.fetch(input, init)
      return this.#run(this.#callOf(input, init, target, manner))
    }
  }

  /** What is listed of a service, with those last that calls have left out at present: for who picks, and calls by other means. */
  considered(slug: string, listed: Listed<InstanceView>): Listed<InstanceView> {
    return this.#calleeOf(slug).considered(listed, this.#platform.now())
  }

  /** Somebody who calls by other means says that it did not answer: it is left out as if calls from here had failed. */
  suspected(id: string): void {
    const now = this.#platform.now()
    for (const [slug, callee] of this.#callees)
      if (callee.suspected(id, now) === 'ejected') tell('ejected', { slug, id })
  }

  #callOf(input: string | URL | Request, init: CallInit = {}, target: Target, given: Manner): Call {
    const { idempotent = false, key, ...rest } = init
    const manner = key === undefined ? given : { ...given, query: { ...given.query, key } }
    const { fetch, now } = this.#platform
    const request = input instanceof Request ? new Request(input, rest) : undefined
    const headers = request?.headers ?? new Headers(rest.headers)
    return {
      target,
      manner,
      callee: this.#calleeOf(target.slug),
      method: (request?.method ?? rest.method ?? 'GET').toUpperCase(),
      isRepeatable: request !== undefined || isRepeatable(rest.body),
      isIdempotent: idempotent || headers.has('idempotency-key'),
      signal: request?.signal ?? rest.signal ?? undefined,
      deadline: now() + manner.timeout_ms,
      send: (url, signal) =>
        request === undefined ? fetch(url, { ...rest, signal }) : fetch(new Request(url, request.clone()), { signal }),
    }
  }

  async #run(call: Call): Promise<Response> {
    const { callee, manner, target, signal } = call
    const { now } = this.#platform
    signal?.throwIfAborted()
    callee.budget.call(now())
    if (manner.query !== undefined) await this.#source.prepare(manner.query)
    const asked: string[] = []
    for (let made = 1; ; made += 1) {
      const listed = await this.#source.listed(target.slug)
      signal?.throwIfAborted()
      const { id, url } = this.#choose(call, listed, asked)
      asked.push(id)
      const isLast = made >= manner.attempts
      const failed = await this.#attempt(call, { id, url, made, isLast })
      if (failed instanceof Response) return failed
      if (isLast || !this.#mayGoOn(call, failed)) return answerOf(failed)
      void failed.response?.body?.cancel().catch(() => undefined)
      if (failed.failure !== 'not-sent') await this.#platform.pause(this.#pause_ms(manner, made), signal)
      signal?.throwIfAborted()
    }
  }

  /** @throws RegistryError `not-found` where there is nobody to ask */
  #choose(
    { target, manner: { query }, callee }: Call,
    listed: Listed<InstanceView> | undefined,
    asked: readonly string[],
  ): { readonly id: string; readonly url: string } {
    const { slug } = target
    const now = this.#platform.now()
    if (listed === undefined) throw new RegistryError('not-found', `slug: nothing is registered as ${slug}`)
    const loadOf = (view: InstanceView): number => callee.loadOf(view, now)
    const usualLoad = (): number | undefined => callee.usualLoad(now)
    const considered = callee.considered(listed, now)
    const choose = (how: PickQuery | undefined): InstanceView | undefined =>
      this.#chooser.choose(slug, considered, how, loadOf, usualLoad)
    const view = (asked.length > 0 ? choose({ ...query, exclude: asked }) : undefined) ?? choose(query)
    if (view === undefined)
      throw new RegistryError('unavailable', `slug: no instance of ${slug} can be called; ask: rollcall why ${slug}`)
    const at = query?.port === undefined ? view : atPort(view, query.port)
    const url = at && urlAt(at.url, target)
    if (url === undefined)
      throw new RegistryError('conflict', `url: ${view.id} is at ${view.url}, which is not called by HTTP`)
    return { id: view.id, url }
  }

  async #attempt(
    call: Call,
    {
      id,
      url,
      made,
      isLast,
    }: { readonly id: string; readonly url: string; readonly made: number; readonly isLast: boolean },
  ): Promise<Response | Failed> {
    const { callee, deadline, signal, manner, target } = call
    const { now } = this.#platform
    const begun = now()
    const abort = new AbortController()
    const patience_ms = manner.attemptTimeout_ms ?? callee.patience_ms(begun)
    const given = { isCounted: false }
    const over = setTimeout(() => abort.abort(lateError(manner.timeout_ms)), Math.max(0, deadline - begun))
    // Only where another one may be asked: else it is waited for, as it may answer yet.
    const late = isLast
      ? undefined
      : setTimeout(() => {
          if (!mayRepeat(call, 'lost') || !callee.budget.retry(now(), manner.retryShare)) return
          given.isCounted = true
          abort.abort(lateError(patience_ms))
        }, patience_ms)
    callee.begin(id, begun)
    const toldOf = { slug: target.slug, id, url, method: call.method, attempt: made }
    const took = (): number => now() - begun
    try {
      const both = signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal])
      const response = await call.send(url, both)
      tell('attempt', { ...toldOf, status: response.status, duration_ms: took() })
      if (!isRefusal(response)) {
        this.#note(call, id, callee.answered(id, now(), took()))
        return response
      }
      this.#note(call, id, callee.failed(id, now(), took()))
      return { failure: 'refused', response }
    } catch (error) {
      tell('attempt', { ...toldOf, error, duration_ms: took() })
      if (signal?.aborted === true) {
        callee.givenUp(id, now())
        throw signal.reason
      }
      const isLate = abort.signal.aborted
      this.#note(call, id, isLate ? callee.late(id, now(), took()) : callee.failed(id, now(), took()))
      if (isLate) return { failure: 'lost', error: abort.signal.reason, ...given }
      return { failure: failureOf(error), error }
    } finally {
      clearTimeout(over)
      clearTimeout(late)
    }
  }

  #note({ target: { slug } }: Call, id: string, turn: 'ejected' | 'restored' | undefined): void {
    if (turn === undefined) return
    tell(turn, { slug, id })
    if (turn === 'ejected') this.#source.suspect(id)
  }

  #mayGoOn(call: Call, { failure, isCounted = false }: Failed): boolean {
    const now = this.#platform.now()
    if (!mayRepeat(call, failure) || now >= call.deadline) return false
    return isCounted || call.callee.budget.retry(now, call.manner.retryShare)
  }

  #pause_ms({ backoff_ms }: Manner, made: number): number {
    const whole = backoff_ms * 2 ** (made - 1)
    return whole / 2 + (this.#platform.random() * whole) / 2
  }

  #calleeOf(slug: string): Callee {
    const known = this.#callees.get(slug)
    if (known !== undefined) return known
    const callee = new Callee()
    this.#callees.set(slug, callee)
    const oldest = this.#callees.size > slugLimit ? (this.#callees.keys().next().value as string) : undefined
    if (oldest !== undefined) {
      this.#callees.delete(oldest)
      this.#chooser.forget(oldest)
    }
    return callee
  }
}

/** What the last one said is what the caller gets, as from any fetch. */
function answerOf({ response, error }: Failed): Response {
  if (response !== undefined) return response
  throw error
}

function lateError(limit_ms: number): DOMException {
  return new DOMException(`no answer in ${Math.round(limit_ms)} ms`, 'TimeoutError')
}

/** A stream can be read once. */
function isRepeatable(body: unknown): boolean {
  if (body === null || body === undefined || typeof body === 'string') return true
  return [ArrayBuffer, Blob, FormData, URLSearchParams].some((type) => body instanceof type) || ArrayBuffer.isView(body)
}
