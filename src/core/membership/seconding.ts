/**
 * What two say: of the numbers that are passed on of a member, unsigned, the highest that two distinct others have reached. One who
 * makes up numbers is one of the two at most, so it is never higher than what somebody else said.
 *
 * Two who say the same are no proof: the one may have it from the other. So it is asked of whom two may be enough by who asks.
 */
import type { PeerId } from '../model/model.js'

export interface Seconded {
  /** Who passed on the highest number, and which that is. */
  readonly top: { readonly relayer: PeerId; readonly sequence: number } | undefined
  /** The highest that two have reached; -1 for none. */
  readonly sequence: number
  /** When that was raised last; absent where it never was. */
  readonly at: number | undefined
  /** Since when it is raised without a pause. */
  readonly since: number | undefined
}

export const unseconded: Seconded = { top: undefined, sequence: -1, at: undefined, since: undefined }

/** A word that `relayer` passes on. */
interface Passed {
  readonly relayer: PeerId
  readonly sequence: number
  readonly at: number
}

/** @param pause_ms a longer one makes it begin anew */
export function seconded(before: Seconded, { relayer, sequence, at }: Passed, pause_ms: number): Seconded {
  const { top } = before
  const isTop = top === undefined || sequence > top.sequence
  if (top === undefined || top.relayer === relayer) return isTop ? { ...before, top: { relayer, sequence } } : before
  const reached = Math.min(sequence, top.sequence)
  if (reached <= before.sequence) return isTop ? { ...before, top: { relayer, sequence } } : before
  const isGoingOn = before.at !== undefined && at - before.at <= pause_ms
  return {
    top: isTop ? { relayer, sequence } : top,
    sequence: reached,
    at,
    since: isGoingOn ? before.since : at,
  }
}
