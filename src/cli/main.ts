#!/usr/bin/env node
/**
 * The door of the `rollcall` command: lends the network stack what it needs, then hands over to the command line.
 */
import '../polyfill.js'
import { describeTooFewFiles, descriptorLimit } from '../config/descriptors.js'

const limit = descriptorLimit()

/**
 * It is sent to daemons, and to programs under `run`, by whoever has just changed a file, and does not know how far they are with their
 * start. Which command this is can be told once all is loaded, which takes long.
 */
let isHungUp = false
function note(): void {
  isHungUp = true
}
process.on('SIGHUP', note)
const takeHangUp = (): boolean => {
  process.off('SIGHUP', note)
  return isHungUp
}

// Its hundreds of files are opened at once: where too few may be, nothing of it could say so.
const program = await import('./program.js').catch((error: unknown) => {
  const message = describeTooFewFiles(error, limit)
  if (message === undefined) throw error
  process.stderr.write(`rollcall: ${message}\n`)
})
const code = (await program?.runCommandLine(process.argv.slice(2), { ownsProcess: true, takeHangUp })) ?? 1
if (code !== 0) process.exitCode = code
