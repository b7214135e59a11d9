/**
 * The command that ends a daemon for good manners: it says goodbye to its cluster, then stops. What it stored stays on its disk.
 */
import type { Command } from 'commander'
import { clientOf, printLines, takesServer, type ServerOptions } from './command.js'

export function addLeaveCommand(program: Command): void {
  takesServer(program.command('leave').description('let the daemon say goodbye to its cluster and stop')).action(leave)
}

async function leave(options: ServerOptions): Promise<void> {
  const client = clientOf(options)
  await client.leave()
  printLines(`the daemon at ${client.server} said goodbye and stops`)
}
