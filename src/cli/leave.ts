/**
 * The command that ends a daemon for good manners: it says goodbye to its cluster, then stops. What it stored stays on its disk.
 */
import type { Command } from 'commander'
import { changes, clientOf, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { saying } from './progress.js'

export function addLeaveCommand(program: Command): void {
  withExamples(
    changes(program.command('leave').description('let the daemon say goodbye to its cluster and stop')).action(leave),
    ['rollcall leave', 'its instances are out of all lookups at once'],
  )
}

async function leave(options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  await saying(`waiting for ${client.server} to say goodbye`, client.leave())
  printOutcome(options, { server: client.server }, `the daemon at ${client.server} said goodbye and stops`)
}
