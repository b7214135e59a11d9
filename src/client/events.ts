/**
 * The news of a daemon as one endless loop: where the connection breaks, it goes on after the item that was read last. What was
 * missed is told by a `reset`; it never pretends that nothing was.
 */
import { checkNewsQuery, isWanted } from '../config/news-filters.js'
import { RegistryError } from '../core/errors.js'
import type { NewsEvent, NewsItem } from '../core/views.js'
import { backoff_ms, type Calls, parseAnswer } from './call.js'
import { patience_ms, refusal, unreachable } from './failures.js'
import { pause } from './pause.js'
import type { NewsQuery } from './register.js'
import { Silence } from './silence.js'
import { readEvents, type ServerSentEvent } from './sse.js'

export interface EventsQuery extends NewsQuery {
  /** Told why when the connection breaks, and with nothing when there is one again. */
  readonly onInterruption?: ((why: Error | undefined) => void) | undefined
}

/** A daemon sends a comment every 15 s at least: so long without a byte, and the connection is as good as gone. */
const silence_ms = 45_000
const pause_ms = { first: 100, longest: 5000 } as const
const queryNames = [
  ...(['slug', 'type', 'after', 'signal', 'onInterruption'] as const),
] as const satisfies readonly (keyof EventsQuery)[]
const types: readonly string[] = ['listening', 'member', 'instance', 'reset'] satisfies NewsEvent['type'][]

/** @throws RegistryError `malformed` for an option or a type that there is not */
export function followEvents(calls: Calls, query: EventsQuery): AsyncGenerator<NewsItem, void, undefined> {
  checkNewsQuery(query, queryNames)
  return follow(calls, query)
}

async function* follow(
  calls: Calls,
  { signal, onInterruption, after = '', slug, type }: EventsQuery,
): AsyncGenerator<NewsItem, void, undefined> {
  let last = after
  let hadConnection = false
  let isTold = false
  let failures = 0
  let isInterrupted = false
  while (signal?.aborted !== true) {
    const { current: server } = calls.servers
    const connection = new Connection(calls, server, signal)
    try {
      const body = await connection.open({ slug, type, after: last === '' ? undefined : last })
      if (hadConnection && last === '') yield { id: '', at: new Date().toISOString(), event: { type: 'reset' } }
      hadConnection = true
      if (isInterrupted) onInterruption?.(undefined)
      isInterrupted = false
      for await (const item of connection.items(body, (id) => (last = id))) {
        failures = 0
        last = item.id
        if (!isWanted(item.event, { slug, type })) continue // a daemon of an earlier version hears no empty filter
        if (item.event.type !== 'listening' || !isTold) yield item
        isTold = true
      }
      throw unreachable(server, 'the connection was closed')
    } catch (error) {
      if (isAborted(signal)) return
      failures += 1
      const asked_ms = patience_ms(error) ?? (hadConnection && mayPass(error) ? 0 : undefined)
      if (asked_ms === undefined || (!hadConnection && failures >= calls.attempts)) throw error
      if (hadConnection && !isInterrupted) onInterruption?.(error as Error)
      isInterrupted = hadConnection
      calls.servers.failed(server)
      await pause(Math.max(asked_ms, backoff_ms(failures, pause_ms)), signal)
    } finally {
      connection.close()
    }
  }
}

/** Such as the page of a proxy whose daemon is just starting again. */
function mayPass(error: unknown): boolean {
  return error instanceof RegistryError && (error.code === 'unavailable' || error.code === 'internal')
}

/** Asked anew: it may have happened since the compiler last looked. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** One request for news, and its end: by its caller, by silence, or by the daemon. */
class Connection {
  readonly #calls: Calls
  readonly #server: string
  readonly #signal: AbortSignal | undefined
  readonly #abort = new AbortController()
  readonly #silence = new Silence(this.#abort)
  readonly #onAbort = (): void => this.#abort.abort()

  constructor(calls: Calls, server: string, signal: AbortSignal | undefined) {
    this.#calls = calls
    this.#server = server
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async open(query: Record<string, string | undefined>): Promise<ReadableStream<Uint8Array>> {
    const given = Object.entries(query).filter((one): one is [string, string] => one[1] !== undefined)
    const path = `/v1/events${given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`}`
    this.#silence.endAfter(this.#calls.timeout_ms)
    const headers = { accept: 'text/event-stream' }
    const response = await this.#reached(() =>
      this.#calls.send(this.#server, 'GET', path, { signal: this.#abort.signal, headers }),
    )
    if (response.status === 200 && response.body !== null) return response.body
    const answer = parseAnswer(await this.#reached(() => response.text()), this.#server, response.status)
    throw refusal(response, answer, `${this.#server} answered ${response.status} to GET ${path}`)
  }

  /** @param onPosition told of an id without news: so far went those that were not asked for */
  async *items(
    body: ReadableStream<Uint8Array>,
    onPosition: (id: string) => void,
  ): AsyncGenerator<NewsItem, void, undefined> {
    this.#silence.endAfter(silence_ms)
    const { signal } = this.#abort
    const events = readEvents(body, signal, { onBytes: () => this.#silence.endAfter(silence_ms), onId: onPosition })
    try {
      for (;;) {
        const { done, value } = await this.#reached(() => events.next())
        if (signal.aborted) throw unreachable(this.#server, signal.reason)
        if (done === true) return
        const item = parseItem(value)
        if (item !== undefined) yield item
      }
    } finally {
      this.close() // first, or the reader waits for a byte that nobody sends
      await events.return().catch(() => undefined)
    }
  }

  close(): void {
    this.#silence.end()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#abort.abort()
  }

  async #reached<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      throw unreachable(this.#server, error)
    }
  }
}

/** @returns undefined for what a newer daemon may send, and for what is no news at all */
function parseItem({ id, type, data }: ServerSentEvent): NewsItem | undefined {
  if (!types.includes(type)) return undefined
  try {
    const { at, ...event } = JSON.parse(data) as { at: unknown }
    return typeof at === 'string' ? { id, at, event: { ...event, type } as NewsEvent } : undefined
  } catch {
    return undefined
  }
}
