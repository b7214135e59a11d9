/**
 * Which of several registrations of one id is the later one: by the bytes of the records alone, so that all who hold them say the same.
 *
 *     n        what its writer had seen: whoever registers exceeds it, so an act that knew of the other is above it
 *     stamp    of two that knew nothing of each other: when each was registered, as its home node put it (see `stamps.ts`)
 *     owner    of two with one stamp, or of which one has none
 *
 *     b        registered 1, stamp 12:00 ── dies before anybody sees it ───────────────── back: has lost, drops its own
 *     a                                          registered 1, stamp 12:05 ───────────────── counts
 *
 * Records of earlier versions have no stamp, and their daemons go by the owner whatever the other record says. So three of one number
 * can each lose to another: 1 (12:05) beats 3 (12:00) by its stamp, 3 beats 2 (none) by its owner, 2 beats 1 by its owner. Hence
 * the later one is found in two steps, and an owner drops its own, where numbers are equal, to one with a stamp alone: the latest of
 * those with a stamp is dropped by nobody, whatever the earlier daemons do.
 */
import type { InstanceRecord } from '../model/model.js'
import { type Claim, compareIds } from './claims.js'

export type RegistrationClaim = Claim<Pick<InstanceRecord, 'n' | 'stamp'>>

/** Which of two counts: the greater one. Of more than two see `latestOf`. */
export function compareRegistrations(a: RegistrationClaim, b: RegistrationClaim): number {
  return a.value.n - b.value.n || compareStamps(a, b) || compareIds(a.owner, b.owner)
}

function compareStamps(a: RegistrationClaim, b: RegistrationClaim): number {
  return hasStamp(a) && hasStamp(b) ? (a.value.stamp ?? 0) - (b.value.stamp ?? 0) : 0
}

function hasStamp({ value }: RegistrationClaim): boolean {
  return value.stamp !== undefined
}

/** The one that counts, in whatever order they come: the latest with a stamp against the greatest without. */
export function latestOf<T extends RegistrationClaim>(claims: Iterable<T>): T | undefined {
  let stamped: T | undefined
  let others: T | undefined
  for (const claim of claims) {
    if (hasStamp(claim)) stamped = later(claim, stamped)
    else others = later(claim, others)
  }
  return stamped === undefined ? others : later(stamped, others)
}

function later<T extends RegistrationClaim>(one: T, other: T | undefined): T {
  return other === undefined || compareRegistrations(one, other) > 0 ? one : other
}

/** Whether an owner is to drop its own for any of these. */
export function isOutdated(own: RegistrationClaim, others: Iterable<RegistrationClaim>): boolean {
  for (const other of others) {
    const mayTakeOver = other.value.n > own.value.n || hasStamp(other)
    if (mayTakeOver && compareRegistrations(other, own) > 0) return true
  }
  return false
}
