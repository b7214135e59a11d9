/**
 * The answers to lookups as bytes, kept for as long as they say the same: reading is what a registry is asked for most.
 * What decides that is the version that the daemon gives with each slug; nothing here guesses.
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { RegistryError } from '../core/model/errors.js'
import type { PickQuery } from '../core/lookup/chooser.js'
import { atPort, type InstanceView, type PickResult } from '../core/views.js'
import { DoorCounts, type LookupCounts } from '../metrics/doors.js'
import { jsonType } from './body.js'
import type { FindService } from './service.js'
import { showInstance, showOwnInstance } from './show.js'
import type { WaitingAnswers } from './waiting.js'

/** How old the moments of heartbeats in an answer may be: a heartbeat comes once in so long. */
const keep_ms = 1000

/** Up to so much a copy costs less than several writes, and whole bodies are kept, one for each that may be named. */
const joined_bytes = 8 * 1024
const keptBodies = 32

/** A body, in order. The first of them is most of it, and the same for all who ask the same. */
export type Pieces = readonly [Buffer, ...Buffer[]]

/** The instances of one version of one slug. */
interface Kept {
  readonly until: number
  readonly byId: ReadonlyMap<string, Buffer>
  /** The JSON up to the picked one, and what follows that. */
  readonly front: Buffer
  readonly tail: Buffer
  /** Where nobody is picked. */
  readonly unpicked: Pieces
  /** By the id of the picked one. */
  readonly bodies: Map<string, Pieces>
}

const pickedHead = ',"picked":'

export class LookupAnswers {
  readonly #service: FindService
  readonly #now: () => number
  /** A version that nobody can ask for any more takes its bytes with it. */
  readonly #lookups = new WeakMap<object, Kept>()
  readonly #lists = new WeakMap<object, Kept>()

  readonly #counts: LookupCounts

  /** @param now milliseconds on a clock that never steps */
  constructor(service: FindService, now = () => performance.now(), counts = new DoorCounts().lookups('http')) {
    this.#service = service
    this.#now = now
    this.#counts = counts
  }

  /**
   * The JSON of the service's `lookup(slug)`; only how one is picked follows the query.
   * @throws RegistryError `not-found` where no record has that slug
   */
  lookup(slug: string, query?: PickQuery): Pieces {
    const version = this.#service().version(slug, true)
    const kept = version === undefined ? undefined : this.#fresh(this.#lookups, version)
    if (version === undefined) this.#counts.unknown.value += 1
    if (kept !== undefined) {
      const suggested = this.#service().suggest(slug, query)
      this.#count(suggested !== undefined)
      return bodyOf(kept, suggested, query?.port)
    }
    const { instances, picked, degraded } = this.#service().lookup(slug, query)
    this.#count(picked !== undefined)
    const made = this.#make(
      instances.map(showOwnInstance),
      `{"slug":${JSON.stringify(slug)},"instances":`,
      `,"degraded":${String(degraded)}}`,
    )
    if (version !== undefined) this.#lookups.set(version, made)
    return bodyOf(made, picked?.id, query?.port)
  }

  /** The JSON of the service's `instances(slug)`, as listInstances answers it. */
  list(slug: string): Pieces {
    const version = this.#service().version(slug, false)
    const kept = version === undefined ? undefined : this.#fresh(this.#lists, version)
    if (version === undefined) this.#counts.unknown.value += 1
    else if (kept !== undefined) this.#count(kept.byId.size > 0)
    if (kept !== undefined) return bodyOf(kept, undefined)
    const made = this.#make(this.#service().instances(slug).map(showInstance), '{"instances":', '}')
    if (version === undefined) return bodyOf(made, undefined)
    this.#lists.set(version, made)
    this.#count(made.byId.size > 0)
    return bodyOf(made, undefined)
  }

  /** The service's `pick(slug)`, which is never kept: the next one has its turn. */
  pick(slug: string, query?: PickQuery): PickResult {
    const isKnown = this.#service().version(slug, true) !== undefined
    if (!isKnown) this.#counts.unknown.value += 1
    const answer = this.#service().pick(slug, query)
    if (isKnown) this.#count(answer.picked !== undefined)
    return answer
  }

  #count(isFound: boolean): void {
    const { found, empty } = this.#counts
    if (isFound) found.value += 1
    else empty.value += 1
  }

  #fresh(cache: WeakMap<object, Kept>, version: object): Kept | undefined {
    const kept = cache.get(version)
    return kept !== undefined && this.#now() < kept.until ? kept : undefined
  }

  #make(instances: readonly InstanceView[], head: string, tail: string): Kept {
    const texts = instances.map((view) => JSON.stringify(view))
    const front = Buffer.from(`${head}[${texts.join(',')}]${pickedHead}`)
    const end = Buffer.from(tail)
    return {
      until: this.#now() + keep_ms,
      byId: new Map(texts.map((text, i) => [(instances[i] as InstanceView).id, Buffer.from(text)])),
      front,
      tail: end,
      unpicked: joined([front.subarray(0, front.length - pickedHead.length), end]),
      bodies: new Map(),
    }
  }
}

/** @param port by whose name the picked one is called; absent: as it is listed */
function bodyOf(kept: Kept, picked: string | undefined, port?: string): Pieces {
  if (picked === undefined) return kept.unpicked
  return port === undefined ? (kept.bodies.get(picked) ?? makeBody(kept, picked)) : bodyAt(kept, picked, port)
}

function makeBody(kept: Kept, picked: string): Pieces {
  const { front, tail, bodies } = kept
  const body = joined([front, listed(kept, picked), tail])
  if (body.length === 1 && bodies.size < keptBodies) bodies.set(picked, body)
  return body
}

function bodyAt(kept: Kept, picked: string, port: string): Pieces {
  const view = atPort(JSON.parse(listed(kept, picked).toString()) as InstanceView, port)
  if (view === undefined) return kept.unpicked
  return [kept.front, Buffer.from(JSON.stringify(showOwnInstance(view))), kept.tail]
}

function listed({ byId }: Kept, picked: string): Buffer {
  const instance = byId.get(picked)
  if (instance === undefined) throw new RegistryError('internal', `lookup: picked ${picked}, which is not listed`)
  return instance
}

function joined(pieces: Pieces): Pieces {
  return lengthOf(pieces) > joined_bytes ? pieces : [Buffer.concat(pieces)]
}

function lengthOf(pieces: Pieces): number {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}

/**
 * Sends a body without copying it, past the framework, which would join it first. What it would have said beside the body
 * is said as well.
 */
export function sendPieces(reply: FastifyReply, pieces: Pieces, waiting: WaitingAnswers): void {
  const said = reply.getHeaders() as Record<string, string>
  const length = admitted(reply.raw, pieces, waiting)
  reply.hijack()
  writePieces(reply.raw, pieces, { ...said, 'content-type': jsonType, 'content-length': length })
}

/**
 * @returns how long it is
 * @throws RegistryError `unavailable` where too many wait
 */
export function admitted(response: ServerResponse, pieces: Pieces, waiting: WaitingAnswers): number {
  const length = lengthOf(pieces)
  // All that is kept of a version is one list in memory, whoever is picked.
  waiting.add(response, pieces[0].buffer, length)
  return length
}

export function writePieces(response: ServerResponse, pieces: Pieces, headers: OutgoingHttpHeaders): void {
  response.writeHead(200, headers)
  const last = pieces.length - 1
  for (let i = 0; i < last; i += 1) response.write(pieces[i])
  response.end(pieces[last])
}
