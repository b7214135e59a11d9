/**
 * What a dial that failed says of the other end, for people: in a log as on a terminal.
 */
import type { DialOutcome } from '../views.js'

export const dialInWords: Readonly<Record<DialOutcome, string>> = {
  refused: 'dials are refused: its process is gone',
  'no-answer': 'no answer to dials: its machine or the line to it is down',
  silent: 'its machine takes dials, and nobody speaks there: its process is frozen (suspended, or stuck)',
}
