/**
 * One digest over the heads of all documents that a node holds, equal on two nodes exactly where they hold the same.
 */
import { type Steps, ofEach } from './basics/steps.js'
import type { Crypto } from './effects.js'
import { hex } from './model/model.js'
import type { DigestView } from './views.js'
import type { SignedHead } from './wire/head.js'

/** @param heads in any order, one of each owner */
export function* digestOfAll(heads: readonly SignedHead[], crypto: Pick<Crypto, 'hash'>): Steps<DigestView> {
  const signed = [...heads].sort((a, b) => (a.head.owner < b.head.owner ? -1 : 1))
  const all = new Uint8Array(signed.length * 32)
  let at = 0
  const documents = yield* ofEach(signed, ({ bytes, head: { owner, generation, version, digest } }) => {
    all.set(crypto.hash(bytes), at)
    at += 32
    return { owner, generation, version, digest: hex(digest) }
  })
  return { digest: hex(crypto.hash(all)), documents }
}
