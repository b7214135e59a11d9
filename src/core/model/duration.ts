/**
 * Lengths of time as people write them, `500ms`, `5s`, `1m`: in records, in JSON, on the command line alike. Inside they are milliseconds.
 */
import { RegistryError, quote } from './errors.js'

/** A whole number with its unit; of all spellings of a length the one with the largest unit. */
export type Duration = string

/** The largest first. */
const units: readonly (readonly [name: string, length_ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** Both ends count as within. */
export interface DurationBounds {
  readonly min_ms: number
  readonly max_ms: number
}

/** @returns milliseconds; undefined for what is none */
export function durationOf(text: string): number | undefined {
  const [, digits = '', name] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? []
  const length_ms = units.find(([unit]) => unit === name)?.[1]
  return length_ms === undefined ? undefined : Number(digits) * length_ms
}

export function formatDuration(length_ms: number): Duration {
  const [name, unit_ms] = units.find(([, unit]) => length_ms % unit === 0 && length_ms >= unit) ?? ['ms', 1]
  return `${length_ms / unit_ms}${name}`
}

/**
 * Reads `'500ms'`, `'5s'`, `'1m'`, `'2h'`, `'30d'`, or whole milliseconds as a number.
 * @throws RegistryError `malformed`, naming the field
 */
export function parseDuration(input: unknown, field: string, { min_ms, max_ms }: DurationBounds): Duration {
  const length_ms = typeof input === 'number' ? input : typeof input === 'string' ? durationOf(input.trim()) : undefined
  if (length_ms === undefined || !Number.isInteger(length_ms)) {
    const given = typeof input === 'string' ? `${quote(input)} is not a duration` : 'must be a duration'
    throw new RegistryError('malformed', `${field}: ${given}; give such as 500ms, 5s or 1m`)
  }
  if (length_ms >= min_ms && length_ms <= max_ms) return formatDuration(length_ms)
  const bounds = `from ${formatDuration(min_ms)} to ${formatDuration(max_ms)}`
  throw new RegistryError('malformed', `${field}: must be ${bounds}, and is ${formatDuration(length_ms)}`)
}
