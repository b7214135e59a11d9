/**
 * `fetch` for services: from `rollcall://SLUG/path` to the answer of one of its instances, by way of another one where the first does not
 * answer. What is asked, and what is answered, it leaves as it is.
 */
import { BoundedMap } from '../../core/basics/bounded-map.js'
import { RegistryError } from '../../core/model/errors.js'
import { shownUrl } from '../../core/model/url.js'
import type { Whereabouts } from '../../core/lookup/candidates.js'
import { Chooser, type Listed, type PickQuery } from '../../core/lookup/chooser.js'
import { shellWord } from '../../core/words/shell.js'
import { type InstanceView, atPort } from '../../core/views.js'
import type { CallCounts } from '../../metrics/calls.js'
import { pause, untilAborted } from '../pause.js'
import { readingOf } from '../reading.js'
import { Callee } from './callee.js'
import { tell } from './diagnostics.js'
import { follow, isHeldBy } from './following.js'
import { type CallInit, type FetchOptions, type Manner, mannerOf } from './options.js'
import { type Asked, type Failure, failureOf, isRefusal, mayRepeat } from './outcome.js'
import { sendableOf } from './sendable.js'
import { type Target, isHttp, targetOf, urlAt } from './target.js'
import { lateError, networkError, timeoutError } from './unanswered.js'

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

/** Services that are remembered; beyond it the one that was not asked for longest is forgotten. */
export const slugLimit = 1000

/** One call, with all of its attempts. */
interface Call extends Asked {
  readonly target: Target
  readonly manner: Manner
  readonly callee: Callee
  readonly init: RequestInit
  /** Of its caller. */
  readonly signal: AbortSignal | undefined
  /** Aborts as that does, and when its time is over. */
  readonly end: AbortSignal
}

/** Whom to ask. */
interface At {
  readonly id: string
  readonly url: string
}

/** One attempt that did not give what was asked for. */
interface Failed extends At {
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
  readonly #counts: CallCounts
  readonly #callees = new BoundedMap<string, Callee>(slugLimit)
  readonly #callables = new WeakMap<Listed<InstanceView>, Listed<InstanceView>>()
  readonly #chooser: Chooser<InstanceView>

