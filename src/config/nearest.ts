/**
 * Guesses which known name was meant by an unknown one. It never decides anything.
 */

/** The known name that takes the fewest edits to reach (Levenshtein). */
export function nearest(name: string, known: readonly string[]): string {
  return [...known].sort((a, b) => edits(name, a) - edits(name, b))[0] ?? ''
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
