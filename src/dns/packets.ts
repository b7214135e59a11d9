/**
 * The bytes of a question, read into a value; those of its answer, as many as fit. Whatever comes in, nothing is thrown.
 *
 * `dns-packet` writes the records. The question is read here, since it goes back as it came: byte for byte, its small letters small
 * (resolvers mix them, so that who forges an answer has to guess them), and names that follow point to it. Of records beside it only
 * the lengths are read, but of EDNS: what they hold is nobody's business here, and there are kinds that take long.
 */
import { encode, type Answer } from 'dns-packet'
import type { ResourceRecord, Said } from './answers.js'

export const packetLimits = {
  /** Of a question by TCP, which has as much reason to be short as one by UDP. */
  questionBytes: 4096,
  /** What every network carries in one piece: IPv6 promises 1280 bytes, its header and that of UDP take 48. */
  udpBytes: 1232,
  /** Without EDNS: RFC 1035, 4.2.1. */
  plainBytes: 512,
  tcpBytes: 65_535,
  /** Records beside the question. Each is passed over before anything else is known of whoever asks. */
  records: 16,
} as const

const headerBytes = 12
/** RFC 1035, 4.1.1; RFC 6895, 2.3. */
const rcodes = { fine: 0, malformed: 1, failed: 2, 'no such name': 3, 'not implemented': 4, refused: 5, badVersion: 16 }
type Rcode = keyof typeof rcodes
const bits = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, recursionDesired: 0x0100 } as const
const dnssecOk = 0x8000

/** What the sender of a question can take; absent without EDNS. */
interface Edns {
  readonly udpBytes: number
  readonly version: number
  readonly isDnssecOk: boolean
}

interface Header {
  readonly id: number
  readonly opcode: number
  readonly isRecursionDesired: boolean
}

export interface Question extends Header {
  readonly type: 'question'
  /** As it came: name, type, class. */
  readonly bytes: Uint8Array
  /** In small letters, without a dot at its end. */
  readonly name: string
  readonly recordType: string
  readonly edns?: Edns
}

/** What cannot be answered, and is told so. */
export interface Wrong extends Header {
  readonly type: 'wrong'
  readonly rcode: 'malformed' | 'not implemented' | 'refused' | 'badVersion'
  /** As far as it could be read. */
  readonly bytes?: Uint8Array
  readonly edns?: Edns
}

/** What is answered to nobody: it could be an answer itself, and two servers would go on for ever. */
export interface Dropped {
  readonly type: 'dropped'
  readonly why: 'too short' | 'an answer'
}

export function readQuestion(packet: Uint8Array): Question | Wrong | Dropped {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength)
  if (bytes.length < headerBytes) return { type: 'dropped', why: 'too short' }
  const flags = bytes.readUInt16BE(2)
  if ((flags & bits.response) !== 0) return { type: 'dropped', why: 'an answer' }
  const isRecursionDesired = (flags & bits.recursionDesired) !== 0
  const header = { id: bytes.readUInt16BE(0), opcode: (flags >> 11) & 0xf, isRecursionDesired }
  const [questions, ...others] = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at))
  const asked = questions === 1 ? readAsked(bytes) : undefined
  const echo = asked === undefined ? {} : { bytes: asked.bytes }
  const wrong = (rcode: Wrong['rcode'], edns?: Edns): Wrong => {
    return { type: 'wrong', rcode, ...header, ...echo, ...(edns !== undefined && { edns }) }
  }
  if (header.opcode !== 0) return wrong('not implemented')
  if (asked === undefined || others.reduce((sum, count) => sum + count, 0) > packetLimits.records)
    return wrong('malformed')
  const edns = readEdns(bytes, headerBytes + asked.bytes.length, others as [number, number, number])
  if (edns === 'malformed') return wrong('malformed')
  if (edns !== undefined && edns.version > 0) return wrong('badVersion', edns)
  if (!asked.isInternet) return wrong('refused', edns)
  const { name, recordType } = asked
  return { type: 'question', ...header, bytes: asked.bytes, name, recordType, ...(edns !== undefined && { edns }) }
}

interface Asked {
  readonly bytes: Uint8Array
  readonly name: string
  readonly recordType: string
  readonly isInternet: boolean
}

const internet = 1
/** Of a name with all of its lengths: RFC 1035, 2.3.4. */
const nameBytes = 255
/** A dot within a label is none between two. */
const inLabel = '\0'

