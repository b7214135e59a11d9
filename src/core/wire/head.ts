/**
 * A head as bytes: the signed sentence "my document, in this version, has this digest". It says nothing about who may write it
 * or which of two heads is kept.
 */
import type { Crypto } from '../effects.js'
import { type PeerId, hex, unhex } from '../model/model.js'
import { type Reader, Writer, decode } from './codec.js'
import { wireLimits } from './limits.js'

/** A place in the history of one owner's document. Ordered by generation, then version. */
export interface Point {
  readonly generation: number
  readonly version: number
}

/** A point, and the start of the daemon that reached it. */
export interface Origin extends Point {
  /** 64 random bits of the daemon's start, as 16 hex digits. */
  readonly boot: string
}

export interface Head extends Origin {
  readonly owner: PeerId
  /** The point that this generation continues; absent where its owner knew of none. */
  readonly parent?: Point
  /** Raised each time the Yjs document is built anew from its entries. */
  readonly epoch: number
  readonly incarnation: number
  /** Present in a goodbye. `restartGrace_s` > 0: back soon, keep my healthy instances that long. */
  readonly left?: { readonly restartGrace_s: number }
  /** The only Yjs client whose structs the document holds in this epoch. */
  readonly client: number
  /** 32 bytes over all entries. */
  readonly digest: Uint8Array
}

export interface SignedHead {
  readonly head: Head
  /** What was signed, then the signature. */
  readonly bytes: Uint8Array
}

const signatureLength = 64
/** Keeps a head's signature from ever meaning anything else. */
const domain = new TextEncoder().encode('rollcall head 1\0')

export function comparePoints(a: Point, b: Point): number {
  return a.generation - b.generation || a.version - b.version
}

/** The order in which replicas prefer heads of one owner; the boot id decides between two clones that reached the same point. */
export function compareHeads(a: Origin, b: Origin): number {
  return comparePoints(a, b) || (a.boot < b.boot ? -1 : a.boot > b.boot ? 1 : 0)
}

export function signHead(head: Head, crypto: Crypto): SignedHead {
  const body = encodeHead(head)
  const signature = crypto.sign(concat(domain, body))
  return { head, bytes: concat(body, signature) }
}

/** Reads the form only; see `verifyHead`. */
export function decodeHead(bytes: Uint8Array): SignedHead | undefined {
  if (bytes.length <= signatureLength || bytes.length > wireLimits.headBytes) return undefined
  const own = bytes.slice() // kept for long: must not hold on to the whole message that it came in
  const head = decode(own.subarray(0, own.length - signatureLength), readHead)
  return head && { head, bytes: own }
}

/** Whether heads are signed by their owners. Looked at when it matters, once for each head as it was read. */
export class Signatures {
  readonly #crypto: Crypto
  readonly #genuine = new WeakMap<SignedHead, boolean>()

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  isGenuine(signed: SignedHead): boolean {
    const isGenuine = this.#genuine.get(signed) ?? verifyHead(signed, this.#crypto)
    this.#genuine.set(signed, isGenuine)
    return isGenuine
  }
}

export function verifyHead(signed: SignedHead, crypto: Crypto): boolean {
  const end = signed.bytes.length - signatureLength
  return crypto.verify(signed.head.owner, concat(domain, signed.bytes.subarray(0, end)), signed.bytes.subarray(end))
}

function encodeHead(head: Head): Uint8Array {
  const writer = new Writer()
  writer.text(head.owner).uint(head.generation).raw(unhex(head.boot))
  if (head.parent === undefined) writer.uint(0)
  else writer.uint(1).uint(head.parent.generation).uint(head.parent.version)
  writer.uint(head.epoch).uint(head.version).uint(head.incarnation)
  if (head.left === undefined) writer.uint(0)
  else writer.uint(1).uint(head.left.restartGrace_s)
  return writer.uint(head.client).raw(head.digest).done()
}

function readHead(reader: Reader): Head {
  const owner = reader.text(wireLimits.peerIdBytes)
  const generation = reader.uint(wireLimits.generation)
  const boot = hex(reader.raw(8))
  const parent = reader.uint(1) === 1 ? { generation: reader.uint(), version: reader.uint() } : undefined
  const epoch = reader.uint()
  const version = reader.uint()
  const incarnation = reader.uint()
  const left = reader.uint(1) === 1 ? { restartGrace_s: reader.uint(3600) } : undefined
  const client = reader.uint(0xffff_ffff)
  const digest = reader.raw(32)
  return {
    owner,
    generation,
    boot,
    ...(parent && { parent }),
    epoch,
    version,
    incarnation,
    ...(left && { left }),
    client,
    digest,
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
