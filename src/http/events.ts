/**
 * News as they happen, over server-sent events. Each client has a queue with an end, and none outlives the server.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isWanted } from '../config/news-filters.js'
import { RegistryError } from '../core/errors.js'
import type { NewsFeed, NewsItem } from '../core/views.js'
import type { Admission } from './admission.js'
import * as calls from './calls/own.js'
import { beginEventStream } from './event-stream.js'
import type { FindService } from './service.js'
import { showOwnInstance } from './show.js'
import { nameOf, readUndelivered, type Undelivered } from './undelivered.js'

export const eventLimits = {
  watchers: 64,
  /** Beyond it a client that does not read is cut off; it can resume. News that it asked for by an id do not count. */
  queuedBytes: 1024 * 1024,
  /** Well below the silence after which the server, or a proxy, takes a connection for dead. */
  heartbeat_ms: 15_000,
  /** How often it is looked whether watchers are still there, and still may watch. */
  look_ms: 5000,
  /** Who acknowledged nothing of what he was sent for so long is not there any more; two heartbeats. */
  unacknowledged_ms: 30_000,
  /** A quiet connection is asked by the kernel from then on, each second, ten times. */
  keepAlive_ms: 5000,
  idLength: 128,
} as const

interface EventQuery {
  readonly slug?: string
  readonly type?: 'member' | 'instance'
  readonly after?: string
}

export interface EventsParts {
  readonly service: FindService
  readonly admission: Admission
  readonly maxWatchers: number
}

export function addEvents(app: FastifyInstance, { service, admission, maxWatchers }: EventsParts): void {
  const streams = new Streams()
  app.addHook('preClose', async () => streams.close())
  // Its token may count no more: whoever may still listen comes again, and goes on where it was.
  admission.onChange(() => streams.end())
  app.get<{ Querystring: EventQuery }>(
    '/v1/events',
    { exposeHeadRoute: false, schema: calls.events },
    (request, reply) => {
      if (streams.isClosing || streams.count >= maxWatchers) throw noRoom(streams.isClosing, maxWatchers)
      if (reply.raw.closed) return // while its token was looked at
      const { news } = service()
      const after = idToResumeAfter(request)
      const stream = new Stream({
        response: reply.raw,
        news,
        from: after ?? news.position,
        wants: ({ event }) => isWanted(event, request.query),
        mayWatch: request.mayStill,
      })
      streams.add(stream)
      reply.raw.on('close', () => {
        stream.forget()
        streams.delete(stream)
      })
      reply.hijack()
      stream.begin(reply.getHeaders() as Record<string, string>)
    },
  )
}

/** All that are open, and what is done with all of them now and then, for as long as there are any. */
class Streams {
  readonly #all = new Set<Stream>()
  #timers: readonly NodeJS.Timeout[] = []
  isClosing = false

  get count(): number {
    return this.#all.size
  }

