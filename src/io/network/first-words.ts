/**
 * What the first words of the other end of a connection tell of it: whether it is one of us, with our cluster key. What libp2p throws
 * does not: an end, a reset, a wrong word become one error, whose sentence depends on the moment.
 *
 *               without a cluster key        with one
 *     first     `/multistream/1.0.0`         24 bytes by chance, and nothing more before ours have come
 *     then      noise                        `/multistream/1.0.0`, and noise, enciphered
 *
 * Whoever reads that word as it is has read it with the right key: what ends later, ends for another reason. Who was called, and reads
 * anything else, says its own word before it ends, and who has no room says no: an end without a word tells nothing of a key.
 */

/** With its length before it and its end behind it, as multistream-select writes it. */
const greeting = Buffer.from('\x13/multistream/1.0.0\n')
/** All that comes before noise: whoever says anything else has nothing to say to us. */
const hello = Buffer.concat([greeting, Buffer.from('\x07/noise\n')])
/** What multistream-select answers to a protocol that it does not have. Every daemon has noise: it is full. */
const refusal = Buffer.concat([greeting, Buffer.from('\x03na\n')])
/** What `@libp2p/pnet` begins with. */
const nonce_bytes = 24

export type Speech =
  /** What came says nothing of its key. */
  | 'nothing'
  /** It greets us, and we understand it. */
  | 'our-key'
  /** It greets us, and says no. */
  | 'no-room'
  /** It begins as one of us does that has another key than we, none where we have one, or one where we have none. */
  | 'other-key'
  /** It begins as none of us does. */
  | 'none-of-us'

/** What came, as far as it matters here. */
export interface Heard {
  /** In one piece, before we could say anything: as much of it as tells a nonce from a greeting, or from more than either. */
  readonly first: Uint8Array
  /** What it reads as, with our key where we have one. */
  readonly read: Uint8Array
}

export function speechOf({ first, read }: Heard): Speech {
  if (agrees(read, refusal) && read.length >= refusal.length) return 'no-room'
  if (read.length > 0 && isGreeting(read)) return 'our-key'
  if (first.length === 0) return 'nothing'
  // Without a key what is read is what came.
  if (first.length === nonce_bytes) return read.length === 0 ? 'nothing' : 'other-key'
  return isGreeting(first) ? 'other-key' : 'none-of-us'
}

function isGreeting(bytes: Uint8Array): boolean {
  return agrees(bytes, greeting)
}

/** As far as both go. */
function agrees(bytes: Uint8Array, words: Buffer): boolean {
  const length = Math.min(bytes.length, words.length)
  return words.subarray(0, length).equals(bytes.subarray(0, length))
}

/** Bytes in one or several pieces, as `uint8arraylist` has them. */
interface Bytes {
  readonly byteLength: number
  subarray(): Uint8Array
}

/** What is public in a connection of `@libp2p/utils`, and pinned with its version. */
export interface Hearing {
  readonly readBuffer?: Bytes
  onData?: (bytes: Bytes) => void
  send?(bytes: Uint8Array): boolean
  abort(error: Error): void
}

/** To one who may be gone already. */
function say(connection: Hearing, words: Uint8Array): void {
  try {
    connection.send?.(words)
  } catch {
    // Then nobody hears it.
  }
}

/** Of one who has no room, whose key stands already between what it says and what goes out. */
export function sayNo(connection: Hearing): void {
  say(connection, refusal)
}

/** Enough for libp2p to see that it is no daemon who speaks, where that can be seen at all: whoever goes on is ended here. */
const strangerBytes = 256

/**
 * Listens until the handshake is over. Of who says anything but what one of us begins with no more than a few words are passed on, and more of
 * them end it: of a length that does not end libp2p keeps each byte, by itself, and all that is thrown away was read, and deciphered.
 */
export class FirstWords {
  #first: Uint8Array = new Uint8Array()
  #read: Uint8Array = new Uint8Array()
  /** What may still come of a stranger. */
  #left_bytes = strangerBytes
  readonly #ends: (() => void)[] = []
  readonly #isCalled: boolean
  #hasAnswered = false
  readonly #begun = Promise.withResolvers<void>()
  /** Resolves once something has been read: whoever has dialled listens from then on, and not before it has our nonce. */
  readonly begun = this.#begun.promise

  /**
   * @param isPlain no key stands between what comes and what it means
   * @param isCalled the other end has dialled: libp2p says nothing to one whose words are wrong
   */
  constructor(connection: Hearing, { isPlain, isCalled }: { readonly isPlain: boolean; readonly isCalled: boolean }) {
    this.#isCalled = isCalled
    this.#listen(connection, (bytes) => {
      if (this.#first.length === 0) this.#first = new Uint8Array(bytes.subarray().subarray(0, hello.length))
      return isPlain ? this.#hear(bytes, connection) : bytes
    })
  }

  get heard(): Heard {
    return { first: this.#first, read: this.#read }
  }

  /** The same connection, deciphered by our key. */
  readAs(connection: Hearing): void {
    this.#listen(connection, (bytes) => this.#hear(bytes, connection))
  }

  end(): void {
    for (const end of this.#ends.splice(0)) end()
  }

  /** @returns what of it is passed on */
  #hear(bytes: Bytes, connection: Hearing): Bytes {
    if (this.#read.length < hello.length)
      this.#read = Buffer.concat([this.#read, bytes.subarray().subarray(0, hello.length)])
    this.#begun.resolve()
    if (agrees(this.#read, hello)) return bytes
    this.#answer(connection)
    const passed = bytes.subarray().subarray(0, this.#left_bytes)
    this.#left_bytes -= passed.length
    if (passed.length < bytes.byteLength) connection.abort(new Error('it says no word of ours, and goes on'))
    return passed
  }

  /** Whoever greets us without a key has been told by our nonce, and would not know what follows it in one piece. */
  #answer(connection: Hearing): void {
    if (!this.#isCalled || this.#hasAnswered || isGreeting(this.#read) || isGreeting(this.#first)) return
    this.#hasAnswered = true
    say(connection, greeting)
  }

  /**
   * Nobody else could tell what is read from a connection: whoever listens to its messages takes them. Others listen in this way
   * before us, for as long as it lives.
   */
  #listen(connection: Hearing, hear: (bytes: Bytes) => Bytes): void {
    const { readBuffer, onData } = connection
    if (onData === undefined) return
    if (readBuffer !== undefined && readBuffer.byteLength > 0) hear(readBuffer)
    connection.onData = (bytes) => onData.call(connection, hear(bytes))
    this.#ends.push(() => {
      connection.onData = onData
    })
  }
}
