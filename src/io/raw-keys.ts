/**
 * Keys of which the bytes are known, made ready. As JSON (RFC 8037) they are read in a tenth of the time that other forms take.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** Their keys have 32 bytes, each half of them. */
export type Curve = 'Ed25519' | 'X25519'

/** @throws where the secret half is none; the public one is not looked at */
export function privateKeyOf(crv: Curve, secretHalf: Uint8Array, publicHalf: Uint8Array): KeyObject {
  return createPrivateKey({ key: { kty: 'OKP', crv, d: text(secretHalf), x: text(publicHalf) }, format: 'jwk' })
}

/** @throws where it is none */
export function publicKeyOf(crv: Curve, bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv, x: text(bytes) }, format: 'jwk' })
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}
