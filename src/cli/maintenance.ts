/**
 * The command that keeps an instance out of every lookup while it goes on running. It also puts it back.
 */
import type { Command } from 'commander'
import { changes, clientOf, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { toInstance } from './meant.js'

/** What `--check` takes, wherever a command registers something. */
export const checkHelp =
  'how its node checks it: tcp (default), http:/path or https:/path (2xx and 3xx are healthy), or none (always healthy)'

export const whichInstance = 'the id of the instance, also as tables shorten it'

export function addMaintenanceCommand(program: Command): void {
  const command = changes(program.command('maintenance').description('hide an instance from lookups, or show it again'))
  const on = command.command('on').description('hide it; registering it again shows it, too; ask its own node')
  withExamples(
    changes(on)
      .argument('<id>', whichInstance)
      .option('--reason <text>', 'what `instances --all` says of it')
      .action(hide),
    ['rollcall maintenance on web-1 --reason "new disk"', 'callers go elsewhere; it goes on running'],
  )
  const off = command.command('off').description('show it again; ask its own node')
  withExamples(changes(off).argument('<id>', whichInstance).action(show), [
    'rollcall maintenance off web-1',
    'in every lookup again',
  ])
}

async function hide(asked: string, options: AnsweringOptions & { readonly reason?: string }): Promise<void> {
  const client = clientOf(options)
  const id = await toInstance(client, asked, (id) => client.setMaintenance(id, options.reason))
  printOutcome(options, { id }, `${id} is in maintenance: no lookup shows it`)
}

async function show(asked: string, options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  const id = await toInstance(client, asked, (id) => client.endMaintenance(id))
  printOutcome(options, { id }, `${id} is back in service`)
}
