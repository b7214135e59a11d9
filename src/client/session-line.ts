/**
 * One connection on which a program's session stands at its daemon: what is said on it, what is heard of it. Whoever holds it decides
 * what follows when it ends.
 */
import { RegistryError } from '../core/model/errors.js'
import { sessionPace } from '../core/model/lifetime.js'
import { textOfAnswer } from './answer-text.js'
import { type Calls, parseAnswer } from './call.js'
import { refusal, unreachable } from './failures.js'
import type { RegistrationRequest } from './register.js'
import { Silence } from './silence.js'
import { readEvents } from './sse.js'

/** A session that was opened: at one daemon, which alone knows its secret. */
export interface Opened {
  readonly server: string
  readonly id: string
  readonly secret: string
}

/** Which one: that of a secret again, or a new one. */
export interface Opening {
  readonly server: string
  readonly secret?: string | undefined
  readonly grace?: RegistrationRequest['grace']
}

export interface Line {
  /** Ends it; aborted with the reason where the daemon says that it is of no use. */
  readonly line: AbortController
  /** Told once, when it stands. */
  readonly onOpened: (opened: Opened) => void
}

/**
 * Opens a session, and speaks for as long as the connection stands.
 * @returns what ended it, or why it could not be opened
 */
export async function holdLine(calls: Calls, opening: Opening, { line, onOpened }: Line): Promise<RegistryError> {
  const { server } = opening
  const silence = new Silence(line)
  const listen = (): void => silence.endAfter(sessionPace.silence_ms)
  let speech: ReturnType<typeof setInterval> | undefined
  listen()
  try {
    const body = await open(calls, opening, line.signal)
    for await (const { type, data } of readEvents(body, line.signal, { onBytes: listen })) {
      if (type !== 'opened' || speech !== undefined) continue
      const { id, secret } = JSON.parse(data) as { id: string; secret: string }
      const opened = { server, id, secret }
      speech = setInterval(() => void speak(calls, opened, line), sessionPace.word_ms)
      onOpened(opened)
    }
    line.signal.throwIfAborted()
    return unreachable(server, new Error('the line of the session was closed'))
  } catch (error) {
    return error instanceof RegistryError ? error : unreachable(server, error)
  } finally {
    clearInterval(speech)
    silence.end()
    line.abort()
  }
}

async function open(calls: Calls, { server, secret, grace }: Opening, signal: AbortSignal): Promise<ReadableStream> {
  const headers = { accept: 'text/event-stream', 'content-type': 'application/json' }
  const body = JSON.stringify(secret === undefined ? { grace } : { secret })
  const response = await calls.send(server, 'POST', '/v1/sessions', { signal, headers, body })
  if (response.status === 200 && response.body !== null) return response.body
  const answer = parseAnswer(await textOfAnswer(response, signal), server, response.status)
  throw refusal(response, answer, `${server} answered ${response.status} to POST /v1/sessions`)
}

/** Where it is over, or counts for lost, the line is of no use; whoever does not answer is noticed by his silence. */
async function speak(calls: Calls, { server, id, secret }: Opened, line: AbortController): Promise<void> {
  try {
    await calls.call('PUT', pathOf(id), { at: server, once: true, body: { secret }, signal: line.signal })
  } catch (error) {
    if (isOver(error) || (error instanceof RegistryError && error.code === 'conflict')) line.abort(error)
  }
}

/** Ends it at its daemon. @throws RegistryError */
export async function endSession(calls: Calls, { server, id, secret }: Opened): Promise<void> {
  const headers = { 'x-rollcall-session': secret } // a body of such a call gets lost on many ways
  await calls.call('DELETE', pathOf(id), { at: server, once: true, headers })
}

function pathOf(id: string): string {
  return `/v1/sessions/${encodeURIComponent(id)}`
}

/**
 * Whether the daemon says of a session whose secret it was told that it is over, or somebody else's. Any other refusal leaves open what
 * became of the session: a token without the right to it, a way that does not lead there.
 */
export function isOver(error: unknown): boolean {
  if (!(error instanceof RegistryError) || !/^(session|secret):/.test(error.message)) return false
  return error.code === 'not-found' || error.code === 'forbidden'
}
