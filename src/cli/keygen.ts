/**
 * The command that makes a cluster key. It never overwrites one: a key that is lost cuts its members off.
 */
import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { RegistryError } from '../core/errors.js'
import { printLines } from './command.js'

export function addKeygenCommand(program: Command): void {
  program
    .command('keygen')
    .description('make a cluster key; copy it to every member, and start them with --cluster-key FILE')
    .argument('[file]', 'where to write it, readable by its owner alone; default: standard output')
    .action(keygen)
}

async function keygen(file: string | undefined): Promise<void> {
  const { generateClusterKey } = await import('../io/network/clusterkey.js')
  const key = Buffer.from(generateClusterKey())
  if (file === undefined) {
    process.stdout.write(key)
    if (process.stdout.isTTY) printLines('')
    return
  }
  try {
    writeFileSync(file, key, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const why = code === 'EEXIST' ? 'there is a file already; choose another name' : (code ?? String(cause))
    throw new RegistryError('conflict', `cannot write ${file} (${why})`, { cause })
  }
  printLines(`wrote ${file}`)
}
