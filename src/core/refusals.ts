/**
 * Why a command is not taken at present, whatever it says.
 */
import type { Command } from './effects.js'
import type { Phase } from './phase.js'

/** What the disk has no part in: words of programs, and acts, which are written at the home of their instance, if at all. */
const needsNoDisk: ReadonlySet<Command['type']> = new Set(['act', 'open-session', 'hear-session', 'lose-session'])

/** What tells nothing new to anybody: the goodbye is the last that others hear from here, so nothing is taken that they would have to hear. */
const mayFollowGoodbye: ReadonlySet<Command['type']> = new Set(['leave', 'acknowledge', 'hear-session', 'lose-session'])

export const leaving = 'this node has said goodbye, and is about to end; ask another one'

export interface Circumstances {
  readonly phase: Phase
  /** Why the disk refuses writes, if it does. */
  readonly refusal: string | undefined
  readonly hasLeft: boolean
}

export function whyRefused({ type }: Command, { phase, refusal, hasLeft }: Circumstances): string | undefined {
  if (phase.name === 'muted') return phase.why
  if (hasLeft && !mayFollowGoodbye.has(type)) return leaving
  return refusal === undefined || needsNoDisk.has(type) ? undefined : `the disk refuses writes (${refusal})`
}
