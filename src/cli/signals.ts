/**
 * The signals that ask a command to end, in one list for all of them. What an end takes is the command's.
 */

/**
 * By whom: SIGTERM by service managers, SIGINT by Ctrl-C, SIGHUP by a terminal that is closed. None is left to its default, which
 * would end a process with no time to clean up. SIGQUIT is: it is for whoever wants just that.
 */
export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

export type StopSignal = (typeof stopSignals)[number]

/**
 * Takes these signals over, each time one comes.
 * @returns gives them back
 */
export function onStopSignal(listener: (signal: StopSignal) => void): () => void {
  for (const signal of stopSignals) process.on(signal, listener)
  return () => {
    for (const signal of stopSignals) process.off(signal, listener)
  }
}
