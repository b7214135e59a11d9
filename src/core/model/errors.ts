/**
 * The errors that a caller can cause: a closed list of codes. Each message names the thing, the field, the way out. What peers
 * do wrong is dropped and counted instead; what we do wrong is an assertion.
 */

/** Peers name them by their place: new ones come last. */
export const errorCodes = [
  'malformed', // the input breaks a rule of the model
  'unauthorized', // who is asking is not known
  'forbidden', // well understood, not permitted
  'not-found', // no such record
  'conflict', // another fact stands against it
  'too-large', // over a limit of size or count
  'unavailable', // this daemon cannot do it now, but may later
  'internal', // our own fault
] as const
export type ErrorCode = (typeof errorCodes)[number]

export class RegistryError extends Error {
  override readonly name = 'RegistryError'

  /**
   * @param code which kind of error, stable across versions
   * @param message what was wrong, which field, what to do
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

/** What was thrown, in words; anything can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Ends the program's current task when one of our own rules does not hold: a bug here, never bad input. */
export function assert(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${rule}`)
}

/**
 * What somebody gave, as it stands in an error: no longer than can be read. Of what is no text, number or the like only its kind:
 * JSON can hold objects that no `String` makes a text of, `{"toString": 1}`, and lists too deep for it.
 */
export function quote(given: unknown): string {
  if (typeof given === 'object' && given !== null) return Array.isArray(given) ? 'a list' : 'an object'
  const text = String(given)
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}
