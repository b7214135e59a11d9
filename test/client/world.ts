// A world of instances that answer as a script says, in virtual time; and a caller.
import { afterEach, beforeEach, vi } from 'vitest'
import { Fetching, type Source, machine } from '../../src/client/fetching/fetching.js'
import { CallCounts } from '../../src/metrics/calls.js'
import type { FetchOptions } from '../../src/client/fetching/options.js'
import type { Listed } from '../../src/core/lookup/chooser.js'
import type { InstanceView } from '../../src/core/views.js'
import { Draws } from '../../src/core/lookup/strategies.js'

/** What one request meets: an answer, or an error of the system (`none`, `bad port`: of fetch itself), after a while; `hang`: nothing, ever. */
export type Meets =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly after_ms?: number }
  | { readonly code: string; readonly after_ms?: number }
  | 'hang'

export type Script = (request: Seen) => Meets

/** One request as an instance sees it. */
export interface Seen {
  readonly id: string
  readonly url: string
  readonly method: string
  readonly body: unknown
  readonly headers: Headers
  readonly signal: AbortSignal
  readonly at: number
}

export function useVirtualTime(): void {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())
}

export class World {
  readonly seen: Seen[] = []
  readonly suspected: string[] = []
  /** Bodies of answers that nobody wanted. */
  cancelled = 0
  listed: Listed<InstanceView> | undefined
  /** How that is found out. */
  ask: Source['listed'] = () => this.listed
  readonly fetching: Fetching
  readonly #script: Script

  /** @param ids at `http://ID.test:80` */
  constructor(ids: readonly string[], script: Script, more: Partial<InstanceView> = {}) {
    this.#script = script
    this.list(ids, more)
    const draws = new Draws(1)
    this.fetching = new Fetching(
      {
        listed: (slug) => this.ask(slug),
        prepare: () => undefined,
        here: () => ({}),
        suspect: (id) => void this.suspected.push(id),
      },
      { ...machine, random: () => draws.next(), fetch: (input, init) => this.#fetch(input, init) },
      new CallCounts(),
    )
  }

  list(ids: readonly string[], more: Partial<InstanceView> = {}): void {
    const listed = ids.map((id): InstanceView => ({ id, url: `http://${id}.test:80`, status: 'Healthy', ...more }))
    this.listed = { pools: [{ listed, inDoubt: false }] }
  }

  fetch(options?: FetchOptions): typeof fetch {
    return this.fetching.create(options)
  }

  /** Ids in the order in which they were asked. */
  get asked(): string {
    return this.seen.map(({ id }) => id).join('')
  }

  countOf(id: string): number {
    return this.seen.filter((one) => one.id === id).length
  }

  async #fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const request = input instanceof Request ? input : undefined
    const url = request?.url ?? String(input as string | URL)
    const signal = init.signal ?? request?.signal ?? new AbortController().signal
    const seen: Seen = {
      id: new URL(url).hostname.replace('.test', ''),
      url,
      method: request?.method ?? init.method ?? 'GET',
      body: init.body instanceof Blob ? await init.body.text() : init.body,
      headers: request?.headers ?? new Headers(init.headers),
      signal,
      at: performance.now(),
    }
    this.seen.push(seen)
    signal.throwIfAborted()
    const meets = this.#script(seen)
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      if (meets === 'hang') return
      setTimeout(() => {
        if ('status' in meets) resolve(this.#response(meets))
        else reject(systemError(meets.code))
      }, meets.after_ms ?? 1)
    })
  }

  #response({ status, headers = {} }: Exclude<Meets, 'hang' | { readonly code: string }>): Response {
    const body = new ReadableStream({ cancel: () => void (this.cancelled += 1) })
    return new Response(body, { status, headers })
  }
}

const isOwn = (code: string): boolean => code === 'none' || code === 'bad port'

/** As the fetch of Node says it. */
export function systemError(code: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), !isOwn(code) && { code }) })
}

/** What comes of it, while time goes by. */
export async function passing<T>(task: Promise<T>, within_ms = 60_000): Promise<T | Error> {
  const state: { over?: T | Error } = {}
  void task.then(
    (value) => (state.over = value),
    (error: unknown) => (state.over = error as Error),
  )
  for (let passed_ms = 0; state.over === undefined && passed_ms < within_ms; passed_ms += 1)
    await vi.advanceTimersByTimeAsync(1)
  if (state.over === undefined) throw new Error(`nothing came of it within ${within_ms} ms`)
  return state.over
}
