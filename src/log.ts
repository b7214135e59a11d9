/**
 * Where a daemon's log lines go: standard error, readable on a terminal, one JSON object a line otherwise. Standard output stays the caller's.
 */
import { pino, type Logger } from 'pino'
import type { LentLog, LogLevel } from './config/logger.js'
import { harmlessJson } from './core/words/harmless.js'
import type { LastLines } from './log/last-lines.js'
import { saidIn } from './log/line.js'
import { LineOutput } from './log/output.js'

export type Log = Logger

const stderr = 2
/**
 * What is said keeps nobody waiting, and is written before an exit.
 * @param last is told each line that is written
 */
export async function createLog(level: LogLevel, last?: Pick<LastLines, 'note'>): Promise<Log> {
  const terminal = process.stderr.isTTY === true
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const shown = terminal ? await readableLine() : (line: string): string => line
  standardError ??= new LineOutput(stderr, (lines) => shown(lostLine(lines)))
  const output = standardError
  return pino(options, {
    write(json) {
      const line = harmlessJson(json)
      last?.note(line)
      output.write(shown(line))
    },
  })
}

/** Loaded for a terminal alone: most daemons have none. */
async function readableLine(): Promise<(line: string) => string> {
  const { default: pretty } = await import('pino-pretty')
  const prettify = pretty.prettyFactory({ translateTime: 'SYS:HH:MM:ss.l', colorize: true })
  return (line) => prettify(saidIn(line))
}

/** One for all nodes of a process: its lines stay in order. */
let standardError: LineOutput | undefined

function lostLine(lines: number): string {
  const message = `${lines} log lines were lost: whatever standard error leads to took none for a while`
  return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), lines, msg: message })}\n`
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
