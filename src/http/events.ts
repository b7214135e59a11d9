/**
 * News as they happen, over server-sent events. Each client has a queue with an end, and none outlives the server.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isWanted } from '../config/news-filters.js'
import { RegistryError } from '../core/model/errors.js'
import type { NewsFeed, NewsItem } from '../core/views.js'
import * as calls from './calls/own.js'
import { EventLine, type EventLineParts } from './event-line.js'
import type { FindService } from './service.js'
import { showOwnInstance } from './show.js'
import type { Streams } from './streams.js'

export const eventLimits = {
  /** Beyond it a client that does not read is cut off; it can resume. News that it asked for by an id do not count. */
  queuedBytes: 1024 * 1024,
  /** What all of them may have waiting: where there are many, each has its share of that. */
  queuedBytesOfAll: 64 * 1024 * 1024,
  idLength: 128,
} as const

interface EventQuery {
  readonly slug?: string
  readonly type?: 'member' | 'instance'
  readonly after?: string
}

export interface StreamsParts {
  readonly service: FindService
  readonly streams: Streams
}

export function addEvents(app: FastifyInstance, { service, streams }: StreamsParts): void {
  app.get<{ Querystring: EventQuery }>(
    '/v1/events',
    { exposeHeadRoute: false, schema: calls.events },
    (request, reply) => {
      streams.demandRoom()
      if (reply.raw.closed) return // while its token was looked at
      const { news } = service()
      const after = idToResumeAfter(request)
      const stream = new NewsStream({
        response: reply.raw,
        news,
        from: after ?? news.position,
        wants: ({ event }) => isWanted(event, request.query),
        mayStill: request.mayStill,
        share: () => Math.min(eventLimits.queuedBytes, eventLimits.queuedBytesOfAll / streams.count),
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

interface NewsStreamParts extends Omit<EventLineParts, 'onDrain'> {
  readonly news: NewsFeed
  /** The id of the item that it goes on after. */
  readonly from: string
  readonly wants: (item: NewsItem) => boolean
  /** How many bytes may wait here. */
  readonly share: () => number
}

/** One client: what it asked for of the past, then what happens, as fast as it reads. */
class NewsStream {
  readonly line: EventLine
  readonly #parts: NewsStreamParts
  readonly #backlog: Iterator<NewsItem>
  readonly #waiting: string[] = []
  readonly #unsubscribe: () => void
  #waitingBytes = 0

  constructor(parts: NewsStreamParts) {
    const { news, from, wants } = parts
    this.#parts = parts
    this.line = new EventLine({ ...parts, onDrain: () => this.#pump() })
    const backlog = news.since(from) ?? [said(from, 'reset')]
    this.#backlog = [said(from, 'listening'), ...backlog.filter(wants)].values()
    this.#unsubscribe = news.subscribe((item) => this.#tell(item))
  }

  begin(headers: Readonly<Record<string, string>>): void {
    this.line.begin(headers)
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
    if (this.#waitingBytes > this.#parts.share()) this.line.cutOff()
  }

  /**
   * Shows that the line is open, and how far the news went that this client did not ask for. Who has news waiting needs no such sign.
   */
  beat(): void {
    if (!this.line.isFull) this.line.write(`id: ${this.#parts.news.position}\n: \n\n`)
  }

  #pump(): void {
    while (!this.line.isFull) {
      const text = this.#next()
      if (text === undefined) return
      this.line.write(text)
    }
  }

  #next(): string | undefined {
    const { done, value } = this.#backlog.next()
    if (done !== true) return format(value)
    const text = this.#waiting.shift()
    if (text !== undefined) this.#waitingBytes -= Buffer.byteLength(text)
    return text
  }
}

function format({ id, at, event }: NewsItem): string {
  const shown =
    event.type === 'instance' && event.instance !== undefined
      ? { ...event, instance: showOwnInstance(event.instance) }
      : event
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify({ at, ...shown })}\n\n`
}
