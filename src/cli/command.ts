/**
 * What all commands share, from the choice of the daemon that they ask to the exit code that they end with. It knows no
 * command.
 */
import { CommanderError, InvalidArgumentError, type Command } from 'commander'
import { createClient, defaultServer, isUnreachable, type Client } from '../client.js'
import { refusedBy, silentServer, wayToServer } from '../client/failures.js'
import { describeTooFewFiles } from '../config/descriptors.js'
import { packageVersion } from '../config/version.js'
import { RegistryError, messageOf } from '../core/model/errors.js'
import { harmlessJson } from '../core/words/harmless.js'
import { fetchHearingClock } from './daemon-clock.js'
import { plain } from './format.js'
import { createPaint, wantsColour } from './paint.js'
import { wrapLines } from './paragraph.js'
import type { Look } from './table.js'
import { inWordsOfCommands } from './words.js'

export const exitCodes = { fine: 0, failed: 1, usage: 2, unreachable: 3, inDoubt: 3 } as const

/** A command that has said all that there is to say, and ends with another code than 0 all the same. */
export class AllSaid extends Error {
  constructor(readonly exitCode: number) {
    super('all is said')
  }
}

export interface ServerOptions {
  readonly server?: string
  readonly token?: string
}

export interface AnsweringOptions extends ServerOptions {
  readonly json?: true
}

export interface ReadingOptions extends AnsweringOptions {
  readonly watch?: true
  readonly interval?: number
}

export function takesServer(command: Command): Command {
  return command
    .option('--server <url>', `the daemon to ask (env: ROLLCALL_SERVER, default: ${defaultServer})`)
    .option('--token <token>', 'what it knows you by; other users here see flags, not variables (env: ROLLCALL_TOKEN)')
}

export function takesJson(command: Command): Command {
  return command.option('--json', 'print JSON, for programs')
}

/** A command that changes something, and says what. */
export function changes(command: Command): Command {
  return takesJson(takesServer(command))
}

/** A command that reads: a table for people, or with `--json` what the endpoint gave; once, or again and again. */
export function reads(command: Command): Command {
  return takesJson(takesServer(command))
    .option('-w, --watch', 'show it again and again until Ctrl-C; with --json a line for each change')
    .option('-n, --interval <seconds>', 'how often to look (default: 1); means --watch', parseSeconds)
}

/**
 * Options that stand before the name of a command are those of its parents; it takes them as its own, where it has them.
 * Its own word, nearer to it, counts more.
 */
export function handDownOptions(command: Command): void {
  for (let parent = command.parent; parent !== null; parent = parent.parent) {
    for (const option of parent.options) {
      const name = option.attributeName()
      if (parent.getOptionValueSource(name) !== 'cli') continue
      if (!command.options.some(({ long }) => long === option.long))
        command.error(`${option.long} before the command: ${command.name()} has no such option`)
      if (command.getOptionValueSource(name) !== 'cli')
        command.setOptionValueWithSource(name, parent.getOptionValue(name), 'cli')
    }
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && seconds >= 0.1 && seconds <= 3600) return seconds
  throw new InvalidArgumentError('Give a number of seconds from 0.1 to 3600.')
}