  add(stream: Stream): void {
    this.#all.add(stream)
    if (this.#all.size > 1) return
    this.#timers = [
      setInterval(() => this.#all.forEach((one) => one.beat()), eventLimits.heartbeat_ms),
      setInterval(() => void this.#look(), eventLimits.look_ms),
    ]
  }

  delete(stream: Stream): void {
    this.#all.delete(stream)
    if (this.#all.size === 0) this.#timers.forEach((timer) => clearInterval(timer))
  }

  close(): void {
    this.isClosing = true
    this.end()
  }

  end(): void {
    for (const stream of this.#all) stream.end()
  }

  async #look(): Promise<void> {
    for (const stream of this.#all) stream.endUnlessPermitted()
    const undelivered = await readUndelivered()
    if (undelivered === undefined) return
    const now = performance.now()
    for (const stream of this.#all) stream.cutOffUnlessThere(undelivered, now)
  }
}

function noRoom(isClosing: boolean, maxWatchers: number): RegistryError {
  if (isClosing) return new RegistryError('unavailable', 'events: the daemon is stopping; try another, or again later')
  const full = `events: ${maxWatchers} clients are listening, and there is room for no more`
  const wayOut = 'end one, ask another daemon, or raise --max-watchers (ROLLCALL_MAX_WATCHERS)'
  return new RegistryError('unavailable', `${full}; ${wayOut}`)
}

/** The header is that of a browser that comes back by itself, still with the query of its first time. */
function idToResumeAfter(request: FastifyRequest<{ Querystring: EventQuery }>): string | undefined {
  const header = request.headers['last-event-id']
  const [given, name] = typeof header === 'string' ? [header, 'last-event-id'] : [request.query.after, 'after']
  if (given === undefined || given === '') return undefined
  if (given.length <= eventLimits.idLength && /^[\x21-\x7e]+$/.test(given)) return given
  throw new RegistryError('malformed', `${name}: not an id of an event; leave it out to hear what happens from now on`)
}

/**
 * What the stream itself has to say stands at the id from which it goes on. It keeps one that is no good, so that whoever is cut off
 * before the first news is told the same once more.
 */
function said(id: string, type: 'listening' | 'reset'): NewsItem {
  return { id, at: new Date().toISOString(), event: { type } }
}

interface StreamParts {
  readonly response: ServerResponse
  readonly news: NewsFeed
  /** The id of the item that it goes on after. */
  readonly from: string
  readonly wants: (item: NewsItem) => boolean
  /** Rejects, or throws, where its caller's credentials hold no more. */
  readonly mayWatch: (() => unknown) | undefined
}

/** One client: what it asked for of the past, then what happens, as fast as it reads. */
class Stream {
  readonly #parts: StreamParts
  readonly #response: ServerResponse
  readonly #backlog: Iterator<NewsItem>
  readonly #waiting: string[] = []
  readonly #unsubscribe: () => void
  #waitingBytes = 0
  #isFull = false
  /** What the other side has acknowledged by now, and since when it is no more than that. */
  #acknowledged = { bytes: -1, since: 0 }

  constructor(parts: StreamParts) {
    const { response, news, from, wants } = parts
    this.#parts = parts
    this.#response = response
    const backlog = news.since(from) ?? [said(from, 'reset')]
    this.#backlog = [said(from, 'listening'), ...backlog.filter(wants)].values()
    this.#unsubscribe = news.subscribe((item) => this.#tell(item))
  }

  begin(headers: Readonly<Record<string, string>>): void {
    this.#response.socket?.setKeepAlive(true, eventLimits.keepAlive_ms)
    this.#response.on('drain', () => {
      this.#isFull = false
      this.#pump()
    })
    beginEventStream(this.#response, headers)
    this.#pump()
  }

  forget(): void {
    this.#unsubscribe()
  }

  #tell(item: NewsItem): void {
    if (!this.#parts.wants(item)) return
    const text = format(item)
    this.#waiting.push(text)
    this.#waitingBytes += Buffer.byteLength(text)
    this.#pump()
    if (this.#waitingBytes > eventLimits.queuedBytes) this.#response.destroy()
  }

  /**
   * Shows that the line is open, and how far the news went that this client did not ask for. Who has news waiting needs no such sign.
   */
  beat(): void {
    if (!this.#isFull) this.#write(`id: ${this.#parts.news.position}\n: \n\n`)
  }

  /** A client that does not read is not waited for. */
  end(): void {
    if (this.#isFull) this.#response.destroy()
    else this.#response.end()
  }

  endUnlessPermitted(): void {
    void (async () => this.#parts.mayWatch?.())().catch(() => this.end())
  }

  /** A connection that was closed is told of by the kernel; a cable that was pulled, or a machine that is gone, is not. */
  cutOffUnlessThere(undelivered: Undelivered, now: number): void {
    const { socket } = this.#response
    const name = socket === null ? undefined : nameOf(socket)
    const waiting = name === undefined ? undefined : undelivered.get(name)
    if (socket === null || waiting === undefined) return
    const bytes = socket.bytesWritten - socket.writableLength - waiting
    if (waiting === 0 || bytes > this.#acknowledged.bytes) this.#acknowledged = { bytes, since: now }
    else if (now - this.#acknowledged.since >= eventLimits.unacknowledged_ms) this.#response.destroy()
  }

  #pump(): void {
    while (!this.#isFull) {
      const text = this.#next()
      if (text === undefined) return
      this.#write(text)
    }
  }

  #next(): string | undefined {
    const { done, value } = this.#backlog.next()
    if (done !== true) return format(value)
    const text = this.#waiting.shift()
    if (text !== undefined) this.#waitingBytes -= Buffer.byteLength(text)
    return text
  }

  #write(text: string): void {
    if (this.#response.writable) this.#isFull = !this.#response.write(text)
  }
}

function format({ id, at, event }: NewsItem): string {
  const shown =
    event.type === 'instance' && event.instance !== undefined
      ? { ...event, instance: showOwnInstance(event.instance) }
      : event
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify({ at, ...shown })}\n\n`
}
