/**
 * Guesses which known name was meant by an unknown one.
 */

import { RegistryError } from '../core/errors.js'

/** The known name that takes the fewest edits to reach (Levenshtein). */
export function nearest(name: string, known: readonly string[]): string {
  return [...known].sort((a, b) => edits(name, a) - edits(name, b))[0] ?? ''
}

/** The known name that was meant by an unknown one; undefined where none is near enough to be worth a word. */
export function meant(name: string, known: readonly string[]): string | undefined {
  const [asked, all] = [name.toLowerCase(), new Map(known.map((one) => [one.toLowerCase(), one]))]
  if (name.length > 64) return undefined
  const begun = [...all.keys()].find((one) => asked.length >= 3 && (one.startsWith(asked) || asked.startsWith(one)))
  const near = begun ?? nearest(asked, [...all.keys()])
  const isNear = begun !== undefined || areLike(asked, near) || edits(asked, near) <= near.length / 3
  return isNear ? all.get(near) : undefined
}

/** What is said of a name that is none of those there are. @param what it was taken for, such as `field` */
export function unknownName(name: string, known: readonly string[], what: string): string {
  const wayOut = meant(name, known)
  const rest = wayOut === undefined ? `there are ${known.join(', ')}` : `did you mean ${wayOut}?`
  return `${name.length > 64 ? `${name.slice(0, 61)}...` : name}: there is no such ${what}; ${rest}`
}

/**
 * Only those names may stand in what a program gives; what is `undefined` is not given.
 * @throws RegistryError `malformed`, naming the first other one and what was meant
 */
export function refuseUnknown(given: object, known: readonly string[], what: string): void {
  const names = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new RegistryError('malformed', unknownName(unknown, known, what))
}

/** Whether only the order of the letters is another one, as fingers mistake it. */
function areLike(a: string, b: string): boolean {
  return [...a].sort().join('') === [...b].sort().join('')
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