/** What is shown below the help of a command: lines to copy, each with what it is for, beside it where there is room. */
export function withExamples(
  command: Command,
  ...examples: readonly (readonly [line: string, why: string])[]
): Command {
  const width = Math.max(...examples.map(([line]) => line.length))
  const fits = examples.every(([, why]) => width + why.length + 6 <= 80)
  const lines = examples.map(([line, why]) => (fits ? `  ${line.padEnd(width)}  # ${why}` : `  # ${why}\n  ${line}`))
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

/** Whose answers this process takes apart; absent: nobody has answered. */
let answering: Client | undefined

export function clientOf(options: ServerOptions): Client {
  const server = options.server ?? variable('ROLLCALL_SERVER')
  const token = options.token ?? variable('ROLLCALL_TOKEN')
  const client: Client = createClient({
    attempts: 1,
    fetch: async (input, init) => {
      const response = await fetchHearingClock(input, init)
      answering = client
      return response
    },
    ...(server !== undefined && { server }),
    ...(token !== undefined && { token }),
  })
  return client
}

/** Empty ones count as not given. */
function variable(name: string): string | undefined {
  const value = process.env[name]?.trim()
  return value === '' ? undefined : value
}

/** Files and pipes have no width, and terminals that nobody looks at say 0; tables are printed into them whole. */
export function lookOfOutput(): Look {
  const { isTTY, columns } = process.stdout
  const paint = createPaint(wantsColour(process.env, isTTY))
  return isTTY && columns > 0 ? { width: columns, paint } : { paint }
}

export function printLines(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

export function printJson(answer: unknown): void {
  printLines(jsonOf(answer, 2))
}

/** For programs, though people read it too. */
export function jsonOf(answer: unknown, indent?: number): string {
  return harmlessJson(JSON.stringify(answer, undefined, indent))
}

/** What a change did: a sentence, or with `--json` the same for programs. */
export function printOutcome({ json }: { readonly json?: true }, outcome: object, sentence: string): void {
  if (json) printJson(outcome)
  else printLines(sentence)
}

/**
 * Says in one line on stderr why a command failed.
 * @returns the exit code
 */
export async function reportFailure(error: unknown): Promise<number> {
  if (error instanceof AllSaid) return error.exitCode
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage
  process.stderr.write(`${fitErrors(`rollcall: ${await describeFailure(error)}`)}\n`)
  if (isUnreachable(error)) return exitCodes.unreachable
  return error instanceof RegistryError && error.code === 'malformed' ? exitCodes.usage : exitCodes.failed
}

/** Broken where words end on a terminal; one line in a file. */
export function fitErrors(line: string): string {
  const { isTTY, columns } = process.stderr
  return wrapLines([line], isTTY && columns > 0 ? columns : undefined)
}

/** What went wrong, and what to do next. */
async function describeFailure(error: unknown): Promise<string> {
  const message = describeTooFewFiles(error) ?? cut(plain(inWordsOfCommands(messageOf(error))))
  if (isUnreachable(error)) {
    const server = silentServer(error)
    // What it takes to know more is not loaded for commands that are answered.
    const frozen = server === undefined ? undefined : await (await import('./frozen.js')).frozenAt(server)
    const wayOut = wayToServer(error) ?? 'start one with: rollcall start'
    return `${message}; ${frozen ?? `${wayOut}, or name another with --server (ROLLCALL_SERVER)`}`
  }
  const refusing = refusedBy(error)
  if (refusing !== undefined) return `the daemon at ${refusing} refuses: ${message}`
  // Daemons answer in JSON, whatever they say.
  const isForeign = error instanceof RegistryError && error.code === 'unavailable' && error.cause instanceof SyntaxError
  if (isForeign) return `${message}; ${nameAnother}`
  if (!isOfProgram(error)) return message
  if (answering === undefined || (await isOfOurVersion(answering))) return ownFault(error, message)
  // What every answer of ours has is missing in this one.
  const wayOut = `compare rollcall version, or ${nameAnother}`
  return `what ${answering.server} answers is not understood here (${message}): it is of another version, or no Rollcall daemon; ${wayOut}`
}

/** Thrown by what is run, of which nobody has said what it means: neither by us, nor by the system, nor by fetch. */
function isOfProgram(error: unknown): error is Error {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown }
  const isThrown = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
  return isThrown && code === undefined && cause === undefined
}

/** Then what it answers has been understood by those who wrote both. */
async function isOfOurVersion(client: Client): Promise<boolean> {
  try {
    return (await client.self()).version === packageVersion
  } catch {
    return false
  }
}

/** Whoever is to mend it needs the place. */
function ownFault({ name, stack = '' }: Error, message: string): string {
  const place = /^ +at (.*)$/m.exec(stack)?.[1]
  return `this is a fault of rollcall ${packageVersion} itself, not of what it was given: ${name}: ${message}${place === undefined ? '' : `, at ${place}`}`
}

/** Whatever a server says: no more of it than stands on a screen. */
function cut(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message
}

const longestMessage = 2000

const nameAnother = 'name the daemon with --server (ROLLCALL_SERVER)'

/** Lists in answers, each of objects: another server may have fields of these names, with something else in them. */
const lists: readonly string[] = [
  ...['instances', 'members', 'peers', 'nodes', 'sessions', 'findings', 'entries', 'definitions', 'failed'],
]
const texts: readonly string[] = ['id', 'nodeId', 'slug', 'status']

function isOfItsKind(field: string, value: unknown): boolean {
  if (lists.includes(field))
    return Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null)
  return texts.includes(field) ? typeof value === 'string' : value !== undefined && value !== null
}

/** A server that answers something else than was asked is named, rather than taken apart. */
export async function answerOf<T extends object>(
  client: Client,
  asked: Promise<T>,
  field: keyof T & string,
): Promise<T> {
  const answer = await asked
  if (typeof answer === 'object' && answer !== null && isOfItsKind(field, answer[field])) return answer
  throw new RegistryError(
    'unavailable',
    `${client.server} is no Rollcall daemon: its answer has no ${field}; ${nameAnother}`,
  )
}
