/**
 * Messages on a stream: four bytes of length, then the bytes; the highest bit marks the last message of a stream.
 * Libp2p's streams keep no borders (three sends may arrive as four pieces), so both ends count. What a peer claims is
 * never allocated, only what it has sent.
 */
import type { Stream } from '@libp2p/interface'

/** Time for the last bytes to leave before a stream is cut instead of closed. */
const closeTimeout_ms = 10_000
/** What goes to the muxer at once; small enough that streams of one connection take turns. */
const sliceBytes = 64 * 1024
const lastBit = 0x8000_0000
export const headerBytes = 4
const empty = new Uint8Array(0)

/** A header and its bytes in one piece, for messages that are small. */
export function encodeMessage(bytes: Uint8Array, last: boolean): Uint8Array {
  const message = new Uint8Array(headerBytes + bytes.length)
  message.set(encodeHeader(bytes.length, last))
  message.set(bytes, headerBytes)
  return message
}

function encodeHeader(length: number, last: boolean): Uint8Array {
  const header = new Uint8Array(headerBytes)
  new DataView(header.buffer).setUint32(0, last ? length + lastBit : length)
  return header
}

/** Puts messages together from the pieces in which they arrive. */
export class MessageReader {
  readonly #limit: number
  readonly #onMessage: (bytes: Uint8Array, last: boolean) => void
  readonly #isLent: boolean
  readonly #header = new Uint8Array(headerBytes)
  #headerFilled = 0
  #body: Uint8Array = empty
  #bodyFilled = 0
  #length = 0
  #last = false
  #ended = false

  /**
   * @param limit bytes of the largest message that is accepted
   * @param isLent whoever keeps the bytes of a message copies them: they may be a window on all that came with them
   */
  constructor(limit: number, onMessage: (bytes: Uint8Array, last: boolean) => void, isLent = false) {
    this.#limit = limit
    this.#isLent = isLent
    this.#onMessage = onMessage
  }

  /** Bytes held of an unfinished message. */
  get held(): number {
    return this.#body.length
  }

  /** @returns false when the peer broke the rules: a message over the limit, or bytes after the last one */
  push(piece: Uint8Array): boolean {
    let at = 0
    while (at < piece.length) {
      if (this.#ended) return false
      at += this.#headerFilled < headerBytes ? this.#pushHeader(piece, at) : this.#pushBody(piece, at)
      if (this.#length > this.#limit) return false
      if (this.#headerFilled === headerBytes && this.#bodyFilled === this.#length) this.#finish()
    }
    return true
  }

  #pushHeader(piece: Uint8Array, at: number): number {
    const taken = piece.subarray(at, at + headerBytes - this.#headerFilled)
    this.#header.set(taken, this.#headerFilled)
    this.#headerFilled += taken.length
    if (this.#headerFilled === headerBytes) {
      const word = new DataView(this.#header.buffer).getUint32(0)
      this.#last = word >= lastBit
      this.#length = this.#last ? word - lastBit : word
    }
    return taken.length
  }

  #pushBody(piece: Uint8Array, at: number): number {
    const taken = piece.subarray(at, at + this.#length - this.#bodyFilled)
    if (this.#isLent && taken.length === this.#length) {
      this.#body = taken
      this.#bodyFilled = taken.length
      return taken.length
    }
    const needed = this.#bodyFilled + taken.length
    if (needed > this.#body.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(needed, 2 * this.#body.length)))
      grown.set(this.#body.subarray(0, this.#bodyFilled))
      this.#body = grown
    }
    this.#body.set(taken, this.#bodyFilled)
    this.#bodyFilled = needed
    return taken.length
  }

  #finish(): void {
    const bytes = this.#body
    const last = this.#last
    this.#headerFilled = 0
    this.#body = empty
    this.#bodyFilled = 0
    this.#length = 0
    this.#ended = last
    this.#onMessage(bytes, last)
  }
}

export interface SendOptions {
  readonly last: boolean
  readonly signal: AbortSignal
  /** Called after each slice that the stream took. */
  readonly onProgress: () => void
}

/** Writes one message as fast as the other end takes it. Rejects when the stream closes or the signal aborts. */
export async function sendMessage(stream: Stream, bytes: Uint8Array, options: SendOptions): Promise<void> {
  await send(stream, encodeHeader(bytes.length, options.last), options.signal)
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    await send(stream, bytes.subarray(at, at + sliceBytes), options.signal)
    options.onProgress()
  }
}

async function send(stream: Stream, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  await writable(stream, signal)
  stream.send(bytes)
}

/** Waits until the stream takes bytes. Its own `onDrain` is of no use: the promise behind it settles only once in its life. */
function writable(stream: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
      signal.removeEventListener('abort', onAbort)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onDrain = () => settle()
    const onClose = () => settle(new Error('the stream closed'))
    const onAbort = () => settle(new Error('given up'))
    if (signal.aborted) return onAbort()
    if (stream.status !== 'open') return onClose()
    if (!stream.writableNeedsDrain) return resolve()
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
    signal.addEventListener('abort', onAbort)
  })
}

/** Says that no more comes from us; cuts the stream when even that does not get through. */
export function closeStream(stream: Stream): void {
  stream.close({ signal: AbortSignal.timeout(closeTimeout_ms) }).catch((error: Error) => stream.abort(error))
}
