/**
 * What is said to people in sentences, as words for programs: whoever has to tell one from another reads these instead.
 */

/**
 * Why a node is not ready: how far its start has come (as in `phase.ts`); its disk refuses writes; nobody has room for its records; none
 * of the places where it was told to find others has answered yet, or one of them keeps it out; what those hold whom it met is not all
 * here yet; it has said goodbye.
 */
export const unreadyCauses = [
  'restoring',
  'starting',
  'joining',
  'stale',
  'opening',
  'muted',
  'disk',
  'no-room',
  'seeking',
  'kept-out',
  'behind',
  'leaving',
] as const
export type UnreadyCause = (typeof unreadyCauses)[number]

/** Who has met nobody is not ready, since nobody else hears of it: what is written there is taken all the same, and stays there until then. */
export function isUnmet(cause: UnreadyCause): boolean {
  return cause === 'seeking' || cause === 'kept-out'
}

/** What keeps out only those who read: who has not heard all takes what is written, which others get. */
export function takesWrites(cause: UnreadyCause): boolean {
  return cause === 'behind' || isUnmet(cause)
}

/** A reason with its sentence. */
export interface Unready {
  readonly cause: UnreadyCause
  readonly why: string
}

export function readinessOf(
  reasons: readonly Unready[],
  degraded: boolean,
): { ready: boolean; reasons: string[]; causes?: UnreadyCause[]; degraded: boolean } {
  return {
    ready: reasons.length === 0,
    reasons: reasons.map(({ why }) => why),
    ...(reasons.length > 0 && { causes: reasons.map(({ cause }) => cause) }),
    degraded,
  }
}

/** What keeps out only those who write: what is registered elsewhere still comes here, and is true. */
const concernsWrites: ReadonlySet<UnreadyCause> = new Set(['disk', 'no-room'])

/** Whether what this node holds is that of its cluster, as far as it knows: a full disk makes no lookup wrong. */
export function canBeRead({
  ready,
  causes = [],
}: {
  readonly ready: boolean
  readonly causes?: readonly UnreadyCause[]
}): boolean {
  return ready || (causes.length > 0 && causes.every((cause) => concernsWrites.has(cause)))
}

/**
 * What is odd about a member: two daemons run with its key; it started from older records than it had published; it has no room for the
 * records of this node; it brings records of nodes of which nobody hears a word; there is no room here for its own; those are not what it
 * has signed.
 */
export const troubleKinds = [
  'two-daemons',
  'older-records',
  'refuses-us',
  'brings-unheard',
  'no-room',
  'wrong-records',
] as const
export type TroubleKind = (typeof troubleKinds)[number]

export interface Trouble {
  readonly kind: TroubleKind
  /** For people. */
  readonly text: string
  /** How long ago the last sign of it was, where it shows in single moments. */
  readonly age_ms?: number
}

/** For how long a single sign of trouble is told of. */
export const signMemory_ms = 600_000
/** Those that go on, such as who comes again and is kept out, give one more often than that: after so long without one it has ended. */
export const signPause_ms = 120_000

/** What to do about two daemons with one key, where nobody can tell yet which of them is the copy. */
export const stopTheCopy =
  'stop the one that runs on a copy of a data directory, and start it with its own, or an empty one (rollcall doctor names it where it is known); the other one, if it went mute, then takes writes again by itself'
