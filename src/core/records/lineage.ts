/**
 * Which of one owner's documents continue which: by what they say of their ancestry, never by order alone.
 */
import { type Ancestry, covers } from '../model/ancestry.js'
import type { EntryMaps } from '../document/entries.js'
import { type Head, type Origin, comparePoints } from '../wire/head.js'
import { nodeRecordOf } from './kinds.js'

/** A document, as far as its ancestry is concerned. */
export interface Descendant {
  readonly signed: { readonly head: Head }
  readonly entries: EntryMaps
}

/** What it says; undefined where an earlier version of this program has written it. */
export function ancestryOf({ entries }: Descendant): Ancestry | undefined {
  return nodeRecordOf(entries)?.ancestry
}

/** Whether whoever takes this document instead of the one of that head loses nothing that was ever in that one. */
export function isContinuedBy(head: Origin, document: Descendant): boolean {
  const own = document.signed.head
  if (own.boot === head.boot) return comparePoints(own, head) >= 0
  const told = ancestryOf(document)
  return told === undefined ? isBefore(head, own) : covers(told, head)
}

/** By the rule of earlier versions: order is all that their heads tell of ancestry. */
function isBefore(head: Origin, own: Head): boolean {
  return own.generation === head.generation || (own.parent !== undefined && comparePoints(own.parent, head) >= 0)
}

/**
 * The same, as far as a head shows it before its document can be read:
 *
 *     the point that it continues     is of the same start, not before it     continued
 *                                     comes before it, or there is none       behind: its owner may be asked what it knows
 *                                     is of a later start                     unsaid: order is no ancestry
 */
export function shownOf({ boot, parent }: Head, head: Origin): 'continued' | 'behind' | 'unsaid' {
  if (boot === head.boot) return 'continued'
  if (parent === undefined || comparePoints(parent, head) < 0) return 'behind'
  return parent.generation === head.generation ? 'continued' : 'unsaid'
}
