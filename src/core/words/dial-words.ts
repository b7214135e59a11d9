/**
 * What came of a dial that failed: a word for programs, a sentence for people, in a log as on a terminal.
 */

/**
 * What a dial that fails says of the other end: `refused`, its machine answers and nobody listens, so that its process is gone;
 * `no-answer`, its machine is off, or the line to it is cut; `silent`, its machine takes connections, and its process says nothing.
 */
export const dialOutcomes = ['refused', 'no-answer', 'silent'] as const
export type DialOutcome = (typeof dialOutcomes)[number]

export const dialInWords: Readonly<Record<DialOutcome, string>> = {
  refused: 'dials are refused: its process is gone',
  'no-answer': 'no answer to dials: its machine or the line to it is down',
  silent: 'its machine takes dials, and nobody speaks there: its process is frozen (suspended, or stuck)',
}
