/**
 * A name within a command that people copy from what they are told: as a shell takes it for one word.
 */
import { harmless } from './harmless.js'

export function shellWord(text: string): string {
  const shown = harmless(text)
  return /^[\w./:@%+=,-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`
}
