/**
 * What becomes of words that cannot be written, because a disk is full, a terminal is gone, or nobody reads any more.
 */
import { exitCodes } from './command.js'

/**
 * Without a listener each of these would end the process, as if there were a bug in it.
 * @param tell hears once, in a sentence, that something was lost which somebody may have waited for. A reader such as `head` that
 * has had enough is no loss, and for words on stderr nobody is left to be told. Takes the place of an earlier one.
 */
export function onLostOutput(tell: (sentence: string) => void): void {
  let isTold = false
  process.stdout.removeAllListeners('error').on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || isTold) return
    isTold = true
    tell(`standard output cannot be written (${code ?? message}): not all of it is there`)
  })
  process.stderr.removeAllListeners('error').on('error', () => undefined)
}

/** Of a command that is to be read: whoever counts on its words learns that some are missing. */
export function failOnLostOutput(): void {
  onLostOutput((sentence) => {
    process.exitCode = exitCodes.failed
    process.stderr.write(`rollcall: ${sentence}\n`)
  })
}

/** The exit code of a command that did what it was asked for, as far as is known by now. */
export function codeOfSuccess(): number {
  return Number(process.exitCode ?? exitCodes.fine)
}
