/**
 * Where a daemon's log lines go: standard error, readable on a terminal, one JSON object a line otherwise. Standard output stays the caller's.
 */
import { pino, type Logger } from 'pino'
import pretty from 'pino-pretty'
import type { LogLevel } from './config.js'

export type Log = Logger

const stderr = 2

/** Lines are written synchronously, so that the last ones before an exit are not lost. */
export function createLog(level: LogLevel, terminal = process.stderr.isTTY === true): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (!terminal) return pino(options, pino.destination({ dest: stderr, sync: true }))
  return pino(options, pretty({ destination: stderr, sync: true, translateTime: 'SYS:HH:MM:ss.l', colorize: true }))
}

/** Says nothing: for programs that embed a daemon, and for tests. */
export function silentLog(): Log {
  return pino({ level: 'silent' })
}
