/** Keys are exchanged as Noise does it by itself. */
import { pureJsCrypto } from '@libp2p/noise'
import { expect, test } from 'vitest'
import { Allowances } from '../../src/io/network/allowances.js'
import { encryption } from '../../src/io/network/encryption.js'
import { keyExchange, type KeyExchange } from '../../src/io/network/key-exchange.js'

const { generateKeypair, dh } = keyExchange()

test('both ends come to one secret, whichever of them exchanges keys in the way of Noise', () => {
  for (let n = 0; n < 20; n++) {
    const ours = generateKeypair()
    const theirs = pureJsCrypto.generateX25519KeyPair()
    const secret = pureJsCrypto.generateX25519SharedKey(theirs.privateKey, ours.publicKey)
    expect(ours.publicKey.length).toBe(32)
    expect(ours.privateKey.length).toBe(32)
    expect(new Uint8Array(dh(ours, theirs.publicKey))).toEqual(secret)
    expect(new Uint8Array(dh(theirs, ours.publicKey))).toEqual(secret)
    expect(new Uint8Array(dh(theirs, ours.publicKey))).toEqual(secret)
  }
})

test('what is no key, or leads to no secret, is refused', () => {
  const ours = generateKeypair()
  for (const length of [0, 1, 31, 33, 64]) expect(() => dh(ours, new Uint8Array(length).fill(9))).toThrow()
  for (const point of lowOrder) expect(() => dh(ours, Buffer.from(point, 'hex'))).toThrow()
})

/** Each secret key leads from there to nought: the points of small order, as RFC 7748 tells of them. */
const lowOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

test('Noise is given it', () => {
  const components = { upgrader: { getStreamMuxers: () => new Map() }, logger: { forComponent: () => undefined } }
  const { crypto } = encryption(new Allowances())(components as never) as unknown as { readonly crypto: KeyExchange }
  const [a, b] = [crypto.generateKeypair(), crypto.generateKeypair()]
  expect(crypto.dh(a, { subarray: () => b.publicKey })).toEqual(crypto.dh(b, a.publicKey))
  expect(crypto.dh.toString()).toBe(dh.toString())
  expect(crypto).toMatchObject({ hkdf: expect.any(Function), encrypt: expect.any(Function) })
})
