/**
 * The command that makes a cluster key. It never overwrites one: a key that is lost cuts its members off.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { RegistryError } from '../core/model/errors.js'
import { printJson, printLines, printOutcome, takesJson, withExamples } from './command.js'

export function addKeygenCommand(program: Command): void {
  const command = program.command('keygen').description('make a cluster key; copy it to every member')
  withExamples(
    takesJson(command)
      .argument('[file]', 'where to write it, readable by its owner alone; default: standard output')
      .action(keygen),
    ['rollcall keygen cluster.key', 'then copy it to every machine'],
    ['rollcall start --cluster-key cluster.key', 'only those who have it can be members'],
  )
}

async function keygen(file: string | undefined, options: { readonly json?: true }): Promise<void> {
  const { generateClusterKey } = await import('../io/network/clusterkey.js')
  const key = Buffer.from(generateClusterKey())
  if (file === undefined) {
    if (options.json) return printJson({ key: key.toString('latin1') })
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
  printOutcome(options, { file: resolve(file) }, `wrote ${file}`)
}
