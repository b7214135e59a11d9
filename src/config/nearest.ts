/**
 * Guesses which known name was meant by an unknown one.
 */

import { RegistryError } from '../core/model/errors.js'

/** The known name that takes the fewest edits to reach (Levenshtein, with exchanges). */
export function nearest(name: string, known: readonly string[]): string {
  return [...known].sort((a, b) => edits(name, a) - edits(name, b))[0] ?? ''
}

/** The known name that was meant by an unknown one; undefined where none is near enough to be worth a word. */
export function meant(name: string, known: readonly string[]): string | undefined {
  const [asked, all] = [name.toLowerCase(), new Map(known.map((one) => [one.toLowerCase(), one]))]
  if (name.length > 64) return undefined
  const near = nearest(asked, [...all.keys()])
  if (near !== '' && edits(asked, near) <= Math.max(1, Math.floor(near.length / 3))) return all.get(near)
  const begun = [...all.keys()].find((one) => asked.length >= 3 && (one.startsWith(asked) || asked.startsWith(one)))
  return begun === undefined ? undefined : all.get(begun)
}

/** The end of a sentence about an unknown name: what was meant, where that can be told, else `otherwise`. */
export function didYouMean(name: string, known: readonly string[], otherwise = ''): string {
  const wayOut = meant(name, known)
  return wayOut === undefined ? otherwise : `; did you mean ${wayOut}?`
}

/** A name as a sentence may carry it. */
export function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 61)}...` : name
}

/** What is said of a name that is none of those there are. @param what it was taken for, such as `field` */
export function unknownName(name: string, known: readonly string[], what: string): string {
  return `${shortened(name)}: there is no such ${what}${didYouMean(name, known, `; there are ${known.join(', ')}`)}`
}

/**
 * Only those names may stand in what a program gives; what is `undefined` is not given. A `signal` has to be one.
 * @throws RegistryError `malformed`, naming the first other one and what was meant
 */
export function refuseUnknown(given: object, known: readonly string[], what: string): void {
  if (typeof given !== 'object' || (given as unknown) === null)
    throw new RegistryError('malformed', `${what}s: must be an object such as {}`)
  const names = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new RegistryError('malformed', unknownName(unknown, known, what))
  const { signal } = given as { readonly signal?: unknown }
  if (signal !== undefined && !isSignal(signal))
    throw new RegistryError('malformed', 'signal: must be an AbortSignal, such as AbortSignal.timeout(5000)')
}

/** Before anything is begun: what is found out by listening to it has been written already. */
function isSignal(given: unknown): boolean {
  const { throwIfAborted, addEventListener } = Object(given) as Partial<AbortSignal>
  return typeof throwIfAborted === 'function' && typeof addEventListener === 'function'
}

/**
 * The same of the fields of what a caller sends. What is no object at all is for its parser to refuse.
 * @throws RegistryError `malformed`, naming the first other one and what was meant
 */
export function refuseUnknownFields(given: unknown, known: readonly string[]): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) refuseUnknown(given, known, 'field')
}

/** Letters in exchanged places are one edit: that is how people misspell. */
function edits(a: string, b: string): number {
  let [above, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isExchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1, isExchanged ? above[j - 2]! + 1 : Infinity))
    }
    ;[above, row] = [row, next]
  }
  return row[b.length]!
}
