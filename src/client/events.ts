/**
 * The news of a daemon as one endless loop: where the connection breaks, it goes on after the item that was read last. What was
 * missed is told by a `reset`; it never pretends that nothing was.
 */
import { checkNewsQuery, isWanted } from '../config/news-filters.js'
import type { NewsEvent, NewsItem } from '../core/views.js'
import { backoff_ms, type Calls } from './call.js'
import { mayPass, patience_ms, unreachable } from './failures.js'
import { queryString } from './paths.js'
import { pause } from './pause.js'
import type { NewsQuery } from './register.js'
import type { ServerSentEvent } from './sse.js'
import { EventStream, streamPause_ms } from './stream.js'
import { told } from './telling.js'

export interface EventsQuery extends NewsQuery {
  /** Told why when the connection breaks, and with nothing when there is one again. */
  readonly onInterruption?: ((why: Error | undefined) => void) | undefined
}

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
    const query = queryString({ slug, type, after: last === '' ? undefined : last })
    const stream = new EventStream(calls, { server, path: `/v1/events${query}`, signal })
    try {
      const body = await stream.open()
      if (hadConnection && last === '') yield { id: '', at: new Date().toISOString(), event: { type: 'reset' } }
      hadConnection = true
      if (isInterrupted) onInterruption?.(undefined)
      isInterrupted = false
      for await (const event of stream.events(body, (id) => (last = id))) {
        const item = parseItem(event)
        if (item === undefined) continue
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
      if (hadConnection && !isInterrupted) told(() => onInterruption?.(error as Error))
      isInterrupted = hadConnection
      calls.servers.failed(server)
      await pause(Math.max(asked_ms, backoff_ms(failures, streamPause_ms)), signal)
    } finally {
      stream.close()
    }
  }
}

/** Asked anew: it may have happened since the compiler last looked. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
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
