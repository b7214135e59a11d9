// Programs of this machine that are no part of the package: tests that need one which is not here say so and skip.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Whether a program is found in `PATH`; says so where it is not. What is asked for here is installed by `.ci/programs`, or is a shell.
 *
 * @example describe.skipIf(!programHere('dig'))('asked by dig', …)
 */
export function programHere(name: string): boolean {
  const isHere = (process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)))
  if (!isHere) console.warn(`left out: ${name} is not installed here`)
  return isHere
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
