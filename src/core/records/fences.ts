/**
 * Fences: each ends every document of an owner up to the generation of one of its heads. The owner's signature on that head
 * proves that there was such a generation, so nobody can be fenced ahead of its time.
 *
 *     generation   7 ──────────────── 8 ───────────▶
 *     a            silent for 72 h                     a comes back as 7: nobody takes its document
 *     b                     fence (a, 7)               its first living observer forgets it, and all do
 *     a                               begins 8         a has seen the fence: what it registers now is taken
 */
import { canonicalJson, hex, readObject, unhex } from '../model/model.js'
import { type SignedHead, decodeHead } from '../wire/head.js'
import type { Kind } from './claims.js'
import { isCount } from './numbers.js'

export interface FenceEntry {
  readonly fenced: SignedHead
  /** Unix seconds by the clock of the document's owner; it lives from then on. */
  readonly at: number
}

export const fences: Kind<FenceEntry> = {
  maxLength: 4096,
  /** Reads the form only: whoever acts on it verifies the head. */
  read(owner, json) {
    const { head, at } = readObject(json) ?? {}
    if (typeof head !== 'string' || !isCount(at)) return undefined
    const fenced = decodeHead(unhex(head))
    return fenced?.head.owner === owner ? { fenced, at } : undefined
  },
  write: ({ fenced, at }) => canonicalJson({ at, head: hex(fenced.bytes) }),
  compare: (a, b) => a.value.fenced.head.generation - b.value.fenced.head.generation,
  livesFrom: ({ at }) => at,
  copy: ({ fenced }, now_s) => ({ fenced, at: now_s }),
  merge: (ours, theirs) => {
    const isLater = ours.fenced.head.generation >= theirs.fenced.head.generation
    return { fenced: (isLater ? ours : theirs).fenced, at: Math.max(ours.at, theirs.at) }
  },
  rewrite: ({ after }) => ({ type: 'write', value: after }),
}