/** The first name of a packet has nothing that it could point to. */
function readAsked(bytes: Buffer): Asked | undefined {
  const labels: string[] = []
  let at = headerBytes
  for (;;) {
    const length = bytes[at]
    if (length === undefined || length > 63 || at - headerBytes + length >= nameBytes) return undefined
    at += 1
    if (length === 0) break
    labels.push(bytes.toString('latin1', at, at + length).replaceAll('.', inLabel))
    at += length
  }
  if (at + 4 > bytes.length) return undefined
  const type = bytes.readUInt16BE(at)
  return {
    bytes: bytes.subarray(headerBytes, at + 4),
    name: labels.join('.').toLowerCase(),
    recordType: typeNames.get(type) ?? `TYPE${type}`,
    isInternet: bytes.readUInt16BE(at + 2) === internet,
  }
}

/** Those of which anything is known here. */
const types = { A: 1, NS: 2, SOA: 6, HINFO: 13, AAAA: 28, SRV: 33, IXFR: 251, AXFR: 252, ANY: 255 } as const
const typeNames: ReadonlyMap<number, string> = new Map(Object.entries(types).map(([name, type]) => [type, name]))

const optType = 41

/** RFC 6891, 6.1.1: at most one, of the root. @param at where the records begin */
function readEdns(
  bytes: Buffer,
  at: number,
  [answers, authorities, additionals]: readonly [number, number, number],
): Edns | 'malformed' | undefined {
  let found: Edns | undefined
  for (let i = 0; i < answers + authorities + additionals; i += 1) {
    const fields = endOfName(bytes, at)
    const data = fields + beforeData
    if (data > bytes.length) return 'malformed'
    const end = data + bytes.readUInt16BE(fields + 8)
    if (end > bytes.length) return 'malformed'
    if (bytes.readUInt16BE(fields) === optType) {
      const isOfRoot = bytes[at] === 0
      if (found !== undefined || i < answers + authorities || !isOfRoot || !holdsOptions(bytes, data, end))
        return 'malformed'
      const isDnssecOk = (bytes.readUInt16BE(fields + 6) & dnssecOk) !== 0
      found = { udpBytes: bytes.readUInt16BE(fields + 2), version: bytes.readUInt8(fields + 5), isDnssecOk }
    }
    at = end
  }
  return found
}

/** Behind the packet where it has none. A name that points elsewhere ends here. */
function endOfName(bytes: Buffer, at: number): number {
  for (;;) {
    const length = bytes[at]
    if (length === undefined) return bytes.length
    if (length >= 0xc0) return at + pointerBytes
    if (length > 63) return bytes.length
    at += 1 + length
    if (length === 0) return at
  }
}

/** Each a code, a length, and as many bytes. */
function holdsOptions(bytes: Buffer, at: number, end: number): boolean {
  while (at + 4 <= end) at += 4 + bytes.readUInt16BE(at + 2)
  return at === end
}

export interface Transport {
  readonly isTcp: boolean
  /** The records in the order in which they are to be told, of which there may be more than fit. */
  readonly ordered: (records: readonly ResourceRecord[], most: number) => readonly ResourceRecord[]
}

type Sayable = Exclude<Said, { type: 'ask first' }>

export function encodeAnswer(question: Question, said: Sayable, transport: Transport): Uint8Array {
  const writer = new Writer(question, sizeFor(question, transport.isTcp))
  switch (said.type) {
    case 'records':
      writer.tell(said.records, transport.ordered)
      return writer.end('fine', true)
    case 'nothing':
    case 'no such name':
      writer.tellAbsence(said.soa)
      return writer.end(said.type === 'nothing' ? 'fine' : said.type, true)
    default:
      return writer.end(said.type, false)
  }
}

export function encodeWrong(wrong: Wrong): Uint8Array {
  return new Writer(wrong, packetLimits.plainBytes).end(wrong.rcode, false)
}

/** Nothing, and that there is more by TCP: of the size of the question. */
export function encodeTruncated(question: Question): Uint8Array {
  return new Writer(question, packetLimits.plainBytes).end('fine', false, bits.truncated)
}

function sizeFor({ edns }: Question, isTcp: boolean): number {
  if (isTcp) return packetLimits.tcpBytes
  const asked = Math.max(packetLimits.plainBytes, edns?.udpBytes ?? 0)
  return Math.min(packetLimits.udpBytes, asked)
}

/** What follows the name of a record, by which it differs from others. */
const tails = new WeakMap<ResourceRecord, Uint8Array>()

function tailOf(record: ResourceRecord): Uint8Array {
  const known = tails.get(record)
  if (known !== undefined) return known
  const { glue: _, ...rest } = record
  const packet = encode({ type: 'response', answers: [{ name: '.', class: 'IN', ...rest } as Answer] })
  const tail = packet.subarray(headerBytes + 1)
  tails.set(record, tail)
  return tail
}

