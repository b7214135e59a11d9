/**
 * The exchange of keys for Noise. Its own reads each secret key anew, from a form of which OpenSSL first finds out what it is: with Node 20
 * most of what a handshake costs. Here one that was made, or read, is kept ready for as long as whoever has it does.
 */
import { diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { assert } from '../../core/model/errors.js'
import { privateKeyOf, publicKeyOf } from '../raw-keys.js'

/** 32 bytes each. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array
}

/** What Noise asks for, as it names that. */
export interface KeyExchange {
  generateKeypair(): KeyPair
  /** @throws where what the other end says is no key */
  dh(pair: KeyPair, publicKey: Bytes): Uint8Array
}

/** One piece, or a list of pieces. */
interface Bytes {
  subarray(): Uint8Array
}

export function keyExchange(): KeyExchange {
  const ready = new WeakMap<KeyPair, KeyObject>()
  const secretOf = (pair: KeyPair): KeyObject => {
    const known = ready.get(pair) ?? privateKeyOf('X25519', pair.privateKey, pair.publicKey)
    ready.set(pair, known)
    return known
  }
  return {
    generateKeypair() {
      const { privateKey } = generateKeyPairSync('x25519')
      const { d, x } = privateKey.export({ format: 'jwk' })
      const pair = { publicKey: bytesOf(x), privateKey: bytesOf(d) }
      ready.set(pair, privateKey)
      return pair
    },
    dh: (pair, publicKey) =>
      diffieHellman({ privateKey: secretOf(pair), publicKey: publicKeyOf('X25519', publicKey.subarray()) }),
  }
}

/** In memory of its own: short buffers share theirs with others. */
function bytesOf(half: string | undefined): Uint8Array {
  assert(half !== undefined, 'a key that was made has both halves')
  return Uint8Array.from(Buffer.from(half, 'base64url'))
}
