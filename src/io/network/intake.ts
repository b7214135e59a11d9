/**
 * The one door by which bytes of peers come in, in sips: what one turn of the event loop takes of them is bounded by what it costs. While
 * some of a connection wait here nothing more is read of it: what is sent then waits at its own end. It drops nothing and reads nothing.
 *
 *     socket ──sips──▶ decryption ──sips──▶ streams ──sips──▶ those who read gossip and heartbeats
 *
 * Each time anew, since much may be in few bytes: many messages in one piece of a socket, many streams in one message.
 */
import type { AbortOptions, MessageStream, Stream, StreamMuxer } from '@libp2p/interface'
import type { Allowance } from './allowances.js'
import { type Come, cutOff } from './muxer-limits.js'
import { type Intake, Sips } from './sips.js'

/** What the types of libp2p do not tell: whether what comes is handed on, waits, or is thrown away. */
interface Reading {
  readonly readStatus: 'readable' | 'paused' | 'closing' | 'closed'
}

/** What is protected in a stream of `@libp2p/utils`, and pinned with its version: how bytes come, how whoever sends them is slowed, its ends. */
interface Receiving {
  onData: (bytes: Pieces) => void
  sendPause: () => void
  sendResume: () => void
  onRemoteCloseWrite: () => void
  onTransportClosed: (error?: Error) => void
  /** A connection has none. */
  sendCloseWrite?: (options?: AbortOptions) => Promise<void>
}

/** A list of pieces, as `uint8arraylist` makes it, or one. */
interface Pieces {
  subarray(): Uint8Array
}

/**
 * What comes of it waits for its turns, also what came while it was paused; whoever reads it notices nothing of that.
 * @param allowance whose time it takes, as far as that is known
 */
export function readInTurns(stream: MessageStream, allowance?: Allowance): Intake {
  const receiving = stream as unknown as Receiving & Reading
  const fail = (error: Error): void => stream.abort(error)
  const onData = orElse(receiving.onData.bind(stream) as (bytes: Uint8Array) => void, fail)
  const pause = orElse(receiving.sendPause.bind(stream), fail)
  const resume = orElse(receiving.sendResume.bind(stream), fail)
  const isOpen = (): boolean => receiving.readStatus !== 'paused'
  const ends = new Ends(() => sips.isEmpty && isOpen())
  // Of whoever has gone nothing more comes, and to say something to it would be an error.
  const hold = (): void => (ends.hasGone ? undefined : pause())
  const release = (): void => (ends.hasGone ? undefined : resume())
  const sips: Sips = new Sips({ hold, release, isOpen, emptied: () => ends.look() }, onData, allowance)
  receiving.onData = (bytes) => sips.take(bytes.subarray())
  receiving.sendResume = () => {
    if (!sips.isHeld) release()
    sips.wake()
    ends.look()
  }
  const closeWrite = receiving.onRemoteCloseWrite.bind(stream)
  receiving.onRemoteCloseWrite = () => ends.add(closeWrite)
  const endWriting = receiving.sendCloseWrite?.bind(stream)
  if (endWriting !== undefined)
    receiving.sendCloseWrite = async (options) => (ends.hasGone ? undefined : endWriting(options))
  const close = receiving.onTransportClosed.bind(stream)
  receiving.onTransportClosed = (error) => {
    if (error !== undefined || stream.status !== 'open') close(error)
    else if (!ends.hasGone) ends.addLast(close)
  }
  return sips
}

/** Likewise, but from where it is read on, with all that has come before somebody did. @param drink given each sip */
export function listenInTurns(stream: Stream, drink: (bytes: Uint8Array) => void, allowance?: Allowance): Intake {
  const fail = (error: Error): void => stream.abort(error)
  const hold = (): void => (stream.readStatus === 'readable' ? stream.pause() : undefined)
  // Where its connection has gone meanwhile nothing more comes of it, and libp2p throws.
  const release = orElse(() => (stream.readStatus === 'paused' ? stream.resume() : undefined), fail)
  const isOpen = (): boolean => stream.status !== 'aborted'
  const sips = new Sips({ hold, release, isOpen }, orElse(drink, fail), allowance)
  stream.addEventListener('message', ({ data }) => sips.take(data.subarray()))
  return sips
}

/** How a stream ends in order, which is told once all that came before is taken: libp2p throws away what comes after. */
class Ends {
  readonly #isAllTaken: () => boolean
  #waiting: (() => void)[] = []
  /** Nobody is there any more, told or not. */
  hasGone = false

  constructor(isAllTaken: () => boolean) {
    this.#isAllTaken = isAllTaken
  }

  add(tell: () => void): void {
    if (this.#waiting.length === 0 && this.#isAllTaken()) tell()
    else this.#waiting.push(tell)
  }

  addLast(tell: () => void): void {
    this.hasGone = true
    this.add(tell)
  }

  /** In a turn of its own: by then it is paused where some of what was taken waits further on, for the streams in it. */
  look(): void {
    if (this.#waiting.length > 0) setImmediate(() => this.#tell())
  }

  #tell(): void {
    if (!this.#isAllTaken()) return
    const all = this.#waiting
    this.#waiting = []
    for (const tell of all) tell()
  }
}

/** What is protected in a muxer of `@libp2p/utils`, and pinned with its version. */
interface Demuxing {
  onData: (bytes: Pieces) => void
}

/**
 * What a frame costs at the least, however few bytes it has: libp2p makes a dozen objects of it, a kilobyte, and the garbage collector
 * clears them away later. As many as half of a core can take, a quarter of a million a second, were eighteen pauses each second.
 */
const least_msPerFrame = 0.01
/**
 * What a stream costs that the other end opens: a millisecond and more of promises, until it is known what it is for and it has ended again,
 * most of them settled in later turns than that in which it came.
 */
const least_msPerStream = 1

/** The streams in what was decrypted likewise. */
export function demuxInTurns(muxer: StreamMuxer, connection: MessageStream, come: Come, allowance?: Allowance): void {
  const demuxing = muxer as unknown as Demuxing
  const reading = connection as unknown as Reading
  const fail = (error: Error): void => cutOff(muxer, connection, error)
  const drink = orElse(demuxing.onData.bind(muxer) as (bytes: Uint8Array) => void, fail)
  const hold = orElse(() => {
    if (reading.readStatus === 'readable') connection.pause()
  }, fail)
  const release = orElse(() => {
    if (reading.readStatus === 'paused') connection.resume()
  }, fail)
  const isOpen = (): boolean => connection.status === 'open' || connection.status === 'closing'
  let paid = { frames: 0, streams: 0 }
  const takeCost_ms = (): number => {
    const { frames, streams } = come
    const unpaid = { frames: frames - paid.frames, streams: streams - paid.streams }
    paid = { frames, streams }
    return unpaid.frames * least_msPerFrame + unpaid.streams * least_msPerStream
  }
  const atOnce = (bytes: Uint8Array): number => come.atOnce(bytes)
  const sips = new Sips({ hold, release, isOpen, takeCost_ms, atOnce }, drink, allowance)
  demuxing.onData = (bytes) => sips.take(bytes.subarray())
}

/** The same, whose errors end what it works on: in a turn of its own nobody else would catch them. */
function orElse<Values extends unknown[]>(
  call: (...values: Values) => void,
  fail: (error: Error) => void,
): (...values: Values) => void {
  return (...values) => {
    try {
      call(...values)
    } catch (error) {
      fail(error as Error)
    }
  }
}
