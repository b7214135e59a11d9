/**
 * Whether a member can have sent so many heartbeats since the last word of it. Hearsay is not signed: one wrong number out of all
 * proportion would make every true word after it look old, until the member is hidden for a silence that is none. Where
 * the time stood still here, since the machine was suspended, all numbers are too high: of those that two pass on, one is taken;
 * or that go on while nobody says anything else.
 */
import { inheritedSilence_ms, sequencesWithin } from './formulas.js'
import type { Ahead, Member } from './member.js'

/** Of so many is kept what they passed on out of proportion. */
const aheadKept = 8

/** @param members how many there are */
export function isInProportion(word: Ahead, member: Member, members: number): boolean {
  const { sequence: known, heardAt, ahead } = member
  if (heardAt === undefined || word.sequence - known <= sequencesWithin(word.at - heardAt)) return true
  const isAlone = word.at - heardAt > inheritedSilence_ms(members)
  if (ahead.some((other) => (other.relayer !== word.relayer || isAlone) && isNear(word, other))) return true
  member.ahead = [...ahead.filter(({ relayer }) => relayer !== word.relayer), word].slice(-aheadKept)
  return false
}

/** Whether both may be of one speaker. */
function isNear(word: Ahead, other: Ahead): boolean {
  return Math.abs(word.sequence - other.sequence) <= sequencesWithin(word.at - other.at)
}
