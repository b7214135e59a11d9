/**
 * The signals that ask a command to end, in one list for all of them. What an end takes is the command's.
 */
import { constants } from 'node:os'
import { meaningOfHangUp, takeHangUp } from './hang-up.js'
import { waitForNoTerminal } from './terminals.js'

/**
 * By whom: SIGTERM by service managers, SIGINT by Ctrl-C, SIGQUIT by Ctrl-\, SIGHUP by a terminal that is closed. None is left to its
 * default, which would end a process with no time to clean up; for whoever wants just that there are SIGABRT, which leaves a core,
 * and SIGKILL.
 */
export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const

export type StopSignal = (typeof stopSignals)[number]

/**
 * Takes these signals over, each time one comes; a SIGHUP that came before counts as one that comes now.
 * @param reload where SIGHUP comes from no terminal; without it that is an end too
 * @returns gives them back
 */
export function onStopSignal(listener: (signal: StopSignal) => void, reload?: () => void): () => void {
  const taken = stopSignals.map((signal) => {
    if (signal !== 'SIGHUP') return [signal, listener] as const
    const answers = { ends: listener, reloads: reload ?? listener, nothing: () => undefined }
    return [signal, answers[meaningOfHangUp()]] as const
  })
  waitForNoTerminal()
  for (const [signal, answer] of taken) process.on(signal, answer)
  if (takeHangUp()) process.emit('SIGHUP', 'SIGHUP')
  return () => {
    for (const [signal, answer] of taken) process.off(signal, answer)
  }
}

/**
 * Signals as they would be without Node, or outside a container: one that was to be ignored is, and the first process of a
 * container, to which the kernel passes nothing that it does not listen for, ends by those that end any other.
 */
export function restoreSignals(): void {
  if (meaningOfHangUp() === 'nothing') process.on('SIGHUP', () => undefined)
  if (process.pid !== 1) return
  waitForNoTerminal()
  for (const signal of stopSignals) {
    if (signal === 'SIGHUP' && meaningOfHangUp() === 'nothing') continue
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal])
    })
  }
}
