/**
 * Removals: each hides every record of its id up to a registration number, whoever owns it, alive or not, now or later.
 *
 *     number   1 ───── 2 ───── 3 ───── 4 ─────▶
 *     a        registered                         a was off while b removed it, and comes back with 1: hidden
 *     b                removal up to 1
 *     c                registered 2               registered after the removal: shown
 */
import { canonicalJson, readObject } from '../model/model.js'
import type { Kind } from './claims.js'
import { isCount } from './numbers.js'

export interface RemovalEntry {
  readonly n: number
  /** Unix seconds by the clock of the document's owner; it lives from then on. */
  readonly at: number
}

export const removals: Kind<RemovalEntry> = {
  maxLength: 1024,
  read(_, json) {
    const { n, at } = readObject(json) ?? {}
    return isCount(n) && isCount(at) ? { n, at } : undefined
  },
  write: canonicalJson,
  compare: (a, b) => a.value.n - b.value.n,
  livesFrom: ({ at }) => at,
  copy: ({ n }, now_s) => ({ n, at: now_s }),
  merge: (ours, theirs) => ({ n: Math.max(ours.n, theirs.n), at: Math.max(ours.at, theirs.at) }),
  rewrite({ after, adopted }) {
    if (after === undefined || after.n <= (adopted?.n ?? 0)) return { type: 'leave' }
    return { type: 'write', value: after }
  },
}
