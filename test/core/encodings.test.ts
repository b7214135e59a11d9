// A document is encoded once for all who ask for it, as the answer that goes out.
import { describe, expect, test } from 'vitest'
import { Encoded, Joining } from '../../src/core/document/encoded.js'
import { documentsReply } from '../../src/core/sync/answers.js'
import { Encodings } from '../../src/core/sync/encodings.js'
import { type SignedHead, signHead } from '../../src/core/wire/head.js'
import { type Parcel, decodeSyncResponse, encodeSyncResponse } from '../../src/core/wire/sync.js'
import { cheapCrypto } from '../sim/crypto.js'

const crypto = cheapCrypto('a')
const head = { owner: 'a', generation: 1, boot: '0'.repeat(16), epoch: 1, version: 1, incarnation: 0, client: 1 }
const signed = signHead({ ...head, digest: new Uint8Array(32) }, crypto)

function parcelOf(encodings: Encodings, bytes: Uint8Array): Parcel {
  return { signed, content: { type: 'full', bytes: encodings.keep(signed, new Encoded(bytes), 0) } }
}

function contentIn(reply: { readonly bytes: Uint8Array }): readonly Uint8Array[] {
  const read = decodeSyncResponse(reply.bytes)
  if (read?.type !== 'documents') throw new Error('no documents')
  return read.parcels.map(({ content }) => content.bytes)
}

describe('one encoding', () => {
  test('of a large document goes out as it is, to however many', () => {
    const encodings = new Encodings()
    const content = new Uint8Array(3_000_000).fill(7)
    const parcel = parcelOf(encodings, content)
    const replies = [1, 2, 3].map((request) => documentsReply(request, [parcel], encodings.messageOf([parcel])))
    expect(new Set(replies.map(({ bytes }) => bytes.buffer)).size).toBe(1)
    for (const reply of replies) expect(Buffer.compare(contentIn(reply)[0] as Uint8Array, content)).toBe(0)
    expect(encodings.find(signed, 1)).toBe(parcel.content.bytes)
  })

  test('that was put together in parts has its message around it, in the same bytes', () => {
    const encodings = new Encodings()
    const pieces = [1, 2, 3, 4].map((i) => new Uint8Array(3_000_000).fill(i))
    const [first, last] = [Uint8Array.of(8, 8), Uint8Array.of(9)]
    const added = pieces.slice(0, 3)
    const joining = new Joining(added)
    expect(joining.addSome()).toBe(false)
    added.push(...pieces.slice(3))
    expect(joining.addSome()).toBe(true)
    const encoded = joining.between(first, last)
    const content = Buffer.concat([first, ...pieces, last])
    expect(Buffer.compare(encoded.bytes, content)).toBe(0)
    const bytes = encodings.keep(signed, encoded, 0)
    const parcel: Parcel = { signed, content: { type: 'full', bytes } }
    const reply = documentsReply(1, [parcel], encodings.messageOf([parcel]))
    expect(reply.bytes.buffer).toBe(encoded.bytes.buffer)
    expect(Buffer.compare(contentIn(reply)[0] as Uint8Array, content)).toBe(0)
    expect(Buffer.compare(reply.bytes, encodeSyncResponse({ type: 'documents', parcels: [parcel] }))).toBe(0)
  })

  test('of a small one, of several, of another version is put into a message for each', () => {
    const encodings = new Encodings()
    const small = parcelOf(encodings, new Uint8Array(100).fill(1))
    expect(encodings.messageOf([small])).toBeUndefined()
    const large = parcelOf(encodings, new Uint8Array(300_000).fill(2))
    expect(encodings.messageOf([large, small])).toBeUndefined()
    const other: SignedHead = signHead({ ...head, version: 2, digest: new Uint8Array(32) }, crypto)
    encodings.keep(other, new Encoded(new Uint8Array(300_000).fill(3)), 0)
    expect(encodings.messageOf([large])).toBeUndefined()
    expect(contentIn(documentsReply(1, [large, small])).map(({ length }) => length)).toEqual([300_000, 100])
  })
})
