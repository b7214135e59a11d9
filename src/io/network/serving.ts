/**
 * Serves the requests of peers: reads one message from a stream, hands it on, writes the answers back.
 * It never answers by itself, and a peer can make it hold only so much.
 */
import type { Stream } from '@libp2p/interface'
import { assert } from '../../core/errors.js'
import type { PeerId } from '../../core/model.js'
import { Deadline } from './deadline.js'
import type { Drops } from './drops.js'
import { closeStream, MessageReader, sendMessage } from './messages.js'
import { Permits } from './permits.js'
import { messageBytes, requestLimits } from './requests.js'

export const servingLimits = {
  /** Requests of all peers at once; the answer to each starts at once. */
  atOnce: 256,
  /** Answers of more than a small message under way at once; the others wait after their first bytes. */
  bulk: 8,
  /** Bytes held at once of requests that are not yet complete. */
  heldBytes: 256 * 1024 * 1024,
  /** Bytes of one answer that wait to be sent. */
  replyBytes: 256 * 1024 * 1024,
  /** The longest time without progress, and at all. */
  idle_ms: 60_000,
  total_ms: 300_000,
} as const

/** Gives one message of the answer; the last one may be empty. */
export type Reply = (bytes: Uint8Array, last: boolean) => void

export interface ServingOptions {
  readonly drops: Drops
  onRequest(from: PeerId, bytes: Uint8Array, reply: Reply): void
}

export class Serving {
  readonly #options: ServingOptions
  readonly #bulk = new Permits(servingLimits.bulk, servingLimits.atOnce)
  readonly #open = new Set<ServedRequest>()

  constructor(options: ServingOptions) {
    this.#options = options
  }

  accept(stream: Stream, from: PeerId): void {
    const { drops, onRequest } = this.#options
    if (this.#open.size >= servingLimits.atOnce) {
      drops.count('request-refused')
      return stream.abort(new Error('too many requests at once'))
    }
    const request = new ServedRequest(stream, {
      drops,
      bulk: this.#bulk,
      onRequest: (bytes, reply) => onRequest(from, bytes, reply),
      onEnd: () => this.#open.delete(request),
      isFull: () => this.#held() > servingLimits.heldBytes,
    })
    this.#open.add(request)
  }

  stop(): void {
    for (const request of [...this.#open]) request.fail()
  }

  #held(): number {
    let held = 0
    for (const request of this.#open) held += request.held
    return held
  }
}

interface ServedRequestOptions {
  readonly drops: Drops
  readonly bulk: Permits
  onRequest(bytes: Uint8Array, reply: Reply): void
  onEnd(): void
  isFull(): boolean
}

class ServedRequest {
  readonly #stream: Stream
  readonly #options: ServedRequestOptions
  readonly #reader: MessageReader
  readonly #deadline: Deadline
  readonly #stop = new AbortController()
  readonly #replies: { bytes: Uint8Array; last: boolean }[] = []
  #replyBytes = 0
  #sentBytes = 0
  #asked = false
  #sending = false
  #answered = false
  #isBulk = false
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
    else if (this.#options.isFull()) this.fail('request-refused')
  }

  #onRequest(bytes: Uint8Array, last: boolean): void {
    this.#asked = true
    if (!last) return this.fail('frame-malformed')
    this.#options.onRequest(bytes, (answer, isLast) => this.#reply(answer, isLast))
  }

  #reply(bytes: Uint8Array, last: boolean): void {
    assert(bytes.length <= messageBytes, `an answer has at most ${messageBytes} bytes`)
    if (this.#over || this.#answered) return
    this.#answered = last
    this.#replyBytes += bytes.length
    if (this.#replyBytes > servingLimits.replyBytes) return this.fail('reply-failed')
    this.#replies.push({ bytes, last })
    if (!this.#sending) void this.#send()
  }

  async #send(): Promise<void> {
    this.#sending = true
    try {
      for (let next = this.#replies.shift(); next !== undefined; next = this.#replies.shift()) {
        await this.#waitForBulk(next.bytes.length)
        await sendMessage(this.#stream, next.bytes, {
          last: next.last,
          signal: this.#stop.signal,
          onProgress: () => this.#deadline.progress(),
        })
        this.#replyBytes -= next.bytes.length
        if (!next.last) continue
        this.#end()
        closeStream(this.#stream)
      }
    } catch {
      this.fail('reply-failed')
    } finally {
      this.#sending = false
      if (this.#over) this.#giveBack()
    }
  }

  async #waitForBulk(bytes: number): Promise<void> {
    this.#sentBytes += bytes
    if (this.#isBulk || this.#sentBytes <= requestLimits.smallBytes) return
    const permit = this.#options.bulk.take()
    if (permit === undefined) throw new Error('too many large answers are waiting already')
    await permit
    this.#isBulk = true
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#deadline.clear()
    this.#stop.abort()
    this.#replies.length = 0
    if (!this.#sending) this.#giveBack()
    this.#options.onEnd()
  }

  #giveBack(): void {
    if (!this.#isBulk) return
    this.#isBulk = false
    this.#options.bulk.giveBack()
  }
}
