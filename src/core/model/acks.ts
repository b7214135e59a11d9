/**
 * Reads how many nodes are to hold a write before its caller goes on. Whether they do is found out elsewhere.
 */
import { durationOf, parseDuration } from './duration.js'
import { malformed } from './fields.js'

/** `all`: every living daemon that this one is, or means to be, connected with; in clusters of up to nine that is everybody. */
export type AckCount = number | 'all'

export const ackFields = ['acks', 'ackTimeout'] as const

/** The longest is well below the time that a client gives a whole call. */
export const ackLimits = { acks: 4096, min_ms: 1, max_ms: 5000, default_ms: 2000 } as const

export interface Acks {
  readonly acks: AckCount
  readonly patience_ms: number
}

/**
 * @param given as a program gives it; `undefined` is not given
 * @returns nothing where nobody else has to hold it
 * @throws RegistryError `malformed`, naming the option
 */
export function parseAcks({
  acks,
  ackTimeout,
}: {
  readonly acks?: unknown
  readonly ackTimeout?: unknown
}): Acks | undefined {
  const timeout = ackTimeout === undefined ? undefined : parseDuration(ackTimeout, 'ackTimeout', ackLimits)
  if (acks === undefined && timeout !== undefined) throw malformed('ackTimeout', 'counts only with acks')
  if (acks === undefined) return undefined
  const isCount = Number.isInteger(acks) && (acks as number) >= 1 && (acks as number) <= ackLimits.acks
  if (acks !== 'all' && !isCount) throw malformed('acks', `must be a whole number from 1 to ${ackLimits.acks}, or all`)
  const patience_ms = timeout === undefined ? ackLimits.default_ms : (durationOf(timeout) ?? ackLimits.default_ms)
  return { acks: acks as AckCount, patience_ms }
}
