/**
 * What became of a document that was offered, or of a step of one.
 */
import type { StoreOp } from '../effects.js'
import type { Change } from '../document/entries.js'
import type { Parcel } from '../wire/sync.js'
import type { Bringing } from './declined.js'
import type { CoreDropReason } from '../words/drop-reasons.js'

export type Outcome =
  /** Taken: the head is held now. `op` is what to write to disk. */
  | { readonly type: 'taken'; readonly changes: readonly Change[]; readonly op: StoreOp }
  /** Nothing newer than what is held. */
  | { readonly type: 'old' }
  /** Its owner was forgotten up to this generation. */
  | { readonly type: 'fenced' }
  /** It does not start from what is held. */
  | { readonly type: 'gap' }
  /** It is of a start that did not know what is held here, by all that it says: give that back to its owner. */
  | { readonly type: 'behind' }
  /** It is much: it is taken across turns, see `goOn`. */
  | { readonly type: 'begun' }
  /** It starts from what is held, and changes so much of it that all of it is to be pulled: that is taken across turns. */
  | { readonly type: 'long' }
  /** There is no room for it: its head is known now, what was held of it before stays, and is not current. */
  | { readonly type: 'declined' }
  /** Its owner, or whoever brought it, has caused too much work lately: it is to be pulled, after so long. */
  | { readonly type: 'later'; readonly after_ms: number }
  /** It is not what its signature or digest says, or one document too many. */
  | { readonly type: 'refused'; readonly reason: CoreDropReason }

/** Whether the whole content that an owner gave itself is not what it has signed; of what others bring nobody knows whose fault it is. */
export function isOwnersFault(outcome: Outcome, { signed, content }: Parcel, { via }: Bringing): boolean {
  return outcome.type === 'refused' && content.type === 'full' && via === signed.head.owner
}
