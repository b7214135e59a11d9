/**
 * A registry digest: 8 bytes over any number of heads, in no order, so that one head can leave it as easily as it came.
 */
import type { Crypto } from '../effects.js'
import type { SignedHead } from './head.js'

/** A head's contribution to a registry digest. */
export function markOf(signed: SignedHead, crypto: Crypto): Uint8Array {
  return crypto.hash(signed.bytes).slice(0, 8)
}

/** Adds a mark that is not in the digest; takes out one that is. */
export function joinMark(digest: Uint8Array, mark: Uint8Array): void {
  for (let i = 0; i < 8; i++) digest[i] = (digest[i] as number) ^ (mark[i] as number)
}
