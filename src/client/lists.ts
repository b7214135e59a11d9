/**
 * The list of a slug as its daemon tells it, for as long as it is wanted: where the connection breaks, the last one is only what was
 * true then, until there is another.
 */
import type { Positioned, Registry } from './register.js'
import { RegistryError } from '../core/model/errors.js'
import type { LookupResult, SlugList } from '../core/views.js'
import { backoff_ms, type Calls } from './call.js'
import { mayPass, patience_ms, unreachable } from './failures.js'
import { newestOf } from './newest.js'
import { pause } from './pause.js'
import type { ServerSentEvent } from './sse.js'
import { EventStream, streamPause_ms } from './stream.js'
import { checkWatch, waitForList } from './watching.js'

/** Characters of one list: some hundred thousand instances. */
const longestList = 128 * 1024 * 1024
/** A daemon of an earlier version tells nobody: it is asked so often, and now and then whether it is another one by now. */
const asking_ms = 1000
const askedInARow = 60

export interface Following {
  /** Ends it. */
  readonly signal: AbortSignal
  readonly onList: (list: SlugList) => void
  /** No daemon tells at present; it is tried again and again. */
  readonly onBroken: (why: Error) => void
  /** A program that has nothing else to do need not wait for it. */
  readonly isAside?: boolean
}

/**
 * Resolves once the signal aborts.
 * @throws RegistryError where the daemon refuses, or nobody answers from the beginning; `not-found`: it is of an earlier version
 */
export async function followLists(
  calls: Calls,
  slug: string,
  { signal, onList, onBroken, isAside = false }: Following,
): Promise<void> {
  let hadList = false
  for (let failures = 0; !signal.aborted;) {
    const { current: server } = calls.servers
    const path = `/v1/watch/${encodeURIComponent(slug)}`
    const stream = new EventStream(calls, { server, path, signal, longest: longestList, isAside })
    try {
      const body = await stream.open()
      for await (const event of stream.events(body)) {
        const list = parseList(event)
        if (list === undefined || signal.aborted) continue
        failures = 0
        hadList = true
        onList(list)
      }
      throw unreachable(server, 'the connection was closed')
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      const asked_ms = patience_ms(error) ?? (hadList && mayPass(error) ? 0 : undefined)
      if (asked_ms === undefined || (!hadList && failures >= calls.attempts)) throw error
      if (hadList) onBroken(error as Error)
      calls.servers.failed(server)
      await pause(Math.max(asked_ms, backoff_ms(failures, streamPause_ms)), signal, isAside)
    } finally {
      stream.close()
    }
  }
}

type LookUp = (
  slug: string,
  options: { readonly signal: AbortSignal },
) => Promise<(LookupResult & Positioned) | undefined>

/** Watching over HTTP. */
export function watchingOf(calls: Calls, lookup: LookUp): Pick<Registry, 'watch' | 'waitFor'> {
  const watch: Registry['watch'] = (slug, options = {}) => {
    checkWatch(slug, options)
    return newestOf<SlugList>((newest) => {
      const over = new AbortController()
      let last: SlugList | undefined
      const following: Following = {
        signal: over.signal,
        onList: (list) => newest.put((last = list)),
        onBroken: () => last?.stale !== true && last !== undefined && newest.put((last = { ...last, stale: true })),
      }
      void followAnyhow(calls, slug, following, lookup).then(
        () => newest.end(),
        (error: unknown) => newest.end({ error }),
      )
      return () => over.abort()
    }, options.signal)
  }
  return { watch, waitFor: (slug, options = {}) => waitForList(slug, options, watch) }
}

async function followAnyhow(calls: Calls, slug: string, following: Following, lookup: LookUp): Promise<void> {
  while (!following.signal.aborted) {
    try {
      await followLists(calls, slug, following)
    } catch (error) {
      if (!(error instanceof RegistryError && error.code === 'not-found')) throw error
      await askForLists(slug, following, lookup)
    }
  }
}

async function askForLists(slug: string, { signal, onList, onBroken }: Following, lookup: LookUp): Promise<void> {
  let told: string | undefined
  for (let asked = 0; asked < askedInARow && !signal.aborted; asked += 1) {
    try {
      const list = listOf(slug, await lookup(slug, { signal }))
      const said = JSON.stringify({ ...list, position: undefined })
      if (said !== told) onList(list)
      told = said
    } catch (error) {
      if (signal.aborted) return
      if (told === undefined || !mayPass(error)) throw error
      onBroken(error)
      told = ''
    }
    await pause(asking_ms, signal)
  }
}

function listOf(slug: string, found: (LookupResult & Positioned) | undefined): SlugList {
  if (found === undefined) return { slug, degraded: false, unknown: true, instances: [] }
  const { instances, degraded, position } = found
  const lasting = instances.map(({ lastHeartbeat: _, ...instance }) => instance)
  return { slug, degraded, instances: lasting, ...(position !== undefined && { position }) }
}

/** @returns undefined for what a newer daemon may send, and for what is no list at all */
function parseList({ id, type, data }: ServerSentEvent): SlugList | undefined {
  if (type !== 'list') return undefined
  try {
    const list = JSON.parse(data) as SlugList
    return Array.isArray(list.instances) ? { ...list, position: id } : undefined
  } catch {
    return undefined
  }
}
