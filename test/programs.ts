// Which programs of others are there: tests that need one say so and skip.
import { spawnSync } from 'node:child_process'

/** Whether a program can be started by that name. */
export function programHere(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined
}
