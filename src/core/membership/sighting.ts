/**
 * What was known of a member at one moment: by it a word that was spoken later is told from one that was only late.
 *
 * Ages cannot tell that. The age of a word is counted from where it was first heard, so each buffer, each hop, each stall of a
 * daemon that passed it on makes it look younger than it is. Numbers can: who had said n by then had not said much more.
 * How much more is counted from when n was first said, and not from when it was last heard: a word out of turn repeats the number of
 * the round before it, to a new connection or to who asked, and the next round may follow at once.
 */
import type { Heartbeat } from '../wire/beat.js'
import { onItsWay_ms, repeated_ms, sequencesUntil } from './formulas.js'

export interface Sighting {
  readonly at: number
  readonly generation: number
  /** The highest that it was known by, or reported under. */
  readonly incarnation: number
  /** The first heartbeat of that generation that cannot have been spoken by then. */
  readonly sequence: number
}

/** What is known of a member before it is lost sight of. */
interface Known {
  readonly generation: number
  readonly heardGeneration: number
  readonly incarnation: number
  readonly sequence: number
  /** When that was first said, at the earliest, as it came here. */
  readonly saidAt: number | undefined
  readonly reports: ReadonlyMap<string, { readonly generation: number; readonly incarnation: number }>
}

export function sightingOf(member: Known, at: number): Sighting {
  const generation = Math.max(member.generation, member.heardGeneration)
  let { incarnation } = member
  for (const report of member.reports.values())
    if (report.generation === generation) incarnation = Math.max(incarnation, report.incarnation)
  const sequence = member.sequence + sequencesUntil(at - (member.saidAt ?? at))
  return { at, generation, incarnation, sequence }
}

/** What is kept of a number. */
interface Numbered {
  sequence: number
  saidAt: number | undefined
}

/**
 * Notes the number of a word.
 * @param at when it was spoken, as it came here
 * @param isInTurn false where it may repeat the number of the round before it
 */
export function noteNumber(member: Numbered, sequence: number, at: number, isInTurn: boolean): void {
  if (member.sequence === sequence && member.saidAt !== undefined) return
  member.sequence = sequence
  member.saidAt = isInTurn ? at : at - repeated_ms
}

/** Which word it was. */
export type Word = Pick<Heartbeat, 'generation' | 'sequence'>

/** Whether a word, by whatever way it came, was spoken after the sighting. */
export function isAfter(sighting: Sighting, { generation, sequence }: Word): boolean {
  if (generation !== sighting.generation) return generation > sighting.generation
  return sequence >= sighting.sequence
}

/**
 * Whether it came from its speaker so long after the sighting that it was spoken after it. What we find in our buffers when we
 * wake up may have been there for as long as we slept.
 */
export function cameAfter({ at }: Sighting, now: number, awakeSince: number): boolean {
  return now - Math.max(at, awakeSince) > onItsWay_ms
}
