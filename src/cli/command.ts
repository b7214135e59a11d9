/**
 * What all commands share: which daemon they ask, how they print what it said, and how they end. It knows no command.
 */
import { readFileSync } from 'node:fs'
import { CommanderError, type Command } from 'commander'
import { createClient, defaultServer, isUnreachable, type Client } from '../client.js'
import { RegistryError } from '../core/errors.js'
import { plain } from './format.js'

export const exitCodes = { fine: 0, failed: 1, usage: 2, unreachable: 3 } as const

export interface ServerOptions {
  readonly server?: string
  readonly token?: string
}

export interface ReadingOptions extends ServerOptions {
  readonly json?: true
}

export function takesServer(command: Command): Command {
  return command
    .option('--server <url>', `the daemon to ask (env: ROLLCALL_SERVER, default: ${defaultServer})`)
    .option('--token <token>', 'what it knows you by; other users here see flags, not variables (env: ROLLCALL_TOKEN)')
}

/** A command that reads: a table for people, or with `--json` what the endpoint gave. */
export function reads(command: Command): Command {
  return takesServer(command).option('--json', 'print what the daemon answered, as JSON')
}

export function clientOf(options: ServerOptions): Client {
  const server = options.server ?? variable('ROLLCALL_SERVER')
  const token = options.token ?? variable('ROLLCALL_TOKEN')
  return createClient({ attempts: 1, ...(server !== undefined && { server }), ...(token !== undefined && { token }) })
}

/** Empty ones count as not given. */
function variable(name: string): string | undefined {
  return process.env[name] === '' ? undefined : process.env[name]
}

/** The width that tables have to fit in; files and pipes have none. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined
}

export function printLines(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

export function printJson(answer: unknown): void {
  printLines(JSON.stringify(answer, undefined, 2))
}

/** Reads a file of JSON that the user named. @throws RegistryError `malformed`, naming the file */
export function readJsonFile(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new RegistryError('malformed', `cannot read ${file} (${why})`, { cause })
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (cause) {
    throw new RegistryError('malformed', `${file} is not JSON (${(cause as Error).message})`, { cause })
  }
}

/**
 * Says in one line on stderr why a command failed.
 * @returns the exit code
 */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage
  const message = error instanceof Error ? error.message : String(error)
  const unreachable = isUnreachable(error)
  const wayOut = unreachable ? '; start one with: rollcall start, or name another with --server (ROLLCALL_SERVER)' : ''
  process.stderr.write(`rollcall: ${plain(message)}${wayOut}\n`)
  if (unreachable) return exitCodes.unreachable
  return error instanceof RegistryError && error.code === 'malformed' ? exitCodes.usage : exitCodes.failed
}
