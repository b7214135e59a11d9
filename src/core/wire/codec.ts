/**
 * The bytes under every message: unsigned integers as varints; byte strings, like texts, with their length before them. Writing
 * trusts the caller; reading trusts nobody and never reads, or allocates, past the end.
 */
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Beyond it the built-in encoder is faster. */
const plainLength = 512

/** Large enough for nearly every message. */
const scratchLength = 4096
/** As many as are written at once: a message within a message. */
const scratchesKept = 4
/** Buffers to write into, used again and again: to make one costs more than to write most messages. */
const scratches: Uint8Array[] = []

const nothing = new Uint8Array()

/** Appends to a buffer that grows. */
export class Writer {
  #bytes: Uint8Array
  #length = 0

  /** @param capacity that is known to be needed, so that a long message is not copied from buffer to buffer */
  constructor(capacity = 0) {
    this.#bytes =
      capacity > scratchLength ? new Uint8Array(capacity) : (scratches.pop() ?? new Uint8Array(scratchLength))
  }

  /** A safe integer ≥ 0: seven bits a byte, least significant first. */
  uint(value: number): this {
    this.#reserve(8)
    const bytes = this.#bytes
    let at = this.#length
    let large = value
    for (; large > 0x7fff_ffff; large = Math.floor(large / 0x80)) bytes[at++] = (large % 0x80) | 0x80
    let rest = large | 0 // whole numbers of the machine from here: most values are small, and every heartbeat holds many
    for (; rest > 0x7f; rest >>= 7) bytes[at++] = (rest & 0x7f) | 0x80
    bytes[at++] = rest
    this.#length = at
    return this
  }

  /** A whole number below 2^48, in six bytes. */
  uint48(value: number): this {
    this.#reserve(6)
    const high = Math.floor(value / 0x1_0000_0000)
    const low = value >>> 0
    this.#bytes[this.#length++] = high >>> 8
    this.#bytes[this.#length++] = high
    for (let shift = 24; shift >= 0; shift -= 8) this.#bytes[this.#length++] = low >>> shift
    return this
  }

  /** As they are, without a length. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  bytes(bytes: Uint8Array): this {
    return this.uint(bytes.length).raw(bytes)
  }

  text(text: string): this {
    return this.#writePlain(text) ? this : this.bytes(encoder.encode(text))
  }

  /** Most texts are short and of one byte a character: then no other buffer is needed. @returns whether it was, and is written */
  #writePlain(text: string): boolean {
    const { length } = text
    if (length > plainLength) return false
    const begun = this.#length
    this.uint(length).#reserve(length)
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) {
        this.#length = begun
        return false
      }
      this.#bytes[this.#length++] = code
    }
    return true
  }

  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.uint(items.length)
    for (const item of items) write(item)
    return this
  }

  /** All that was written, in a buffer of that very length where it is short; the last call to a writer. */
  done(): Uint8Array {
    const bytes = this.#bytes
    this.#bytes = nothing
    if (bytes.length !== scratchLength) return bytes.subarray(0, this.#length)
    if (scratches.length < scratchesKept) scratches.push(bytes)
    return bytes.slice(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const scratch = this.#bytes
    const grown = new Uint8Array(Math.max(scratch.length * 2, this.#length + more))
    grown.set(scratch.subarray(0, this.#length))
    this.#bytes = grown
    if (scratch.length === scratchLength && scratches.length < scratchesKept) scratches.push(scratch)
  }
}

/** Of the eighth byte of a number, the last there may be. */
const largestScale = 2 ** 49

/** What a Reader throws, and `decode` catches: these bytes are not that message. */
class NotThatMessage extends Error {}

export class Reader {
  #at = 0

  constructor(readonly source: Uint8Array) {}

  /** @param max the largest value that makes sense here */
  uint(max = Number.MAX_SAFE_INTEGER): number {
    const { source } = this
    let at = this.#at
    let byte = source[at++]
    let value = byte === undefined ? 0 : byte & 0x7f
    for (let scale = 0x80; byte !== undefined && byte > 0x7f; scale *= 0x80) {
      if (scale > largestScale) throw new NotThatMessage('number too long')
      byte = source[at++]
      if (byte !== undefined) value += (byte & 0x7f) * scale
    }
    if (byte === undefined) throw new NotThatMessage('ends inside a number')
    if (value > max) throw new NotThatMessage('number over its limit')
    this.#at = at
    return value
  }

  uint48(): number {
    const at = this.#at
    const { source } = this
    if (at + 6 > source.length) throw new NotThatMessage('ends inside a number')
    this.#at = at + 6
    let value = 0
    for (let i = at; i < at + 6; i++) value = value * 0x100 + (source[i] as number)
    return value
  }

  raw(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.source.length) throw new NotThatMessage('ends inside bytes')
    const bytes = this.source.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  bytes(maxLength: number): Uint8Array {
    return this.raw(this.uint(maxLength))
  }

  text(maxBytes: number): string {
    return decoder.decode(this.bytes(maxBytes))
  }

  list<T>(maxItems: number, read: () => T): T[] {
    const count = this.uint(maxItems)
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read())
    return items
  }

  /** Everything that was not read yet. */
  rest(): Uint8Array {
    return this.raw(this.source.length - this.#at)
  }

  get consumed(): number {
    return this.#at
  }
}

/** Runs a reader over all of `bytes`; undefined for whatever does not fit, to the last byte. */
export function decode<T>(bytes: Uint8Array, read: (reader: Reader) => T): T | undefined {
  try {
    const reader = new Reader(bytes)
    const value = read(reader)
    return reader.consumed === bytes.length ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether two byte strings are the same. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
