/**
 * Asks one peer a question: a stream for each, one message there, any number back. It never asks twice: whether to try again is
 * the caller's to decide.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { assert } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'
import { Deadline } from './deadline.js'
import type { Drops } from './drops.js'
import { closeStream, MessageReader, sendMessage } from './messages.js'
import { Permits } from './permits.js'

export const messageBytes = 64 * 1024 * 1024

export const requestLimits = {
  /** A message of at most this size never waits behind a larger one. */
  smallBytes: 64 * 1024,
  /** Requests under way at once, and more that wait for one of these to end. */
  small: { atOnce: 48, queued: 256 },
  bulk: { atOnce: 16, queued: 64 },
  /** A peer that makes progress may take this many times the deadline, but not longer than the other bound. */
  totalFactor: 30,
  total_ms: 300_000,
} as const

export interface RequestOptions {
  /** The longest time without progress, the wait in our own queue included. */
  readonly timeout_ms: number
  onResponse(bytes: Uint8Array): void
  /** Exactly once, after the last response. `ok`: the peer said that it was done. */
  onClosed(ok: boolean): void
}

export interface RequestsOptions {
  readonly protocol: string
  connectionTo(peer: PeerId): Connection | undefined
  readonly drops: Drops
}

export class Requests {
  readonly #options: RequestsOptions
  readonly #small = new Permits(requestLimits.small.atOnce, requestLimits.small.queued)
  readonly #bulk = new Permits(requestLimits.bulk.atOnce, requestLimits.bulk.queued)
  readonly #open = new Set<Request>()

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  ask(to: PeerId, bytes: Uint8Array, options: RequestOptions): void {
    assert(bytes.length <= messageBytes, `a request has at most ${messageBytes} bytes`)
    const request = new Request(options, this.#options.drops)
    this.#open.add(request)
    void request.closed.then(() => this.#open.delete(request))
    const permits = bytes.length <= requestLimits.smallBytes ? this.#small : this.#bulk
    const permit = permits.take()
    if (permit === undefined) {
      this.#options.drops.count('request-queue-full')
      return request.end(false)
    }
    void this.#run(request, to, bytes, permit).finally(() => permits.giveBack())
  }

  /** Ends everything that is under way as failed. */
  stop(): void {
    for (const request of [...this.#open]) request.end(false)
  }

  async #run(request: Request, to: PeerId, bytes: Uint8Array, permit: Promise<void>): Promise<void> {
    await permit
    const connection = this.#options.connectionTo(to)
    if (connection === undefined || request.signal.aborted) return request.end(false)
    let stream: Stream | undefined
    try {
      stream = await connection.newStream([this.#options.protocol], { signal: request.signal })
      request.read(stream)
      await sendMessage(stream, bytes, { last: true, signal: request.signal, onProgress: () => request.progress() })
      closeStream(stream)
    } catch (error) {
      stream?.abort(error as Error)
      request.end(false)
    }
    await request.closed
  }
}

class Request {
  readonly #options: RequestOptions
  readonly #drops: Drops
  readonly #deadline: Deadline
  readonly #stop = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  #stream: Stream | undefined
  #over = false

  constructor(options: RequestOptions, drops: Drops) {
    this.#options = options
    this.#drops = drops
    this.#deadline = new Deadline({
      idle_ms: options.timeout_ms,
      total_ms: Math.max(
        options.timeout_ms,
        Math.min(requestLimits.total_ms, options.timeout_ms * requestLimits.totalFactor),
      ),
      onPassed: () => {
        drops.count('request-deadline')
        this.end(false)
      },
    })
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get closed(): Promise<void> {
    return this.#ended.promise
  }

  progress(): void {
    this.#deadline.progress()
  }

  read(stream: Stream): void {
    this.#stream = stream
    if (this.#over) return stream.abort(new Error('given up'))
    const reader = new MessageReader(messageBytes, (bytes, last) => {
      if (!this.#over && (bytes.length > 0 || !last)) this.#options.onResponse(bytes)
      if (last) this.end(true)
    })
    stream.addEventListener('message', ({ data }) => {
      this.progress()
      if (this.#over || reader.push(data.subarray())) return
      this.#drops.count('frame-malformed')
      this.end(false)
    })
    stream.addEventListener('remoteCloseWrite', () => this.end(false))
    stream.addEventListener('close', () => this.end(false))
    if (stream.status !== 'open') this.end(false)
  }

  end(ok: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#deadline.clear()
    this.#stop.abort()
    if (!ok) this.#stream?.abort(new Error('the request failed'))
    // Never within the call that asked: the caller has yet to note that it did.
    queueMicrotask(() => {
      this.#ended.resolve()
      this.#options.onClosed(ok)
    })
  }
}
