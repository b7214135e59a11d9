/**
 * Where a daemon's log lines go: standard error, readable on a terminal, one JSON object a line otherwise. Standard output stays the caller's.
 */
import { pino, type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'
import type { LentLog, LogLevel } from './config/logger.js'

export type Log = Logger

const stderr = 2
/** Of lines that could not be written yet, so many are kept. */
const unwrittenBytes = 1024 * 1024

/** Lines are written synchronously, so that the last ones before an exit are not lost. */
export function createLog(level: LogLevel, terminal = process.stderr.isTTY === true): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (!terminal) return pino(options, stderrStream())
  const prettify = pretty.prettyFactory({ translateTime: 'SYS:HH:MM:ss.l', colorize: true })
  const stream = stderrStream()
  return pino(options, { write: (line) => void stream.write(prettify(line)) })
}

/** Standard error may be a file on a disk that is full, or a terminal that is closed: lines that cannot be kept are lost, and the daemon goes on. */
function stderrStream(): DestinationStream {
  const stream = pino.destination({ dest: stderr, sync: true, maxLength: unwrittenBytes })
  stream.on('error', () => undefined) // without a listener the line that was to be written would throw, wherever it was said
  return stream
}

const lentLevels = ['debug', 'info', 'warn', 'error'] as const

/** Leads our lines to a logger of the program. One that throws loses its line, and does no other harm. */
export function lendLog(log: LentLog): Log {
  const writer =
    (level: (typeof lentLevels)[number]) =>
    (...line: readonly [object, string] | readonly [string]): void => {
      const [fields, message] = line.length === 1 ? [{}, line[0]] : line
      try {
        log[level](fields, message)
      } catch {
        // It is the program's own logger: nobody is left to be told.
      }
    }
  const writers = Object.fromEntries(lentLevels.map((level) => [level, writer(level)]))
  // Asked before each line of libp2p's chatter, which is for loggers that say that they want it.
  const isLevelEnabled = (level: string): boolean => log.isLevelEnabled?.(level) ?? false
  const trace = (): void => undefined
  return { ...writers, fatal: writers['error'], trace, isLevelEnabled } as unknown as Log
}

/** Says nothing: for programs that embed a daemon, and for tests. */
export function silentLog(): Log {
  return pino({ level: 'silent' })
}
