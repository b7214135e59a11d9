// Bugs that somebody could write, each as the line that would have to change. All of them must be caught.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mutant } from './mutant.js'

export interface Patch {
  readonly name: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
}

/** @throws where the code has moved, so that a patch cannot silently stop being one */
export function applied(root: string, { name, file, find, replace }: Patch): Mutant {
  const text = readFileSync(join(root, file), 'utf8')
  const times = text.split(find).length - 1
  if (times !== 1)
    throw new Error(`${name}: its text stands ${times} times in ${file}, and must stand there once: ${find}`)
  return { name, file, text: text.replace(find, () => replace) }
}
