/**
 * How values look on a terminal: ages in words, amounts in units, `-` for what is absent. It neither asks nor prints.
 */
import { harmless } from '../core/words/harmless.js'

/** Text of others, in one cell: no control characters, which terminals obey. */
export function plain(text: string): string {
  const shown = harmless(text).trim()
  return shown === '' ? '-' : shown
}

/** `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`: two figures are enough. */
export function formatAge(age_ms: number | undefined): string | undefined {
  if (age_ms === undefined) return undefined
  const seconds = Math.max(0, age_ms) / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 100) return `${Math.round(seconds)} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

export function formatAgo(age_ms: number | undefined): string | undefined {
  const age = formatAge(age_ms)
  return age === undefined ? undefined : `${age} ago`
}

/** The age of an RFC 3339 moment. @param now unix milliseconds, by the clock that told it */
export function ageOf(moment: string | undefined, now: number): number | undefined {
  const then = moment === undefined ? NaN : Date.parse(moment)
  return Number.isNaN(then) ? undefined : Math.max(0, now - then)
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** power
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[power]}`
}

export function formatPercent(percent: number | undefined): string | undefined {
  return percent === undefined ? undefined : `${Math.round(percent)} %`
}

/** The clock on the wall here, as events are told. */
export function formatClock(moment: string): string {
  const date = new Date(moment)
  if (Number.isNaN(date.getTime())) return plain(moment)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}