/** Type, class, ttl, length. */
const beforeData = 10
const pointerBytes = 2
/** Further down nothing can be pointed to. */
const furthestPointer = 0x3fff
const optBytes = 11
/** The least that a record takes. */
const leastBytes = pointerBytes + beforeData + 4

class Writer {
  readonly #asked: Header & { readonly bytes?: Uint8Array; readonly edns?: Edns }
  readonly #room: number
  readonly #pieces: Uint8Array[] = []
  #length: number
  #counts = { answers: 0, authorities: 0, additionals: 0 }
  #isTruncated = false

  constructor(asked: Question | Wrong, size: number) {
    this.#asked = asked
    this.#length = headerBytes + (asked.bytes?.length ?? 0)
    this.#room = size - (asked.edns === undefined ? 0 : optBytes)
  }

  tell(records: readonly ResourceRecord[], ordered: Transport['ordered']): void {
    const most = Math.ceil((this.#room - this.#length) / leastBytes)
    const glue: { readonly at: number; readonly records: readonly ResourceRecord[] }[] = []
    const targets = new Set<string>()
    for (const record of ordered(records, most)) {
      const at = this.#length + pointerBytes + beforeData
      if (!this.#put(headerBytes, record)) {
        this.#isTruncated = true
        break
      }
      this.#counts.answers += 1
      const target = targetOf(record)
      if (target === undefined || targets.has(target.name)) continue
      targets.add(target.name)
      glue.push({ at: at + target.offset, records: record.glue ?? [] })
    }
    // What does not fit of these can be asked for: RFC 2181, 9.
    for (const { at, records } of glue)
      for (const record of records) if (this.#put(at, record)) this.#counts.additionals += 1
  }

  /** The name of the zone is the end of the one that was asked for. */
  tellAbsence(soa: ResourceRecord): void {
    if (this.#put(headerBytes + this.#offsetOfZone(soa), soa)) this.#counts.authorities += 1
  }

  end(rcode: Rcode, isAuthoritative: boolean, flags = 0): Uint8Array {
    const { id, opcode, isRecursionDesired, bytes, edns } = this.#asked
    const code = rcodes[rcode]
    const out = Buffer.allocUnsafe(this.#length + (edns === undefined ? 0 : optBytes))
    const desired = isRecursionDesired ? bits.recursionDesired : 0
    const authority = isAuthoritative ? bits.authoritative : 0
    const truncated = this.#isTruncated ? bits.truncated : 0
    out.writeUInt16BE(id, 0)
    out.writeUInt16BE(bits.response | (opcode << 11) | authority | truncated | desired | flags | (code & 0xf), 2)
    const { answers, authorities, additionals } = this.#counts
    const all = [bytes === undefined ? 0 : 1, answers, authorities, additionals + (edns === undefined ? 0 : 1)]
    all.forEach((count, i) => out.writeUInt16BE(count, 4 + 2 * i))
    let at = headerBytes
    for (const piece of bytes === undefined ? this.#pieces : [bytes, ...this.#pieces]) {
      out.set(piece, at)
      at += piece.length
    }
    if (edns !== undefined) out.set(opt(code >> 4, edns), at)
    return out
  }

  /** @param owner where its name stands in the packet @returns whether it fitted */
  #put(owner: number, record: ResourceRecord): boolean {
    const tail = tailOf(record)
    if (this.#length + pointerBytes + tail.length > this.#room || owner > furthestPointer) return false
    this.#pieces.push(Uint8Array.of(0xc0 | (owner >> 8), owner & 0xff), tail)
    this.#length += pointerBytes + tail.length
    return true
  }

  #offsetOfZone(soa: ResourceRecord): number {
    const server = soa.type === 'SOA' ? soa.data.mname : ''
    const zone = server.slice(server.indexOf('.') + 1)
    const asked = (this.#asked.bytes?.length ?? 0) - 4
    return asked - (zone.length + 2)
  }
}

function opt(extended: number, { isDnssecOk }: Edns): Uint8Array {
  const size = packetLimits.udpBytes
  return Uint8Array.of(0, 0, 41, size >> 8, size & 0xff, extended, 0, isDnssecOk ? dnssecOk >> 8 : 0, 0, 0, 0)
}

/** The name that stands in the data of a record, with its place there. */
function targetOf(record: ResourceRecord): { readonly name: string; readonly offset: number } | undefined {
  if (record.glue === undefined) return undefined
  if (record.type === 'SRV') return { name: record.data.target, offset: 6 }
  return record.type === 'NS' ? { name: record.data, offset: 0 } : undefined
}
