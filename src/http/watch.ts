/**
 * The list of a slug as it changes, over server-sent events. Nothing waits for a client that reads slowly: it gets the newest list
 * when it takes one again.
 */
import type { FastifyInstance } from 'fastify'
import { RegistryError } from '../core/model/errors.js'
import type { SlugList } from '../core/views.js'
import * as calls from './calls/watch.js'
import { EventLine, type EventLineParts } from './event-line.js'
import type { StreamsParts } from './events.js'
import { HeldLists } from './held-lists.js'
import { showOwnInstance } from './show.js'

export function addWatch(app: FastifyInstance, { service, streams }: StreamsParts): void {
  /** A list that nobody can be told any more takes its bytes with it. */
  const events = new WeakMap<SlugList, Buffer>()
  const eventOf = (list: SlugList): Buffer => {
    const known = events.get(list)
    if (known !== undefined) return known
    const made = format(list)
    events.set(list, made)
    return made
  }
  const held = new HeldLists()
  app.get<{ Params: { slug: string } }>(
    '/v1/watch/:slug',
    { exposeHeadRoute: false, schema: calls.watch },
    (request, reply) => {
      if (request.params.slug === '') throw new RegistryError('malformed', 'slug: missing; give it in the path')
      streams.demandRoom()
      if (reply.raw.closed) return // while its token was looked at
      const registry = service()
      const stream = new ListStream({ response: reply.raw, mayStill: request.mayStill, eventOf, held })
      streams.add(stream)
      reply.hijack()
      stream.line.begin(reply.getHeaders() as Record<string, string>)
      const end = registry.watch(request.params.slug, (list) => stream.tell(list))
      reply.raw.on('close', () => {
        end()
        held.taken(stream.line)
        streams.delete(stream)
      })
    },
  )
}

interface ListStreamParts extends Omit<EventLineParts, 'onDrain'> {
  /** The bytes of a list, made once for all who are told it. */
  readonly eventOf: (list: SlugList) => Buffer
  readonly held: HeldLists
}

/** One client: the newest list, as often as it takes one. */
class ListStream {
  readonly line: EventLine
  readonly #eventOf: (list: SlugList) => Buffer
  readonly #held: HeldLists
  #untold: SlugList | undefined

  constructor({ eventOf, held, ...parts }: ListStreamParts) {
    this.#eventOf = eventOf
    this.#held = held
    this.line = new EventLine({ ...parts, onDrain: () => this.#goOn() })
  }

  tell(list: SlugList): void {
    this.#untold = list
    this.#pump()
  }

  beat(): void {
    if (!this.line.isFull) this.line.write(': \n\n')
  }

  #goOn(): void {
    this.#held.taken(this.line)
    this.#pump()
  }

  #pump(): void {
    if (this.#untold === undefined || this.line.isFull) return
    const bytes = this.#eventOf(this.#untold)
    this.#untold = undefined
    this.line.write(bytes)
    if (this.line.isFull) this.#held.hold(this.line, bytes)
  }
}

function format({ position, instances, ...list }: SlugList): Buffer {
  const shown = { ...list, instances: instances.map(showOwnInstance) }
  return Buffer.from(`id: ${position}\nevent: list\ndata: ${JSON.stringify(shown)}\n\n`)
}
