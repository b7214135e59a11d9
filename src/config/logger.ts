/**
 * What a logger is to Rollcall: how much it writes, what one that a program lends has to be able to do. It names no library, as the
 * types of the public doors lead here.
 */

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What a program's own logger has to be able to do: pino's can, and so can `console`. */
export interface LentLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** Where it is missing, all of our own lines are written, and none of the network stack's. */
  isLevelEnabled?(level: string): boolean
}