  constructor(source: Source, platform: Platform, counts: CallCounts) {
    this.#source = source
    this.#platform = platform
    this.#counts = counts
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
      return this.#counted(init?.signal, this.#start(input, init ?? {}, target, manner))
    }
  }

  async #counted(signal: AbortSignal | null | undefined, call: Promise<Response>): Promise<Response> {
    try {
      const response = await call
      this.#counts.calls.add(isRefusal(response) ? 'refused' : 'answered')
      return response
    } catch (error) {
      this.#counts.calls.add(signal?.aborted === true ? 'aborted' : 'failed')
      throw error
    }
  }

  /** What is listed of a service, with those last that calls have left out at present: for who picks, and calls by other means. */
  considered(slug: string, listed: Listed<InstanceView>): Listed<InstanceView> {
    const callee = this.#calleeOf(slug)
    callee.follow(listed)
    return callee.considered(listed, this.#platform.now())
  }

  /** Somebody who calls by other means says that it did not answer: it is left out as if calls from here had failed. */
  suspected(id: string): void {
    const now = this.#platform.now()
    for (const [slug, callee] of this.#callees)
      if (callee.suspected(id, now) === 'ejected') this.#tellTurn('ejected', { slug, id })
  }

  async #start(input: string | URL | Request, init: CallInit, target: Target, given: Manner): Promise<Response> {
    const { idempotent = false, key, ...rest } = init
    const manner = withKey(given, key)
    // Before anything is waited for: a Request is used from that moment on.
    const read = sendableOf(input, rest, () => `http://instance${target.path}`)
    const end = new AbortController()
    const timer = setTimeout(() => end.abort(lateError(manner.timeout_ms)), manner.timeout_ms)
    let unfollow = (): void => undefined
    try {
      const { method, headers, signal, init, isRepeatable } = read instanceof Promise ? await read : read
      signal?.throwIfAborted()
      if (signal !== undefined) unfollow = follow(signal, end)
      const isIdempotent = idempotent || headers.has('idempotency-key')
      const callee = this.#calleeOf(target.slug)
      const call = { target, manner, callee, method, init, isRepeatable, isIdempotent, signal, end: end.signal }
      const response = await this.#run(call)
      if (isHeldBy(response, end)) unfollow = () => undefined // its body ends with the signal, too
      return response
    } finally {
      clearTimeout(timer)
      unfollow()
    }
  }

  async #run(call: Call): Promise<Response> {
    const { callee, manner } = call
    callee.budget.call(this.#platform.now())
    const tried: Failed[] = []
    let at = await this.#choose(call, tried)
    for (let made = 1; ; made += 1) {
      const isLast = made >= manner.attempts
      const met = await this.#attempt(call, { ...at, made, isLast })
      if (met instanceof Response) return met
      tried.push(met)
      const isOver = isLast || call.end.aborted || !mayRepeat(call, met.failure)
      const next = isOver ? undefined : await this.#another(call, tried)
      if (next === undefined || !(await this.#pauseBefore(call, tried, next.id))) return answerOf(call, tried)
      void met.response?.body?.cancel().catch(() => undefined)
      at = next
    }
  }

  /** @returns nothing where there is nobody else, nor the same one again: then what it said is the answer */
  async #another(call: Call, tried: readonly Failed[]): Promise<At | undefined> {
    try {
      const next = await this.#choose(call, tried)
      // It has said when it will have an answer, which is no sooner than its caller finds out by reading that.
      const isBusy = tried.some(({ id, response }) => id === next.id && response?.headers.has('retry-after') === true)
      return isBusy ? undefined : next
    } catch {
      if (call.signal?.aborted !== true) return undefined
      discard(tried)
      throw call.signal.reason
    }
  }

  /** Not before one that was not asked yet, where nothing can have arrived. @returns whether there is another attempt at all */
  async #pauseBefore(call: Call, tried: readonly Failed[], next: string): Promise<boolean> {
    const { manner, signal, end, callee } = call
    const { isCounted = false, failure } = tried.at(-1) as Failed
    const { now, pause, random } = this.#platform
    if (!isCounted && !callee.budget.retry(now(), manner.retryShare)) return false
    if (failure !== 'not-sent' || tried.some(({ id }) => id === next)) {
      const whole_ms = manner.backoff_ms * 2 ** (tried.length - 1)
      await pause(whole_ms / 2 + (random() * whole_ms) / 2, end)
    }
    if (signal?.aborted !== true) return !end.aborted
    discard(tried)
    throw signal.reason
  }

  /** @throws RegistryError where there is nobody to ask; the reason of whichever signal aborts first */
  async #choose(call: Call, tried: readonly Failed[]): Promise<At> {
    const { target, callee, signal, manner } = call
    const { slug } = target
    const { query } = manner
    const asking = query === undefined ? undefined : this.#source.prepare(query)
    if (asking !== undefined) await inTime(call, tried, asking)
    const listing = this.#source.listed(slug)
    const found = listing instanceof Promise ? await inTime(call, tried, listing) : listing
    signal?.throwIfAborted()
    if (found === undefined)
      throw new RegistryError(
        'not-found',
        `slug: nothing is registered as ${JSON.stringify(slug)}; see: rollcall instances --all`,
      )
    const callable = this.#callable(slug, found)
    const now = this.#platform.now()
    callee.follow(found)
    const loadOf = (view: InstanceView): number => callee.loadOf(view, now)
    const usualLoad = (): number | undefined => callee.usualLoad(now)
    const considered = callee.considered(callable, now)
    const asked = tried.map(({ id }) => id)
    const choose = (how: PickQuery | undefined): InstanceView | undefined =>
      this.#chooser.choose(slug, considered, how, loadOf, usualLoad)
    const view = (asked.length > 0 ? choose({ ...query, exclude: asked }) : undefined) ?? choose(query)
    if (!this.#callees.has(slug)) this.#chooser.forget(slug) // it made room while it was asked for
    const at = view === undefined || query?.port === undefined ? view : atPort(view, query.port)
    if (at === undefined)
      throw new RegistryError(
        'unavailable',
        `slug: no instance of ${slug} can be called; ask: rollcall why ${shellWord(slug)}`,
      )
    return { id: at.id, url: urlAt(at.url, target) }
  }

  /**
   * Those that are called by HTTP: of a service that is offered by several protocols the others are not meant.
   * @throws RegistryError `conflict` where there are others alone
   */
  #callable(slug: string, listed: Listed<InstanceView>): Listed<InstanceView> {
    let callable = this.#callables.get(listed)
    if (callable === undefined) this.#callables.set(listed, (callable = callableOf(listed)))
    if (callable.pools.length > 0 || listed.pools.length === 0) return callable
    const [{ id, url } = { id: slug, url: 'no url' }] = listed.pools.flatMap((pool) => pool.listed)
    throw new RegistryError('conflict', `url: ${slug} is not called by HTTP: ${id} is at ${shownUrl(url)}`)
  }

  async #attempt(
    call: Call,
    { id, url, made, isLast }: At & { readonly made: number; readonly isLast: boolean },
  ): Promise<Response | Failed> {
    const { callee, signal, end, manner, target, init } = call
    const { now, fetch } = this.#platform
    const begun = now()
    const took = (): number => now() - begun
    const abort = new AbortController()
    const patience_ms = manner.attemptTimeout_ms ?? callee.patience_ms(begun)
    // Only where another one may be asked: else it is waited for, as it may answer yet.
    const mayGiveUp = !isLast && mayRepeat(call, 'lost')
    let late: ReturnType<typeof setTimeout> | undefined
    const giveUpAfter = (wait_ms: number): void => {
      late = setTimeout(() => {
        if (callee.budget.retry(now(), manner.retryShare)) abort.abort(lateError(took()))
        else giveUpAfter(2 * wait_ms) // others have all of it now: then there may be some left
      }, wait_ms)
    }
    if (mayGiveUp) giveUpAfter(patience_ms)
    callee.begin(id, begun)
    const toldOf = { slug: target.slug, id, url, method: call.method, attempt: made }
    const any = mayGiveUp ? AbortSignal.any([end, abort.signal]) : end
    try {
      const response = await fetch(url, { ...init, signal: any })
      tell('attempt', { ...toldOf, status: response.status, duration_ms: took() })
      if (!isRefusal(response)) {
        this.#counts.attempts.add('answered')
        this.#note(call, id, callee.answered(id, now(), took()))
        return response
      }
      this.#counts.attempts.add('refused')
      this.#note(call, id, callee.failed(id, now(), took()))
      return { id, url, failure: 'refused', response }
    } catch (error) {
      tell('attempt', { ...toldOf, error, duration_ms: took() })
      const failure = any.aborted ? 'lost' : failureOf(error)
      this.#counts.attempts.add(failure)
      this.#note(call, id, callee[endOf(call, failure, any)](id, now(), took()))
      signal?.throwIfAborted()
      return { id, url, failure, error: any.aborted ? any.reason : error, isCounted: abort.signal.aborted }
    } finally {
      clearTimeout(late)
    }
  }

  #note({ target: { slug } }: Call, id: string, turn: 'ejected' | 'restored' | undefined): void {
    if (turn === undefined) return
    this.#tellTurn(turn, { slug, id })
    if (turn === 'ejected') this.#source.suspect(id)
  }

  #tellTurn(turn: 'ejected' | 'restored', of: { readonly slug: string; readonly id: string }): void {
    if (turn === 'ejected') this.#counts.ejections.add()
    tell(turn, of)
  }

  #calleeOf(slug: string): Callee {
    const callee = this.#callees.get(slug) ?? new Callee()
    const dropped = this.#callees.set(slug, callee)
    if (dropped !== undefined) this.#chooser.forget(dropped[0])
    return callee
  }
}

