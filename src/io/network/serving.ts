/**
 * Serves the requests of peers: reads one message from a stream, hands it on, writes the answers back.
 * It never answers by itself, and a peer can make it hold only so much.
 */
import type { Stream } from '@libp2p/interface'
import { assert } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'
import { Deadline } from './deadline.js'
import type { Drops } from './drops.js'
import { closeStream, MessageReader, sendMessage } from './messages.js'
import type { Rates } from './rates.js'
import { messageBytes, requestLimits } from './requests.js'

export const servingLimits = {
  /** Requests of all peers at once, and of one: as many as a daemon has under way itself. The answer to each starts at once. */
  atOnce: 1024,
  peerAtOnce: requestLimits.small.atOnce + requestLimits.bulk.atOnce,
  /** Bytes held at once of requests that are not yet complete. */
  heldBytes: 256 * 1024 * 1024,
  /** Bytes of one answer that wait to be sent. */
  replyBytes: 256 * 1024 * 1024,
  /** The longest time without progress, and at all. */
  idle_ms: 60_000,
  total_ms: 300_000,
  /** The longest time in which whoever asked takes nothing of a message that waits for it. */
  taking_ms: 15_000,
} as const

/** What was made for whoever did not read it counts so many times more. */
const unreadCost = 3

/**
 * Gives one message of the answer; the last one may be empty.
 * @param onGone called exactly once: it was handed to the socket, or (not `ok`) it never will be
 */
export type Reply = (bytes: Uint8Array, last: boolean, onGone?: (ok: boolean) => void) => void

export interface ServingOptions {
  readonly drops: Drops
  readonly rates: Rates
  onRequest(from: PeerId, bytes: Uint8Array, reply: Reply): void
}

export class Serving {
  readonly #options: ServingOptions
  readonly #open = new Set<ServedRequest>()
  readonly #byPeer = new Map<PeerId, Set<ServedRequest>>()

  constructor(options: ServingOptions) {
    this.#options = options
  }

  accept(stream: Stream, from: PeerId): void {
    const { drops, rates, onRequest } = this.#options
    if (!rates.take('question', from) || !rates.mayHave('answer', from)) {
      drops.count('request-excess')
      return stream.abort(new Error('too many requests'))
    }
    const others = this.#byPeer.get(from) ?? new Set()
    if (this.#open.size >= servingLimits.atOnce || others.size >= servingLimits.peerAtOnce) {
      drops.count('request-refused')
      return stream.abort(new Error('too many requests at once'))
    }
    const request = new ServedRequest(stream, {
      drops,
      onRequest: (bytes, reply) => onRequest(from, bytes, this.#charged(from, reply)),
      onEnd: () => this.#ended(request, from),
      onHeld: () => this.#makeRoom(),
    })
    this.#open.add(request)
    this.#byPeer.set(from, others.add(request))
  }

  /** What is not read costs more: it was made for nobody. */
  #charged(from: PeerId, reply: Reply): Reply {
    const { rates } = this.#options
    return (bytes, last, onGone) => {
      rates.charge('answer', from, bytes.length)
      reply(bytes, last, (ok) => {
        if (!ok) rates.charge('answer', from, unreadCost * bytes.length)
        onGone?.(ok)
      })
    }
  }

