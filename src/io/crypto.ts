/**
 * The cryptography that the core is lent: SHA-256, Ed25519 by the keys that libp2p peer ids hold. It never throws for what
 * peers send, and never keeps a secret but this daemon's own key.
 */
import { createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { BoundedMap } from '../core/basics/bounded-map.js'
import type { Crypto } from '../core/effects.js'
import { assert } from '../core/model/errors.js'
import type { PeerId } from '../core/model/model.js'
import { privateKeyOf, publicKeyOf } from './raw-keys.js'

/** Public keys kept ready, oldest dropped first. Building one costs about as much as a verification. */
const keptKeys = 4096

const signatureBytes = 64
const publicKeyBytes = 32
const peerIdLength = 128

/** @param key this daemon's own; Ed25519 */
export function createCrypto(key: PrivateKey): Crypto {
  assert(key.type === 'Ed25519', 'the key of a daemon is an Ed25519 key')
  const privateKey = privateKeyObject(key.raw)
  const keys = new BoundedMap<PeerId, KeyObject>(keptKeys)

  const keyOf = (owner: PeerId): KeyObject | undefined => {
    const kept = keys.get(owner)
    if (kept !== undefined) return kept
    const made = publicKeyObject(owner)
    if (made === undefined) return undefined
    keys.set(owner, made)
    return made
  }

  return {
    hash: (bytes) => plain(hash('sha256', bytes, 'buffer')),
    sign: (bytes) => plain(sign(null, bytes, privateKey)),
    verify(owner, bytes, signature) {
      try {
        const publicKey = signature.length === signatureBytes ? keyOf(owner) : undefined
        return publicKey !== undefined && verify(null, bytes, publicKey, signature)
      } catch {
        return false
      }
    },
  }
}

/** libp2p's raw private key is the seed followed by the public key. */
function privateKeyObject(raw: Uint8Array): KeyObject {
  return privateKeyOf('Ed25519', raw.subarray(0, 32), raw.subarray(32, 64))
}

/** Whether a key's public half is what its secret half leads to: by libp2p, in JavaScript, that takes a twentieth of a start. */
export function isWhole({ raw, publicKey }: PrivateKey): boolean {
  const { x } = createPublicKey(privateKeyObject(raw)).export({ format: 'jwk' }) // the secret half alone counts
  return [raw.subarray(32), publicKey.raw].every((half) => Buffer.from(half).toString('base64url') === x)
}

/** @returns undefined for an id that holds no Ed25519 key, or is not spelled the one way that we use */
function publicKeyObject(owner: PeerId): KeyObject | undefined {
  if (owner.length > peerIdLength) return undefined
  const parsed = peerIdFromString(owner)
  // A peer id has several spellings; a key that owned two documents under two of them would be two members.
  if (parsed.type !== 'Ed25519' || parsed.toString() !== owner) return undefined
  const { raw } = parsed.publicKey
  return raw.length === publicKeyBytes ? publicKeyOf('Ed25519', raw) : undefined
}

/** Not a Buffer, whose `slice` shares memory where a Uint8Array's copies. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
