/**
 * How figures are written for people. Pure.
 */

/** Longer texts are cut: they come from anybody. */
const longest = 500

export function clipped(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`
}

/** Such as `0.4 s`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function ageOf(age_ms: number): string {
  const seconds = Math.max(0, age_ms) / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 119.5) return `${Math.round(seconds)} s`
  if (seconds < 119.5 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 47.5 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** The time of this day where it is of this day, else with its date. */
export function clockOf(at_ms: number, now_ms: number): string {
  const at = new Date(at_ms)
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
  if (at.toDateString() === new Date(now_ms).toDateString()) return time
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

function two(part: number): string {
  return String(part).padStart(2, '0')
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytesOf(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

/** `1 service`, `2 services`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** The first few names, then how many more there are. */
export function named(names: readonly string[], most = 3): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}
