/**
 * The one door by which bytes of peers come in, in sips: what one turn of the event loop takes of them is bounded by what it costs. While
 * some of a connection wait here nothing more is read of it: what is sent then waits at its own end. It drops nothing and reads nothing.
 *
 *     socket ──▶ lane ──sips──▶ decryption ──▶ lane ──sips──▶ streams, and whoever reads those
 *
 * Twice, since either side may be much for few bytes: many messages in one piece of a socket, many streams in one message.
 */
import type { AbortOptions, MessageStream, StreamMuxer } from '@libp2p/interface'
import { cutOff } from './muxer-limits.js'
import { Allowance, turns, type Waiting } from './turns.js'

/** What a sip should cost. How many bytes that are is learned: they may open fifty streams, or be a piece of a document. */
const sip_ms = 0.25
const sipBytes = { least: 128, first: 1024, most: 64 * 1024 } as const

/** Whoever bytes come from. */
interface Source {
  /** Nothing more is to come for now, or all may again. */
  hold(): void
  release(): void
  /** Whether what comes of it is taken now; where not, `Lane.wake` follows, or nothing ever is. */
  isOpen(): boolean
  /** Nothing of it waits any more. */
  emptied?(): void
}

class Lane implements Waiting {
  readonly allowance = new Allowance()
  readonly #source: Source
  readonly #drink: (bytes: Uint8Array) => void
  readonly #rest: Uint8Array[] = []
  /** Nothing more is to come of its source until this is empty. */
  #isHeld = false
  /** Is to have a turn, or has one. */
  #isWaiting = false
  #sipBytes: number = sipBytes.first

  constructor(source: Source, drink: (bytes: Uint8Array) => void) {
    this.#source = source
    this.#drink = drink
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Nothing of it waits, or is being taken. */
  get isEmpty(): boolean {
    return this.#rest.length === 0 && !this.#isWaiting
  }

  take(bytes: Uint8Array): void {
    this.#rest.push(bytes)
    this.wake()
  }

  /** Something has come, or its source takes again what comes. */
  wake(): void {
    if (this.#isWaiting || this.#rest.length === 0 || !this.#source.isOpen()) return
    this.#isWaiting = true
    turns.add(this)
  }

  hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    this.#source.hold()
  }

  goOn(): void {
    const [first] = this.#rest
    if (first === undefined || !this.#source.isOpen()) return
    const sip = first.subarray(0, this.#sipBytes)
    const rest = first.subarray(sip.length)
    if (rest.length > 0) this.#rest[0] = rest
    else this.#rest.shift()
    this.#drink(sip)
  }

  took(time_ms: number): void {
    if (time_ms > sip_ms) this.#sipBytes = Math.max(sipBytes.least, this.#sipBytes / 2)
    else if (time_ms < sip_ms / 4) this.#sipBytes = Math.min(sipBytes.most, this.#sipBytes * 2)
  }

  /** Where nothing waits any more, its source may send again; where it was paused meanwhile, once it is resumed. */
  wantsMore(): boolean {
    this.#isWaiting = this.#rest.length > 0 && this.#source.isOpen()
    if (this.#rest.length > 0) return this.#isWaiting
    if (this.#isHeld) {
      this.#isHeld = false
      if (this.#source.isOpen()) this.#source.release()
    }
    this.#source.emptied?.()
    return false
  }
}

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

/** What comes of it waits for its turns, also what came while it was paused; whoever reads it notices nothing of that. */
export function readInTurns(stream: MessageStream): void {
  const receiving = stream as unknown as Receiving & Reading
  const fail = (error: Error): void => stream.abort(error)
  const onData = orElse(receiving.onData.bind(stream) as (bytes: Uint8Array) => void, fail)
  const pause = orElse(receiving.sendPause.bind(stream), fail)
  const resume = orElse(receiving.sendResume.bind(stream), fail)
  const isOpen = (): boolean => receiving.readStatus !== 'paused'
  const ends = new Ends(() => lane.isEmpty && isOpen())
  // Of whoever has gone nothing more comes, and to say something to it would be an error.
  const hold = (): void => (ends.hasGone ? undefined : pause())
  const release = (): void => (ends.hasGone ? undefined : resume())
  const lane: Lane = new Lane({ hold, release, isOpen, emptied: () => ends.look() }, onData)
  receiving.onData = (bytes) => lane.take(bytes.subarray())
  receiving.sendResume = () => {
    if (!lane.isHeld) release()
    lane.wake()
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

/** The streams in what was decrypted likewise. */
export function demuxInTurns(muxer: StreamMuxer, connection: MessageStream): void {
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
  const lane = new Lane({ hold, release, isOpen }, drink)
  demuxing.onData = (bytes) => lane.take(bytes.subarray())
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
