/**
 * How a command that would go on for ever is ended: Ctrl-C, a signal, or nobody left to read what it prints. It runs nothing itself.
 */
import { codeOfSuccess } from './output.js'
import { onStopSignal } from './signals.js'

/** An ending that was asked for is no failure; words that could not be written are one. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController()
  const end = (): void => {
    release() // so that a second one ends at once
    abort.abort()
  }
  const release = onStopSignal(end)
  process.stdout.once('error', end)
  try {
    await work(abort.signal)
  } catch (error) {
    if (!abort.signal.aborted) throw error
  } finally {
    release()
    process.stdout.off('error', end)
  }
  // A call that still waits for its answer would hold the process for as long as it waits.
  if (abort.signal.aborted) process.exit(codeOfSuccess())
}

/** What `work` gives, unless the end comes first. @throws the signal's reason */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    if (signal.aborted) return end()
    signal.addEventListener('abort', end, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}
