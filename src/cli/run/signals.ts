/**
 * The signals that reach `rollcall run` on behalf of its program: which ask for the end, which are merely passed on. Some of
 * them the terminal has delivered to the program already. It sends none.
 */
import { readFileSync } from 'node:fs'
import { onStopSignal, type StopSignal } from '../signals.js'

/** Mean whatever the program says that they mean. */
const passedSignals: readonly NodeJS.Signals[] = ['SIGUSR1', 'SIGUSR2']
/** Keys of the terminal, which sends them to every process of the foreground group. */
const keySignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']
/** One Ctrl-C may arrive twice: from the terminal, and passed on by a parent such as npm. Two key presses are further apart. */
const echo_ms = 300

export interface SignalActions {
  /** @param delivered whether the program has got it already */
  readonly stop: (signal: NodeJS.Signals, delivered: boolean) => void
  /** Somebody has lost patience. */
  readonly stopAgain: () => void
  readonly pass: (signal: NodeJS.Signals) => void
}

/** Takes over the signals of this process for as long as it lives. */
export function answerSignals({ stop, stopAgain, pass }: SignalActions): void {
  let askedAt: number | undefined
  const ask = (signal: StopSignal): void => {
    const now = performance.now()
    if (askedAt === undefined) {
      askedAt = now
      // A closed terminal tells the program as well, which may take it for news of its configuration: that it has to end is ours to say.
      stop(signal === 'SIGHUP' ? 'SIGTERM' : signal, keySignals.includes(signal) && isInForeground())
    } else if (signal !== 'SIGHUP' && now - askedAt > echo_ms) stopAgain()
  }
  // Without a terminal SIGHUP says that a configuration has changed, which is the program's.
  onStopSignal(ask, () => pass('SIGHUP'))
  for (const signal of passedSignals) process.on(signal, () => pass(signal))
}

/**
 * Whether the keys of a terminal reach this process group, and so its children. A SIGINT that was sent to this process alone
 * while it stands in the foreground cannot be told from a key; SIGTERM can.
 */
function isInForeground(): boolean {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const [, , group, , , foregroundGroup] = fields
    return group === foregroundGroup
  } catch {
    return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  }
}
