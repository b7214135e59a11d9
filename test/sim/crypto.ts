// Cryptography for simulated daemons: hashes that nobody here tries to break, and signatures that anybody could forge and nobody in here does.
import { hash as hashOf } from 'node:crypto'
import type { Crypto } from '../../src/core/effects.js'

/** A real one, for tests of what enemies could do. */
export function hash(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(hashOf('sha256', bytes, 'buffer'))
}

/** 64 mixed bits, then more that follow from them: a tenth of the time of a real hash, and no two of a simulation's inputs collide. */
export function quickHash(bytes: Uint8Array, seed = 0): Uint8Array {
  const words = wordsOf(bytes)
  let a = 0x9e3779b9 ^ seed
  let b = 0x85ebca6b ^ bytes.length
  const rest = words.length - (words.length % 4)
  const first = words.length < longWords ? 0 : rest
  if (first > 0) {
    const joined = fourLanes(words, rest)
    a ^= joined[0]
    b ^= joined[1]
  }
  for (let i = first; i < words.length; i++) {
    a = (Math.imul(a ^ (words[i] as number), 0x2c1b3c6d) + b) | 0
    b = Math.imul(b ^ (a >>> 15), 0x297a2d39)
  }
  for (let i = 4 * words.length; i < bytes.length; i++) {
    a = (Math.imul(a ^ (bytes[i] as number), 0x2c1b3c6d) + b) | 0
    b = Math.imul(b ^ (a >>> 15), 0x297a2d39)
  }
  const digest = new Uint32Array(8)
  for (let i = 0; i < 8; i++) {
    a = mixed(a + b + i)
    b = mixed(b ^ a)
    digest[i] = a
  }
  return new Uint8Array(digest.buffer)
}

/** What has so many words is a digest over many others: every write makes one on each machine. */
const longWords = 512

/** 64 bits of so many words, in four lanes that do not wait for one another. */
function fourLanes(words: Int32Array, count: number): readonly [number, number] {
  let [a, b, c, d] = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f]
  for (let i = 0; i < count; i += 4) {
    a = Math.imul(a ^ (words[i] as number), 0x2c1b3c6d)
    b = Math.imul(b ^ (words[i + 1] as number), 0x297a2d39)
    c = Math.imul(c ^ (words[i + 2] as number), 0x21f0aaad)
    d = Math.imul(d ^ (words[i + 3] as number), 0x735a2d97)
    a ^= a >>> 15
    b ^= b >>> 14
    c ^= c >>> 13
    d ^= d >>> 16
  }
  return [mixed(a ^ mixed(c)), mixed(b ^ mixed(d))]
}

/** As many whole words as there are; bytes at an odd place in their buffer are copied first. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const even = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Int32Array(even.buffer, even.byteOffset, even.length >> 2)
}

function mixed(word: number): number {
  const half = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
  return Math.imul(half ^ (half >>> 15), 0x735a2d97) ^ (half >>> 13)
}

export function cheapCrypto(self: string): Crypto {
  const signature = (owner: string, bytes: Uint8Array): Uint8Array => {
    const half = quickHash(bytes, seedOf(owner))
    const twice = new Uint8Array(64)
    twice.set(half)
    twice.set(half, 32)
    return twice
  }
  return {
    hash: (bytes) => quickHash(bytes),
    sign: (bytes) => signature(self, bytes),
    verify: (owner, bytes, given) => Buffer.compare(signature(owner, bytes), given) === 0,
  }
}

function seedOf(owner: string): number {
  let seed = 0
  for (let i = 0; i < owner.length; i++) seed = mixed(seed ^ owner.charCodeAt(i))
  return seed
}
