/**
 * Gathers the bodies of requests while they come: how large each may become, how much all of them hold together. It parses none.
 *
 * Where there is no more room for all the largest gives way: whoever sends much, and slowly, keeps out nobody who sends what is usual.
 */
import type { IncomingMessage, Server } from 'node:http'
import { RegistryError } from '../core/model/errors.js'
import { endRaw } from './failures.js'

export const bodyLimits = {
  bytes: 1024 * 1024,
  /**
   * What is read and thrown away of a larger body before it is refused. A server that answers and closes while the
   * client still sends makes the client's kernel drop the answer, and the client sees a reset instead of a 413.
   */
  discardedBytes: 16 * 1024 * 1024,
  /** Of a body that comes in chunks, however small they are, and one more for each 64 bytes: each takes time. */
  pieces: 4096,
  /** Of all bodies that are still coming. */
  allBytes: 64 * 1024 * 1024,
} as const

export type BodyLimits = { readonly [name in keyof typeof bodyLimits]: number }

export const tooLarge = {
  status: 413,
  message: `body: larger than ${bodyLimits.bytes} bytes; send less at once`,
} as const

const piece_bytes = 64
/** Memory is taken for so many bytes at the least, and twice as many each time that more come. */
const least_bytes = 1024

export class IncomingBodies {
  readonly #limits: BodyLimits
  readonly #coming = new Set<Body>()
  #bytes = 0

  constructor(limits: BodyLimits = bodyLimits) {
    this.#limits = limits
  }

  /** What is held of all that are still coming. */
  get bytes(): number {
    return this.#bytes
  }

  /** @throws RegistryError `too-large`; `malformed` where its connection ends before it does; `unavailable` where others need its room */
  read(stream: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const body = new Body(reject)
      this.#coming.add(body)
      stream.on('data', (piece: Buffer) => this.#take(stream, body, piece))
      stream.once('end', () => {
        this.#letGo(body)
        if (body.length > this.#limits.bytes) reject(larger())
        else resolve(body.whole())
      })
      const endEarly = (cause?: Error): void => {
        this.#letGo(body)
        if (!stream.readableEnded) reject(endedEarly(cause))
      }
      stream.once('error', endEarly)
      stream.once('close', endEarly)
    })
  }

  #take(stream: IncomingMessage, body: Body, piece: Buffer): void {
    const { bytes, discardedBytes } = this.#limits
    if (stream.socket.destroyed) return // what was read of it by then
    body.count(piece)
    if (body.isInPieces(this.#limits)) return this.#cutOff(stream, body)
    if (body.length > discardedBytes) body.refuse(larger())
    if (body.length > 2 * discardedBytes) return void stream.socket.destroy()
    if (body.length > bytes) return this.#letGo(body)
    if (!this.#coming.has(body)) return // refused, and read to its end for the sake of the answer
    this.#bytes += body.add(piece, bytes)
    while (this.#bytes > this.#limits.allBytes) this.#makeWay()
  }

  /** Nobody sends so who wants an answer, and what else comes of it would take as long. */
  #cutOff({ socket }: IncomingMessage, body: Body): void {
    const most = `${this.#limits.pieces}, and one more for each ${piece_bytes} bytes`
    const message = `body: comes in too many pieces (more than ${most}); send larger chunks`
    this.#letGo(body)
    if (!body.isAnswered) endRaw(socket, tooLarge.status, message)
    body.refuse(new RegistryError('too-large', message))
    socket.destroy()
  }

  #makeWay(): void {
    let [largest] = this.#coming
    for (const body of this.#coming) if (largest === undefined || body.room > largest.room) largest = body
    if (largest === undefined) return
    this.#letGo(largest)
    const why = `bodies of more than ${this.#limits.allBytes} bytes are on their way here, of which this is the largest`
    largest.refuse(new RegistryError('unavailable', `${why}; send it again in a moment, or less at once`))
  }

  #letGo(body: Body): void {
    if (!this.#coming.delete(body)) return
    this.#bytes -= body.room
  }
}

/**
 * Of what nobody reads, such as the body of a question: it is thrown away once that is answered, as much as of one that is too large.
 * Node would do so without any bound.
 */
export function discardUnread(server: Server, limits: BodyLimits = bodyLimits): void {
  server.prependListener('request', (request, response) => {
    const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
    if (coding === undefined && length === '0') return
    response.once('prefinish', () => {
      if (request.complete || request.listenerCount('data') > 0) return
      const body = new Came()
      request.on('data', (piece: Buffer) => {
        body.count(piece)
        if (body.length > limits.discardedBytes || body.isInPieces(limits)) request.socket.destroy()
      })
    })
  })
}

/** How much has come of one body, kept or not. */
class Came {
  length = 0
  #pieces = 0

  count(piece: Buffer): void {
    this.length += piece.length
    this.#pieces += 1
  }

  isInPieces({ pieces }: BodyLimits): boolean {
    return this.#pieces > pieces + this.length / piece_bytes
  }
}

class Body extends Came {
  readonly #reject: (error: RegistryError) => void
  isAnswered = false
  /** A copy: a piece is a part of what was read of its socket at once, and would hold all of that. */
  #bytes = Buffer.alloc(0)

  /** @param reject tells why it is not taken, which is answered */
  constructor(reject: (error: RegistryError) => void) {
    super()
    this.#reject = reject
  }

  refuse(error: RegistryError): void {
    this.isAnswered = true
    this.#reject(error)
  }

  /** Bytes of memory. */
  get room(): number {
    return this.#bytes.length
  }

  /** The last of what has come. @returns how many bytes more it takes */
  add(piece: Buffer, most_bytes: number): number {
    const { room } = this
    if (this.length > room) {
      const grown = Buffer.allocUnsafe(Math.min(most_bytes, Math.max(least_bytes, 2 * room, this.length)))
      this.#bytes.copy(grown)
      this.#bytes = grown
    }
    piece.copy(this.#bytes, this.length - piece.length)
    return this.room - room
  }

  whole(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }
}

function larger(): RegistryError {
  return new RegistryError('too-large', tooLarge.message)
}

function endedEarly(cause?: Error): RegistryError {
  return new RegistryError('malformed', 'body: the connection ended before it was complete', { cause })
}
