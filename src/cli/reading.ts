/**
 * Runs a reading command: asks, then prints, once or as often as is wanted, for people or for programs. What it asks is the
 * command's.
 */
import type { Client } from '../client.js'
import { pause } from '../client/pause.js'
import { clientOf, answerOf, lookOfOutput, printJson, printLines, type ReadingOptions } from './command.js'
import { follow, type Terminal } from './follow.js'
import { untilInterrupted } from './interrupt.js'
import type { Look } from './table.js'

export interface Reading<Answer extends object> {
  readonly ask: (client: Client) => Promise<Answer>
  /** A field that every such answer has: where it is missing, something else than a daemon answered. */
  readonly field: keyof Answer & string
  /** For people. */
  readonly show: (answer: Answer, look: Look) => string
}

const defaultInterval_s = 1

export async function read<Answer extends object>(options: ReadingOptions, reading: Reading<Answer>): Promise<void> {
  const client = clientOf(options)
  const ask = async (): Promise<Answer> => await answerOf(client, reading.ask(client), reading.field)
  const { watch, interval, json = false } = options
  if (watch === undefined && interval === undefined) {
    const answer = await ask()
    return json ? printJson(answer) : printLines(reading.show(answer, lookOfOutput()))
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

const terminal: Terminal = {
  inPlace: process.stdout.isTTY,
  look: lookOfOutput,
  height: () => process.stdout.rows || Infinity, // 0 of a terminal that nobody looks at
  write: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(`${text}\n`),
}
