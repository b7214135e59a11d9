/**
 * How a call to a daemon can fail, as errors that can be told apart: by its answer, or for want of one.
 */
import { codeOfStatus } from '../config/statuses.js'
import { RegistryError } from '../core/errors.js'

/** Nobody answered: wrong address, no daemon, or none that answers in time. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof RegistryError && error.cause instanceof Unreachable
}

class Unreachable extends Error {
  override readonly name = 'Unreachable'

  constructor(
    readonly server: string,
    cause: unknown,
  ) {
    super('nobody answered', { cause })
  }
}

/** Nothing came in the time that a call has: no refusal, and no answer either. */
export class Late extends Error {
  override readonly name = 'Late'
}

/** The server that let a call wait until its time was over, rather than refuse it: somebody may be there. */
export function silentServer(error: unknown): string | undefined {
  const failure = isUnreachable(error) ? ((error as Error).cause as Unreachable) : undefined
  return failure?.cause instanceof Late ? failure.server : undefined
}

/** Nothing of it can have reached a daemon. */
export function neverArrived(error: unknown): boolean {
  const failure = isUnreachable(error) ? ((error as Error).cause as Error).cause : undefined
  return failure instanceof Error && (failure.cause as { code?: unknown } | undefined)?.code === 'ECONNREFUSED'
}

/** The daemon asks for patience. */
class Busy extends Error {
  override readonly name = 'Busy'

  constructor(readonly retryAfter_ms: number) {
    super('the daemon cannot do it now')
  }
}

/** Nobody answers, or not now, such as the page of a proxy whose daemon is just starting again: another answer may come. */
export function mayPass(error: unknown): error is RegistryError {
  return error instanceof RegistryError && (error.code === 'unavailable' || error.code === 'internal')
}

export function unreachable(server: string, error: unknown): RegistryError {
  const cause = new Unreachable(server, error)
  return new RegistryError('unavailable', `no daemon answers at ${server} (${reasonOf(error)})`, { cause })
}

/** Fetch says `fetch failed` of everything; the reason is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, message } = (error.cause ?? error) as { code?: unknown; message?: string }
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (message === 'bad port') return 'fetch refuses to call that port, as browsers do; --http gives the daemon another'
  return typeof code === 'string' ? code : (message ?? error.message)
}

/** What a daemon refuses. @param otherwise what is said where the answer itself says nothing */
export function refusal(response: Response, answer: unknown, otherwise: string): RegistryError {
  const { status, headers } = response
  const code = codeOfStatus(status)
  const error = (answer as { error?: unknown } | null)?.error
  const message = typeof error === 'string' ? error : otherwise
  if (code !== 'unavailable') return new RegistryError(code, message)
  return new RegistryError(code, message, { cause: new Busy(parseRetryAfter(headers.get('retry-after'))) })
}

/** Seconds, or a date (RFC 9110); what is neither counts as absent. */
function parseRetryAfter(text: string | null): number {
  if (text === null) return 0
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now())
}

/**
 * How long to wait at least before the same is asked again.
 * @returns undefined where asking again would bring the same answer
 */
export function patience_ms(error: unknown): number | undefined {
  if (isUnreachable(error)) return 0
  return error instanceof RegistryError && error.cause instanceof Busy ? error.cause.retryAfter_ms : undefined
}
