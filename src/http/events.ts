/**
 * News as they happen, over server-sent events. Each client has a queue with an end, and none outlives the server.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RegistryError } from '../core/errors.js'
import type { NewsItem } from '../core/views.js'
import type { Admission } from './admission.js'
import * as calls from './calls/own.js'
import type { FindService } from './service.js'
import { showInstance } from './show.js'

export const eventLimits = {
  clients: 64,
  /** Beyond it a client that does not read is cut off; it can resume. News that it asked for by an id do not count. */
  queuedBytes: 1024 * 1024,
  /** Well below the silence after which the server, or a proxy, takes a connection for dead. */
  heartbeat_ms: 15_000,
  idLength: 128,
} as const

interface EventQuery {
  readonly slug?: string
  readonly type?: 'member' | 'instance'
  readonly after?: string
}

export function addEvents(app: FastifyInstance, service: FindService, admission: Admission): void {
  const streams = new Set<Stream>()
  let heartbeat: NodeJS.Timeout | undefined
  let isClosing = false

  const forget = (stream: Stream): void => {
    streams.delete(stream)
    if (streams.size === 0) clearInterval(heartbeat)
  }
  const remember = (stream: Stream): void => {
    streams.add(stream)
    if (streams.size > 1) return
    heartbeat = setInterval(() => streams.forEach((one) => one.beat()), eventLimits.heartbeat_ms)
  }

  app.addHook('preClose', async () => {
    isClosing = true
    for (const stream of streams) stream.end()
  })

  // Its token may count no more: whoever may still listen comes again, and goes on where it was.
  admission.onChange(() => {
    for (const stream of streams) stream.end()
  })

  app.get<{ Querystring: EventQuery }>(
    '/v1/events',
    { exposeHeadRoute: false, schema: calls.events },
    (request, reply) => {
      if (isClosing || streams.size >= eventLimits.clients) throw noRoom(isClosing)
      if (reply.raw.closed) return // while its token was looked at
      const { news } = service()
      const after = idToResumeAfter(request)
      const backlog = after === undefined ? [] : (news.since(after) ?? [resetAfter(after)])
      const stream = new Stream(reply.raw, backlog, wantedBy(request.query))
      const unsubscribe = news.subscribe((item) => stream.tell(item))
      remember(stream)
      reply.raw.on('close', () => {
        unsubscribe()
        forget(stream)
      })
      reply.hijack()
      stream.begin(reply.getHeaders() as Record<string, string>)
    },
  )
}

function noRoom(isClosing: boolean): RegistryError {
  if (isClosing) return new RegistryError('unavailable', 'events: the daemon is stopping; try another, or again later')
  const full = `events: ${eventLimits.clients} clients are listening, and there is room for no more`
  return new RegistryError('unavailable', `${full}; end one, or ask another daemon`)
}

/** The header is that of a browser that comes back by itself, still with the query of its first time. */
function idToResumeAfter(request: FastifyRequest<{ Querystring: EventQuery }>): string | undefined {
  const header = request.headers['last-event-id']
  const [given, name] = typeof header === 'string' ? [header, 'last-event-id'] : [request.query.after, 'after']
  if (given === undefined || given === '') return undefined
  if (given.length <= eventLimits.idLength && /^[\x21-\x7e]+$/.test(given)) return given
  throw new RegistryError('malformed', `${name}: not an id of an event; leave it out to hear what happens from now on`)
}

/** It keeps the id that is no good, so that whoever is cut off before the first news is told the same once more. */
function resetAfter(id: string): NewsItem {
  return { id, at: new Date().toISOString(), event: { type: 'reset' } }
}

/** A slug asks for what happens to its instances alone; that something was missed concerns everybody. */
function wantedBy({ slug, type }: EventQuery): (item: NewsItem) => boolean {
  return ({ event }) => {
    if (event.type === 'reset') return true
    if (type !== undefined && event.type !== type) return false
    return slug === undefined || (event.type === 'instance' && event.slug === slug)
  }
}

/** One client: what it asked for of the past, then what happens, as fast as it reads. */
class Stream {
  readonly #response: ServerResponse
  readonly #backlog: Iterator<NewsItem>
  readonly #wants: (item: NewsItem) => boolean
  readonly #waiting: string[] = []
  #waitingBytes = 0
  #isFull = false

  constructor(response: ServerResponse, backlog: readonly NewsItem[], wants: (item: NewsItem) => boolean) {
    this.#response = response
    this.#backlog = backlog.filter(wants).values()
    this.#wants = wants
  }

  begin(headers: Readonly<Record<string, string>>): void {
    this.#response.on('error', () => undefined) // it is closed then, and forgotten
    this.#response.on('drain', () => {
      this.#isFull = false
      this.#pump()
    })
    this.#response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies of the nginx kind would wait for more.
      'x-accel-buffering': 'no',
      connection: 'close',
    })
    this.#write(': listening\n\n')
    this.#pump()
  }

  tell(item: NewsItem): void {
    if (!this.#wants(item)) return
    const text = format(item)
    this.#waiting.push(text)
    this.#waitingBytes += Buffer.byteLength(text)
    this.#pump()
    if (this.#waitingBytes > eventLimits.queuedBytes) this.#response.destroy()
  }

  /** Shows that the line is open. Who has news waiting needs no such sign. */
  beat(): void {
    if (!this.#isFull) this.#write(': \n\n')
  }

  /** A client that does not read is not waited for. */
  end(): void {
    if (this.#isFull) this.#response.destroy()
    else this.#response.end()
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
      ? { ...event, instance: showInstance(event.instance) }
      : event
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify({ at, ...shown })}\n\n`
}
