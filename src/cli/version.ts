/**
 * The command that says which version this is. It changes nothing.
 */
import type { Command } from 'commander'
import { packageVersion, protocolVersion } from '../config/version.js'
import { printOutcome, takesJson, withExamples } from './command.js'

export function addVersionCommand(program: Command): void {
  const command = program.command('version').description('the version of this program, and of what it speaks')
  withExamples(
    takesJson(command).action((options: { readonly json?: true }) => {
      const versions = { software: packageVersion, protocol: protocolVersion, node: process.version }
      printOutcome(
        options,
        versions,
        `rollcall ${packageVersion}, protocol ${protocolVersion}, on Node ${process.version}`,
      )
    }),
    ['rollcall version', 'of this program'],
    ['rollcall members', 'of every daemon'],
  )
}