  #ended(request: ServedRequest, from: PeerId): void {
    this.#open.delete(request)
    const others = this.#byPeer.get(from)
    others?.delete(request)
    if (others?.size === 0) this.#byPeer.delete(from)
  }

  /** Whoever holds most gives way: one peer with many long requests keeps nobody else from asking. */
  #makeRoom(): void {
    if (heldBy(this.#open) <= servingLimits.heldBytes) return
    const most = largest([...this.#byPeer.values()], heldBy) ?? []
    largest([...most], ({ held }) => held)?.fail('request-refused')
  }

  stop(): void {
    for (const request of [...this.#open]) request.fail()
  }
}

function heldBy(requests: Iterable<ServedRequest>): number {
  let held = 0
  for (const request of requests) held += request.held
  return held
}

function largest<T>(all: readonly T[], sizeOf: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (most, one) => (most !== undefined && sizeOf(most) >= sizeOf(one) ? most : one),
    undefined,
  )
}

interface Message {
  readonly bytes: Uint8Array
  readonly last: boolean
  readonly onGone: (ok: boolean) => void
}

interface ServedRequestOptions {
  readonly drops: Drops
  onRequest(bytes: Uint8Array, reply: Reply): void
  onEnd(): void
  /** More of a request is held. */
  onHeld(): void
}

class ServedRequest {
  readonly #stream: Stream
  readonly #options: ServedRequestOptions
  readonly #reader: MessageReader
  readonly #deadline: Deadline
  readonly #stop = new AbortController()
  /** The first of them is being sent. */
  readonly #replies: Message[] = []
  #replyBytes = 0
  #asked = false
  #sending = false
  #answered = false
  #over = false

  constructor(stream: Stream, options: ServedRequestOptions) {
    this.#stream = stream
    this.#options = options
    this.#reader = new MessageReader(messageBytes, (bytes, last) => this.#onRequest(bytes, last))
    this.#deadline = new Deadline({ ...servingLimits, onPassed: () => this.fail('request-deadline') })
    stream.addEventListener('message', ({ data }) => this.#push(data.subarray()))
    stream.addEventListener('remoteCloseWrite', () => this.#asked || this.fail('frame-malformed'))
    stream.addEventListener('close', () => this.fail(this.#answered ? 'reply-failed' : undefined))
  }

  /** Bytes of a request that is not yet complete. */
  get held(): number {
    return this.#reader.held
  }

  fail(reason?: Parameters<Drops['count']>[0]): void {
    if (this.#over) return
    if (reason !== undefined) this.#options.drops.count(reason)
    this.#end()
    this.#stream.abort(new Error('the request cannot be served'))
  }

  #push(piece: Uint8Array): void {
    if (this.#over) return
    this.#deadline.progress()
    if (!this.#reader.push(piece)) this.fail('frame-malformed')
    else this.#options.onHeld()
  }

  #onRequest(bytes: Uint8Array, last: boolean): void {
    this.#asked = true
    if (!last) return this.fail('frame-malformed')
    this.#options.onRequest(bytes, (answer, isLast, onGone = () => {}) =>
      this.#reply({ bytes: answer, last: isLast, onGone }),
    )
  }

  #reply(message: Message): void {
    const { bytes, last, onGone } = message
    assert(bytes.length <= messageBytes, `an answer has at most ${messageBytes} bytes`)
    if (this.#over || this.#answered) return onGone(false)
    this.#answered = last
    this.#replyBytes += bytes.length
    this.#replies.push(message)
    if (this.#replyBytes > servingLimits.replyBytes) return this.fail('reply-failed')
    if (!this.#sending) void this.#send()
  }

  async #send(): Promise<void> {
    this.#sending = true
    try {
      for (let next = this.#replies[0]; next !== undefined; next = this.#replies[0]) {
        await this.#sendOne(next)
        if (this.#over) return
        this.#replies.shift()
        this.#replyBytes -= next.bytes.length
        if (next.last) {
          this.#end()
          closeStream(this.#stream)
        }
        next.onGone(true)
      }
    } catch {
      this.fail('reply-failed')
    } finally {
      this.#sending = false
    }
  }

  /** Whoever does not take it makes nobody wait: what it asked for is let go. */
  async #sendOne({ bytes, last }: Message): Promise<void> {
    const taking = new Deadline({
      idle_ms: servingLimits.taking_ms,
      total_ms: servingLimits.total_ms,
      onPassed: () => this.fail('reply-untaken'),
    })
    const onProgress = (): void => {
      taking.progress()
      this.#deadline.progress()
    }
    try {
      await sendMessage(this.#stream, bytes, { last, signal: this.#stop.signal, onProgress })
    } finally {
      taking.clear()
    }
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#deadline.clear()
    this.#stop.abort()
    for (const { onGone } of this.#replies.splice(0)) onGone(false)
    this.#options.onEnd()
  }
}
