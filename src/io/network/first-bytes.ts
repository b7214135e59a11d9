/**
 * Bounds what connections bring until their handshake is done: libp2p keeps all of that, each piece by itself. Beyond it nothing more is
 * read: whoever is one of us has said by then what the handshake needs, and what it says next waits at its own end.
 *
 *     half-open connections × so many bytes
 *     those that brought more × what is read of a socket at once, twice; of too many of those the oldest goes
 */
import type { MessageStream } from '@libp2p/interface'

export const firstBytesLimits = {
  /** The words before it, and what its three messages are, ten times. */
  bytes: 8 * 1024,
  /** Each costs some hundred bytes beside its own. */
  pieces: 64,
  /** Connections of which more has come. An honest one is none of them for longer than a moment: its handshake goes on without that. */
  full: 64,
} as const

/** What the types of libp2p do not tell, protected and pinned with its version. */
interface Reading {
  onData: (bytes: { readonly byteLength: number }) => void
  readonly readStatus: 'readable' | 'paused' | 'closing' | 'closed'
}

export class FirstBytes {
  readonly #onExcess: () => void
  /** The oldest first. */
  readonly #full = new Set<MessageStream>()

  /** @param onExcess one brought more, and came to nothing */
  constructor(onExcess: () => void) {
    this.#onExcess = onExcess
  }

  /** To be called before anybody else takes what comes, so that what waits elsewhere for its turn is not counted: it may be needed. */
  async during<Result>(connection: MessageStream, handshake: () => Promise<Result>): Promise<Result> {
    const reading = connection as unknown as Reading
    const end = this.#bound(connection, reading)
    try {
      return await handshake()
    } catch (error) {
      if (this.#full.has(connection)) this.#onExcess()
      throw error
    } finally {
      end()
      if (this.#full.delete(connection) && reading.readStatus === 'paused') connection.resume()
    }
  }

  #bound(connection: MessageStream, reading: Reading): () => void {
    const onData = reading.onData.bind(connection)
    let [bytes, pieces] = [0, 0]
    let isOver = false
    reading.onData = (piece) => {
      onData(piece)
      if (isOver) return
      bytes += piece.byteLength
      pieces += 1
      if (bytes > firstBytesLimits.bytes || pieces > firstBytesLimits.pieces) this.#hold(connection, reading)
    }
    return () => (isOver = true)
  }

  #hold(connection: MessageStream, { readStatus }: Reading): void {
    if (readStatus !== 'readable') return
    connection.pause()
    this.#full.add(connection)
    const [oldest] = this.#full
    if (this.#full.size > firstBytesLimits.full)
      oldest?.abort(new Error('too many say too much before their handshake'))
  }
}
