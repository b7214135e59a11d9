/**
 * The command that calls a service: asks one of its instances, another one where that does not answer, prints what came.
 */
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { pipeline } from 'node:stream/promises'
import { Option, type Command } from 'commander'
import type { FetchOptions } from '../client.js'
import { localities } from '../core/lookup/candidates.js'
import { strategies } from '../core/lookup/strategies.js'
import { pickOfOptions } from '../config/pick-query.js'
import { readBytes } from '../config/structured.js'
import { RegistryError } from '../core/model/errors.js'
import { AllSaid, clientOf, exitCodes, takesServer, withExamples, type ServerOptions } from './command.js'
import { plain } from './format.js'
import { collectPairs } from './pairs.js'

/** How one of several is chosen, as options of a command. */
export function takesChoice(command: Command): Command {
  return command
    .addOption(
      new Option('--strategy <strategy>', 'how: in turn, unless said otherwise; hash wants --key').choices(strategies),
    )
    .option('--key <key>', 'of the strategy hash: the same instance for the same key')
    .addOption(new Option('--prefer <near>', 'those near the daemon, while half of them are well').choices(localities))
    .option('--tag <tag...>', 'only one with this tag, or with all of these')
    .option('--metadata <key=value...>', 'only one that says all of this', collectPairs)
    .option('--port <name>', 'only one that has a port of this name, at that')
}

export interface ChoiceOptions extends Pick<FetchOptions, 'strategy' | 'key' | 'prefer' | 'metadata' | 'port'> {
  readonly tag?: readonly string[]
}

export function choiceOf({ strategy, key, prefer, tag: tags, metadata, port }: ChoiceOptions): FetchOptions {
  return { strategy, key, prefer, tags, metadata, port }
}

interface CallOptions extends ServerOptions, ChoiceOptions {
  readonly request?: string
  readonly header?: readonly string[]
  readonly data?: string
  readonly idempotent?: true
  readonly attempts?: string
  readonly timeout?: string
}

export function addCallCommand(program: Command): void {
  const command = takesServer(program.command('call').description('call a service, and print its answer'))
    .argument('<slug>', 'the name of the service')
    .argument('[path]', 'what to ask for', '/')
    .option('-X, --request <method>', 'GET, or with --data POST, unless said otherwise')
    .option('-H, --header <name: value...>', 'sent as it is')
    .option('-d, --data <text>', 'the body; @FILE reads it from a file, - from standard input, as it is')
    .option('--idempotent', 'asking twice comes to the same: whatever the method, another one may be asked')
    .option('--attempts <count>', 'how many instances are asked at most (default: 3)')
    .option('--timeout <duration>', 'for all of it, such as 500ms, 5s, 1m (default: 30s)')
  withExamples(
    takesChoice(command).action(call),
    ['rollcall call web /healthz', 'ends with 1 where the answer is an error'],
    ['rollcall call web /orders -d \'{"item": 1}\' -H "content-type: application/json"', 'a POST'],
  )
}

async function call(slug: string, path: string, options: CallOptions): Promise<void> {
  const { request, header = [], data, idempotent = false, attempts, timeout } = options
  const choice = choiceOf(options)
  pickOfOptions(choice) // here all of it is said at once, and of a key that is missing nobody hears later
  const client = clientOf(options)
  const fetch = client.createFetch({
    ...choice,
    ...(attempts !== undefined && { attempts: Number(attempts) }),
    ...(timeout !== undefined && { timeout }),
  })
  const asked = fetch(`rollcall://${encodeURIComponent(slug)}${path.startsWith('/') ? '' : '/'}${path}`, {
    method: methodOf(request, data !== undefined),
    headers: headersOf(header),
    ...(data !== undefined && { body: bodyOf(data) }),
    ...(idempotent && { idempotent }),
  })
  const response = await asked.catch((error: unknown) => {
    throw inWords(error)
  })
  await print(slug, response)
  if (response.ok) return
  process.stderr.write(`rollcall: ${plain(slug)} answered ${response.status} ${plain(response.statusText)}\n`)
  throw new AllSaid(exitCodes.failed)
}

/** Fetch says `fetch failed` of everything; who was asked, and what came of it, is in the cause. */
function inWords(error: unknown): unknown {
  const { cause } = error instanceof TypeError ? error : {}
  return cause instanceof Error ? new RegistryError('unavailable', plain(cause.message), { cause: error }) : error
}

/** What fetch refuses is said by the name of the option. */
function methodOf(request: string | undefined, hasBody: boolean): string {
  if (request === undefined) return hasBody ? 'POST' : 'GET'
  try {
    new Request('http://localhost', { method: request })
  } catch {
    const given = JSON.stringify(plain(request))
    throw new RegistryError(
      'malformed',
      `request: ${given} is no method that can be asked with; give such as GET or PUT`,
    )
  }
  if (hasBody && /^(?:get|head)$/i.test(request))
    throw new RegistryError('malformed', `data: ${request} takes no body; leave out --data, or --request`)
  return request
}

/** All of it is held in memory, for whoever is asked next where one does not answer. */
const longestBody_bytes = 256 * 1024 * 1024

/** Bytes stay what they are. */
function bodyOf(data: string): string | Blob {
  if (data === '-') return new Blob([readBytes(0, longestBody_bytes)])
  return data.startsWith('@') ? new Blob([readBytes(data.slice(1), longestBody_bytes)]) : data
}

async function print(slug: string, { body }: Response): Promise<void> {
  if (body === null) return
  try {
    await pipeline(Readable.fromWeb(body as WebStream), process.stdout, { end: false })
  } catch (error) {
    const { code, cause, message } = error as NodeJS.ErrnoException
    if (code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE') throw new AllSaid(exitCodes.fine) // its reader has enough
    const why = cause instanceof Error ? cause.message : message
    throw new RegistryError('unavailable', `${plain(slug)}: the answer broke off (${why})`, { cause: error })
  }
}

function headersOf(lines: readonly string[]): Headers {
  const headers = new Headers()
  for (const line of lines) {
    const at = line.indexOf(':')
    try {
      if (at < 1) throw new TypeError('no colon')
      headers.append(line.slice(0, at).trim(), line.slice(at + 1).trim())
    } catch {
      throw new RegistryError('malformed', `header: ${JSON.stringify(plain(line))} is none; give "name: value"`)
    }
  }
  return headers
}
