/**
 * One stream of server-sent events from a daemon, until it ends: by its caller, by silence, or by the daemon.
 */
import { beatHeader, readBeat } from '../config/beat.js'
import { onAbort } from './aborting.js'
import { textOfAnswer } from './answer-text.js'
import { sentAside } from './aside.js'
import { type Calls, parseAnswer } from './call.js'
import { refusal, unreachable } from './failures.js'
import { Silence } from './silence.js'
import { readEvents, type ServerSentEvent } from './sse.js'

/** So many signs of life in a row are missing, and the connection is as good as gone. */
const beatsMissed = 3
/** Of a daemon that does not say how often it gives one. */
const beat_ms = 15_000
/** Less may be an accident of the network. */
const shortest_ms = 10_000
/** Between two connections; doubles each time. */
export const streamPause_ms = { first: 100, longest: 5000 } as const

export interface EventStreamOptions {
  readonly server: string
  readonly path: string
  readonly signal: AbortSignal | undefined
  /** Characters that one event may have. */
  readonly longest?: number
  /** A program that has nothing else to do need not wait for it. */
  readonly isAside?: boolean
}

export class EventStream {
  readonly #calls: Calls
  readonly #options: EventStreamOptions
  readonly #abort = new AbortController()
  readonly #silence: Silence
  #silence_ms = silenceOf(undefined)
  readonly #unlisten: () => void

  constructor(calls: Calls, options: EventStreamOptions) {
    this.#calls = calls
    this.#options = options
    this.#silence = new Silence(this.#abort, options.isAside)
    const { signal } = options
    this.#unlisten = signal === undefined ? () => undefined : onAbort(signal, () => this.#abort.abort())
  }

  async open(): Promise<ReadableStream<Uint8Array>> {
    const { server, path, isAside } = this.#options
    this.#silence.endAfter(this.#calls.timeout_ms)
    const send = (more: Record<string, string> = {}): Promise<Response> => {
      const headers = { accept: 'text/event-stream', ...more }
      return this.#reached(() => this.#calls.send(server, 'GET', path, { signal: this.#abort.signal, headers }))
    }
    const response = await (isAside === true ? sentAside(send) : send())
    if (response.status === 200 && response.body !== null) {
      this.#silence_ms = silenceOf(readBeat(response.headers.get(beatHeader)))
      return response.body
    }
    const answer = parseAnswer(
      await this.#reached(() => textOfAnswer(response, this.#abort.signal)),
      server,
      response.status,
    )
    throw refusal(response, answer, `${server} answered ${response.status} to GET ${path}`)
  }

  /** @param onId told of an id without an event: so far went what was not asked for */
  async *events(
    body: ReadableStream<Uint8Array>,
    onId?: (id: string) => void,
  ): AsyncGenerator<ServerSentEvent, void, undefined> {
    this.#silence.endAfter(this.#silence_ms)
    const { signal } = this.#abort
    const { longest, server } = this.#options
    const onBytes = (): void => this.#silence.endAfter(this.#silence_ms)
    const signs = { onBytes, ...(onId && { onId }), ...(longest !== undefined && { longest }) }
    const events = readEvents(body, signal, signs)
    try {
      for (;;) {
        const { done, value } = await this.#reached(() => events.next())
        if (signal.aborted) throw unreachable(server, signal.reason)
        if (done === true) return
        yield value
      }
    } finally {
      this.close() // first, or the reader waits for a byte that nobody sends
      await events.return().catch(() => undefined)
    }
  }

  close(): void {
    this.#silence.end()
    this.#unlisten()
    this.#abort.abort()
  }

  async #reached<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      throw unreachable(this.#options.server, error)
    }
  }
}

function silenceOf(every_ms = beat_ms): number {
  return Math.min(beatsMissed * beat_ms, Math.max(shortest_ms, beatsMissed * every_ms))
}
