/**
 * The command that ends a daemon for good manners: it says goodbye to its cluster, then stops. What it stored stays on its disk.
 */
import type { Command } from 'commander'
import { changes, clientOf, printOutcome, withExamples, type AnsweringOptions } from './command.js'
import { saying } from './progress.js'

export function addLeaveCommand(program: Command): void {
  const command = program.command('leave').description('let the daemon say goodbye to its cluster and stop')
  withExamples(
    changes(command)
      .option('--restart', 'it is started again within half a minute: its healthy instances stay listed meanwhile')
      .action(leave),
    ['rollcall leave', 'its instances are out of all lookups at once'],
    ['rollcall leave --restart', 'before an upgrade of the daemon; then start it again'],
  )
}

async function leave(options: AnsweringOptions & { readonly restart?: boolean }): Promise<void> {
  const client = clientOf(options)
  const { restart = false } = options
  await saying(`waiting for ${client.server} to say goodbye`, client.leave({ restart }))
  const outcome = restart ? 'said that it restarts, and stops: start it again' : 'said goodbye and stops'
  printOutcome(options, { server: client.server, restart }, `the daemon at ${client.server} ${outcome}`)
}
