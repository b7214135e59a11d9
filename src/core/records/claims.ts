/**
 * What every kind of entry is described by. It knows none of them.
 */
import type { PeerId } from '../model/model.js'

/** The value of an entry, and whose document it stands in. */
export interface Claim<T> {
  readonly owner: PeerId
  readonly value: T
}

/** What is known of a key at the moment when it is written again. */
export interface Known {
  readonly self: PeerId
  /** The highest registration number that was ever given to this id, removals included. */
  readonly highestNumber: number
  /** What was used up without a word of it. */
  readonly usedUpTo: number
  /** Records with this registration number, and all lower ones, are removed. */
  readonly removedUpTo: number
  /** Whether another owner holds a record of this id. */
  readonly hasOthers: boolean
  /** The highest stamp that a definition of this id has. */
  readonly highestStamp: number
}

/** An entry as it was written here, between a document that was thought to be the newest one of ours and another that was. */
export interface Rewriting<T> {
  readonly key: string
  /** What stood there before it was written. */
  readonly before: T | undefined
  /** What was written; absent where the entry went. */
  readonly after: T | undefined
  /** What stands in the newer document. */
  readonly adopted: T | undefined
}

/** What writing again comes to. `deregister`: a caller's removal, with all that follows from one. */
export type Rewritten<T> =
  | { readonly type: 'write'; readonly value: T | undefined }
  | { readonly type: 'deregister'; readonly n: number }
  | { readonly type: 'leave' }

export interface Kind<T> {
  /** Characters of a value; what is longer no honest daemon has written. */
  readonly maxLength: number
  /** Nothing for what no honest daemon has written. Callers are told more strictly what to send: what was taken once stays readable. */
  read(key: string, json: string): T | undefined
  write(value: T): string
  /** Who wins where several documents have the key: the greater one. */
  compare(a: Claim<T>, b: Claim<T>): number
  /** Unix seconds, by the clock of the document's owner, from which its lifetime runs; undefined where it lives until somebody ends it. */
  livesFrom(value: T): number | undefined
  /** The same in another document, which takes over where its own is fenced; undefined for what ends with its owner. */
  copy(value: T, now_s: number): T | undefined
  /** Which counts of two in one key of two documents of ours, neither of which knew of the other. @throws RegistryError `conflict` */
  merge(ours: T, theirs: T, key: string): T
  /** Written here while a newer document of ours was not known: written again, as a new act, over what that one holds. */
  rewrite(written: Rewriting<T>, known: Known): Rewritten<T>
}

/** Whether two values differ at the most in the date from which they live, which is by the count of whoever holds them. */
export function isSameButForDate<T>(kind: Kind<T>, one: T | undefined, other: T | undefined): boolean {
  if (one === undefined || other === undefined || kind.livesFrom(other) === undefined) return false
  const [undated, otherUndated] = [kind.copy(one, 0), kind.copy(other, 0)]
  return undated !== undefined && otherUndated !== undefined && kind.write(undated) === kind.write(otherUndated)
}

export function compareIds(a: PeerId, b: PeerId): number {
  return a < b ? -1 : a > b ? 1 : 0
}
