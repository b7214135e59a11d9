/**
 * The records of the database as bytes. It turns keys and values into them and back; it reads and writes nothing itself.
 *
 *     doc/<owner>/snap             head, content
 *     doc/<owner>/upd/<version>    head, update          (version: 16 digits, so that bytes sort as numbers do)
 *     note/<name>                  text
 *     meta/schema                  text
 *     meta/reckoning                   text              see reckoning.ts
 *
 * A value is `codec (1) | payload length (4) | crc32 (4) | payload`, big-endian. LevelDB as bound to Node does not verify its
 * block checksums, so every value brings its own. The checksum covers the key too: a value that damage has moved under
 * another key must not count there.
 */
import { crc32 } from 'node:zlib'
import type { StoreOp } from '../../core/effects.js'
import { assert } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'

export const schemaKey = 'meta/schema'
export const reckoningKey = 'meta/reckoning'

const codec = 1
const headerBytes = 9
const versionDigits = 16 // those of Number.MAX_SAFE_INTEGER
const nameLength = 256

export type ParsedKey =
  | { readonly kind: 'snapshot'; readonly owner: PeerId }
  | { readonly kind: 'update'; readonly owner: PeerId; readonly version: number }
  | { readonly kind: 'note'; readonly name: string }
  | { readonly kind: 'schema' }
  | { readonly kind: 'reckoning' }

export const snapshotKey = (owner: PeerId): string => `doc/${owner}/snap`
export const updateKey = (owner: PeerId, version: number): string =>
  `doc/${owner}/upd/${String(version).padStart(versionDigits, '0')}`
export const noteKey = (name: string): string => `note/${name}`

/** @returns undefined for a key that this program never writes */
export function parseKey(key: string): ParsedKey | undefined {
  if (key === schemaKey) return { kind: 'schema' }
  if (key === reckoningKey) return { kind: 'reckoning' }
  if (key.startsWith('note/')) return { kind: 'note', name: key.slice(5) }
  const match = /^doc\/([A-Za-z0-9]{1,128})\/(?:snap|upd\/(\d{16}))$/.exec(key)
  if (match?.[1] === undefined) return undefined
  return match[2] === undefined
    ? { kind: 'snapshot', owner: match[1] }
    : { kind: 'update', owner: match[1], version: Number(match[2]) }
}

/**
 * Owners come from peers, so nothing but the letters of a peer id may reach a key: the caller has parsed them before.
 * @throws an assertion; nothing of the batch has been written then
 */
export function checkOps(ops: readonly StoreOp[]): void {
  for (const op of ops) {
    if ('owner' in op) assert(/^[A-Za-z0-9]{1,128}$/.test(op.owner), 'the owner of a stored document is a peer id')
    if (op.type === 'update') assert(isCount(op.version), 'a version is a whole number')
    if (op.type === 'generation') assert(isCount(op.generation), 'a generation is a whole number')
    if (op.type === 'note') {
      const fits = op.name !== '' && op.name.length <= nameLength && op.name.isWellFormed() && op.value.isWellFormed()
      assert(fits, `a note has a name of 1 to ${nameLength} characters, and well-formed text`)
    }
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** A head and what it describes, as one value. */
export function encodePair(key: string, head: Uint8Array, body: Uint8Array): Uint8Array {
  const record = new Uint8Array(headerBytes + 4 + head.length + body.length)
  new DataView(record.buffer).setUint32(headerBytes, head.length)
  record.set(head, headerBytes + 4)
  record.set(body, headerBytes + 4 + head.length)
  return seal(key, record)
}

/** @returns undefined where the value is damaged */
export function decodePair(key: string, record: Uint8Array): { head: Uint8Array; body: Uint8Array } | undefined {
  const payload = unseal(key, record)
  if (payload === undefined || payload.length < 4) return undefined
  const end = 4 + new DataView(payload.buffer, payload.byteOffset).getUint32(0)
  return end > payload.length ? undefined : { head: payload.subarray(4, end), body: payload.subarray(end) }
}

export function encodeText(key: string, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text)
  const record = new Uint8Array(headerBytes + payload.length)
  record.set(payload, headerBytes)
  return seal(key, record)
}

/** @returns undefined where the value is damaged */
export function decodeText(key: string, record: Uint8Array): string | undefined {
  const payload = unseal(key, record)
  return payload === undefined ? undefined : new TextDecoder().decode(payload)
}

/** Fills in the header of a record whose payload is already in place. */
function seal(key: string, record: Uint8Array): Uint8Array {
  const payload = record.subarray(headerBytes)
  const header = new DataView(record.buffer, record.byteOffset)
  header.setUint8(0, codec)
  header.setUint32(1, payload.length)
  header.setUint32(5, crc32(payload, crc32(key)))
  return record
}

/** The one that a sealed value brings; it covers key and value. 0 where there is none. */
export function checksumOf(record: Uint8Array): number {
  if (record.length < headerBytes) return 0
  return new DataView(record.buffer, record.byteOffset).getInt32(5)
}

function unseal(key: string, record: Uint8Array): Uint8Array | undefined {
  if (record.length < headerBytes || record[0] !== codec) return undefined
  const header = new DataView(record.buffer, record.byteOffset)
  // Not a Buffer, whose `slice` shares memory where a Uint8Array's copies.
  const payload = new Uint8Array(record.buffer, record.byteOffset + headerBytes, record.length - headerBytes)
  if (header.getUint32(1) !== payload.length) return undefined
  return header.getUint32(5) === crc32(payload, crc32(key)) ? payload : undefined
}
