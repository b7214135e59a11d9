#!/usr/bin/env node
/**
 * The door of the `rollcall` command: lends the network stack what it needs, then hands over to the command line.
 */
import '../polyfill.js'
import { runCommandLine } from './program.js'

/** Readers such as `head`, and whoever started a daemon, may stop listening; that is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runCommandLine(process.argv.slice(2))
