/**
 * How long ago something was, in whole milliseconds, as views tell it: what has come since the moment at which all began to be looked at is new.
 */
export function sinceThen_ms(then: number, now: number): number {
  return Math.max(0, Math.round(now - then))
}
