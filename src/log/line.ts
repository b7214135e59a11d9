/**
 * A line of the log as people are shown it, in which stands what members, callers, services say of themselves.
 */
import { harmless } from '../core/words/harmless.js'

/** What a line says, for whatever shows it to people. A trace keeps its lines. */
export function saidIn(line: string): object {
  return JSON.parse(line, (key, value: unknown) => {
    if (typeof value !== 'string') return value
    return key === 'stack' ? value.split('\n').map(harmless).join('\n') : harmless(value)
  }) as object
}
