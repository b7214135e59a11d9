/**
 * Runs a reading command: asks, then prints, once or as often as is wanted, for people or for programs. What it asks is the
 * command's.
 */
import type { Client } from '../client.js'
import { pause } from '../client/pause.js'
import {
  AllSaid,
  answerOf,
  clientOf,
  exitCodes,
  lookOfOutput,
  printJson,
  printLines,
  type ReadingOptions,
} from './command.js'
import { follow, type Terminal } from './follow.js'
import { untilInterrupted } from './interrupt.js'
import type { Look } from './table.js'

export interface Reading<Answer extends object> {
  readonly ask: (client: Client) => Promise<Answer>
  /** A field that every such answer has: where it is missing, something else than a daemon answered. */
  readonly field: keyof Answer & string
  /** For people. */
  readonly show: (answer: Answer, look: Look) => string
  /** With which code the command ends where it asks once; 0 unless given. */
  readonly exitCode?: (answer: Answer) => number
}

const defaultInterval_s = 1

export async function read<Answer extends object>(options: ReadingOptions, reading: Reading<Answer>): Promise<void> {
  const client = clientOf(options)
  const ask = async (): Promise<Answer> => withoutPosition(await answerOf(client, reading.ask(client), reading.field))
  const { watch, interval, json = false } = options
  if (watch === undefined && interval === undefined) {
    const answer = await ask()
    if (json) printJson(answer)
    else printLines(reading.show(answer, lookOfOutput()))
    const exitCode = reading.exitCode?.(answer) ?? exitCodes.fine
    if (exitCode !== exitCodes.fine) throw new AllSaid(exitCode)
    return
  }
  const interval_ms = (interval ?? defaultInterval_s) * 1000
  await untilInterrupted((signal) =>
    follow({
      ...{ ask, show: reading.show, json, interval_ms, signal, screen: terminal },
      pause,
      now: () => performance.now(),
    }),
  )
}

/** How far the news go is no part of what was asked: it changes without it, and `--watch` would print the same again and again. */
function withoutPosition<Answer extends object>(answer: Answer): Answer {
  const { position: _, ...rest } = answer as Answer & { readonly position?: string }
  return rest as Answer
}

const terminal: Terminal = {
  inPlace: process.stdout.isTTY,
  look: lookOfOutput,
  height: () => process.stdout.rows || Infinity, // 0 of a terminal that nobody looks at
  write: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(`${text}\n`),
}
