// Cryptography for simulated daemons: a real hash, and signatures that anybody could forge and nobody in here does.
import { createHash } from 'node:crypto'
import type { Crypto } from '../../src/core/effects.js'

export function hash(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

export function cheapCrypto(self: string): Crypto {
  const signature = (owner: string, bytes: Uint8Array): Uint8Array => {
    const half = createHash('sha256').update(owner).update(bytes).digest()
    return Buffer.concat([half, half])
  }
  return {
    hash,
    sign: (bytes) => signature(self, bytes),
    verify: (owner, bytes, given) => Buffer.compare(signature(owner, bytes), given) === 0,
  }
}
