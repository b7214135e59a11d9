// The core's cryptography against libp2p's own: each accepts what the other signed, and odd input is false, never an exception.
import { createHash } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import { createCrypto } from '../../src/io/crypto.js'

const message = new TextEncoder().encode('who is there?')

async function member() {
  const key = await generateKeyPair('Ed25519')
  return { key, peerId: peerIdFromPrivateKey(key), id: peerIdFromPrivateKey(key).toString(), crypto: createCrypto(key) }
}

describe('the crypto that the core is lent', () => {
  it('hashes with SHA-256, into an array of its own', async () => {
    const { crypto } = await member()
    const digest = crypto.hash(message)
    expect(Buffer.from(digest).toString('hex')).toBe(createHash('sha256').update(message).digest('hex'))
    expect(digest.constructor).toBe(Uint8Array)
    expect(crypto.hash(new Uint8Array(0))).toHaveLength(32)
  })

  it('signs what libp2p verifies, and verifies what libp2p signed', async () => {
    const [alice, bob] = [await member(), await member()]
    expect(await alice.key.publicKey.verify(message, alice.crypto.sign(message))).toBe(true)
    expect(alice.crypto.sign(message)).toEqual(new Uint8Array(await alice.key.sign(message)))
    expect(bob.crypto.verify(alice.id, message, await alice.key.sign(message))).toBe(true)
    expect(bob.crypto.verify(alice.id, message, alice.crypto.sign(message))).toBe(true)
  })

  it('refuses another key, another message, and a signature with one bit flipped', async () => {
    const [alice, bob] = [await member(), await member()]
    const signature = alice.crypto.sign(message)
    expect(bob.crypto.verify(bob.id, message, signature)).toBe(false)
    expect(bob.crypto.verify(alice.id, message.subarray(1), signature)).toBe(false)
    for (let i = 0; i < 64; i++) {
      const flipped = signature.map((byte, at) => (at === i ? byte ^ 1 : byte))
      expect(bob.crypto.verify(alice.id, message, flipped)).toBe(false)
    }
  })

  it('is false for anything odd', async () => {
    const { crypto, id, peerId } = await member()
    const signature = crypto.sign(message)
    const odd = [
      '',
      'x',
      id.slice(1),
      `${id}a`,
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      '\u0000',
      'A'.repeat(10_000),
    ]
    for (const owner of odd) expect(crypto.verify(owner, message, signature)).toBe(false)
    for (const wrong of [new Uint8Array(0), signature.subarray(1), new Uint8Array(65)]) {
      expect(crypto.verify(id, message, wrong)).toBe(false)
    }
    // The same key under another spelling of its id would be a second member.
    expect(crypto.verify(peerId.toCID().toString(), message, signature)).toBe(false)
  })

  it('goes on beyond the keys that it keeps ready', async () => {
    const { crypto } = await member()
    const members = await Promise.all(Array.from({ length: 5 }, member))
    for (let i = 0; i < 4200; i++) crypto.verify((await member()).id, message, new Uint8Array(64))
    for (const other of members) expect(crypto.verify(other.id, message, other.crypto.sign(message))).toBe(true)
  })

  it('takes no other kind of key', async () => {
    expect(() => createCrypto({ type: 'RSA' } as never)).toThrow(/assertion failed/)
  })
})