/** @throws RegistryError `malformed` */
function withKey(manner: Manner, key: unknown): Manner {
  if (key !== undefined && typeof key !== 'string') throw new RegistryError('malformed', 'key: must be a text')
  const { query } = manner
  const hashed = key ?? query?.key
  if (query?.strategy === 'hash' && (hashed === undefined || hashed === ''))
    throw new RegistryError('malformed', 'key: the strategy hash follows one; give it with the call, or to createFetch')
  return key === undefined ? manner : { ...manner, query: { ...query, key } }
}

/** The same where all are. */
function callableOf(listed: Listed<InstanceView>): Listed<InstanceView> {
  const isCalled = ({ url }: InstanceView): boolean => isHttp(url)
  if (listed.pools.every((pool) => pool.listed.every(isCalled))) return listed
  const pools = listed.pools.map((pool) => ({ ...pool, listed: pool.listed.filter(isCalled) }))
  return { pools: pools.filter((pool) => pool.listed.length > 0) }
}

/** What comes of it. @throws the reason of the caller, or that the time is over, whichever is first */
async function inTime<T>(
  { signal, end, target, manner }: Call,
  tried: readonly Failed[],
  task: Promise<T>,
): Promise<T> {
  try {
    return await untilAborted(end, () => task)
  } catch (error) {
    if (signal?.aborted === true || !end.aborted) throw error
    throw timeoutError(manner.timeout_ms, { slug: target.slug, tried })
  }
}

/** What is said of the instance, where fetch rejected. */
function endOf({ signal }: Call, failure: Failure, any: AbortSignal): 'givenUp' | 'outOfTime' | 'late' | 'failed' {
  if (failure === 'declined') return 'givenUp'
  if (signal?.aborted !== true) return any.aborted ? 'late' : 'failed'
  const reason: unknown = signal.reason
  return (reason as { readonly name?: unknown } | null | undefined)?.name === 'TimeoutError' ? 'outOfTime' : 'givenUp'
}

/** What was answered, and nobody gets. */
function discard(tried: readonly Failed[]): void {
  void tried
    .at(-1)
    ?.response?.body?.cancel()
    .catch(() => undefined)
}

/** What the last one said is what the caller gets, as from any fetch. */
function answerOf({ target: { slug }, manner, end }: Call, tried: readonly Failed[]): Response {
  const { response, error } = tried.at(-1) as Failed
  if (response !== undefined) return response
  if (end.aborted) throw timeoutError(manner.timeout_ms, { slug, tried })
  throw error instanceof TypeError ? networkError(error, { slug, tried }) : error
}
