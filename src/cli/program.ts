/**
 * All commands under one name, and what happens when they are misspelled. It runs none by itself.
 */
import { Command } from 'commander'
import { addClusterCommands } from './cluster.js'
import { reportFailure } from './command.js'
import { addDefinitionCommands } from './definitions.js'
import { addInstanceCommands } from './instances.js'
import { addKeygenCommand } from './keygen.js'
import { addLeaveCommand } from './leave.js'
import { addStartCommand } from './start.js'

/**
 * Runs one command line, without the names of the program.
 * @returns the exit code
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    return reportFailure(error)
  }
}

function createProgram(): Command {
  const program = new Command('rollcall')
    .description('A service registry with no servers.')
    .exitOverride()
    .configureOutput({ outputError: (message, write) => write(oneLine(message)) })
    .showSuggestionAfterError()
  addStartCommand(program)
  addClusterCommands(program)
  addInstanceCommands(program)
  addDefinitionCommands(program)
  addLeaveCommand(program)
  addKeygenCommand(program)
  return program
}

function oneLine(message: string): string {
  return `rollcall: ${message
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')}; see rollcall --help\n`
}
