#!/usr/bin/env node
/**
 * The door of the `rollcall` command: lends the network stack what it needs, then hands over to the command line.
 */
import '../polyfill.js'
import { runCommandLine } from './program.js'

const code = await runCommandLine(process.argv.slice(2), { ownsProcess: true })
if (code !== 0) process.exitCode = code
