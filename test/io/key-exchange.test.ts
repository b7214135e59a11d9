/** Keys are exchanged as Noise does it by itself. */
import { pureJsCrypto } from '@libp2p/noise'
import { expect, test } from 'vitest'
import { keyExchange } from '../../src/io/network/key-exchange.js'

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
  for (const bytes of [new Uint8Array(0), new Uint8Array(31).fill(9), new Uint8Array(33).fill(9)])
    expect(() => dh(ours, bytes)).toThrow()
  expect(() => dh(ours, new Uint8Array(32))).toThrow() // each secret would lead to nought
})
