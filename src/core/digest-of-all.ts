/**
 * One digest over the heads of all documents that a node holds, equal on two nodes exactly where they hold the same.
 */
import type { Crypto } from './effects.js'
import { hex } from './model/model.js'
import type { DigestView } from './views.js'
import type { SignedHead } from './wire/head.js'

/** @param heads in any order, one of each owner */
export function digestOfAll(heads: readonly SignedHead[], crypto: Pick<Crypto, 'hash'>): DigestView {
  const signed = [...heads].sort((a, b) => (a.head.owner < b.head.owner ? -1 : 1))
  const all = new Uint8Array(signed.length * 32)
  signed.forEach((head, i) => all.set(crypto.hash(head.bytes), i * 32))
  const documents = signed.map(({ head: { owner, generation, version, digest } }) => ({
    owner,
    generation,
    version,
    digest: hex(digest),
  }))
  return { digest: hex(crypto.hash(all)), documents }
}
