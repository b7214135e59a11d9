/**
 * How a call to a daemon can fail, as errors that can be told apart: by its answer, or for want of one.
 */
import { codeOfStatus } from '../config/statuses.js'
import { RegistryError } from '../core/model/errors.js'

/** Nobody answered: wrong address, no daemon, or none that answers in time. */
export function isUnreachable(error: unknown): boolean {
  return unreachableOf(error) !== undefined
}

function unreachableOf(error: unknown): Unreachable | undefined {
  const { cause } = error instanceof RegistryError ? error : {}
  return cause instanceof Unreachable ? cause : undefined
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
  const failure = unreachableOf(error)
  return failure?.cause instanceof Late ? failure.server : undefined
}

/** Nothing of it can have reached a daemon. */
export function neverArrived(error: unknown): boolean {
  const failure = unreachableOf(error)?.cause
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
  const what =
    strangerTrouble(error) === undefined
      ? `no daemon answers at ${server}`
      : `somebody answers at ${server}, with whom no call can be made`
  return new RegistryError('unavailable', `${what} (${reasonOf(error)})`, { cause })
}

/** By what TLS says against a server; what is told of each is what to do. */
const tlsTroubles: readonly (readonly [codes: RegExp, wayOut: string])[] = [
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/, 'its certificate does not count today: renew it there, or set the clock here'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is for another name: ask it by that one'],
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/, 'it does not speak TLS: ask it by http://'],
  [
    /SELF_SIGNED_CERT|^UNABLE_TO_(VERIFY|GET)|^CERT_(UNTRUSTED|SIGNATURE_FAILURE)$/,
    'nobody that this machine trusts has signed its certificate: NODE_EXTRA_CA_CERTS=FILE before the command names one who has, in PEM',
  ],
  [
    /^ERR_(SSL|TLS)_|^CERT_/,
    'they do not agree on how to speak TLS: look at its certificate, and the log of what is there',
  ],
]

/** What to do where somebody answers, and cannot be asked. */
function strangerTrouble(error: unknown): string | undefined {
  const code = codeOf(error)
  if (code !== undefined) return tlsTroubles.find(([codes]) => codes.test(code))?.[1]
  // No daemon does that, and whoever followed it would take a token along.
  const isSentAway = ((error as Error | undefined)?.cause as Error | undefined)?.message === 'unexpected redirect'
  return isSentAway
    ? 'another program, or a proxy, sends callers elsewhere: give the url of the daemon itself'
    : undefined
}

function codeOf(error: unknown): string | undefined {
  const { code } = ((error as Error | undefined)?.cause ?? error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : undefined
}

const unresolved: ReadonlySet<string | undefined> = new Set(['ENOTFOUND', 'EAI_AGAIN'])

/** What to do about a server that cannot be asked, where starting a daemon would not help. */
export function wayToServer(error: unknown): string | undefined {
  const failure = unreachableOf(error)?.cause
  return (
    strangerTrouble(failure) ??
    (unresolved.has(codeOf(failure)) ? 'correct it, or see to the resolver here' : undefined)
  )
}

/** Fetch says `fetch failed` of everything; the reason is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, message } = (error.cause ?? error) as { code?: unknown; message?: string }
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (unresolved.has(codeOf(error))) return `its name does not resolve, ${codeOf(error)}`
  if (message === 'bad port') return 'fetch refuses to call that port, as browsers do; --http gives the daemon another'
  return typeof code === 'string' ? code : (message ?? error.message)
}

/** Who is asking may not, or is not known, to that one. */
class Refused extends Error {
  override readonly name = 'Refused'

  constructor(readonly server: string) {
    super('the daemon wants to know who asks')
  }
}

/** The server whose credentials are missing: others that it was asked about have nothing to do with that. */
export function refusedBy(error: unknown): string | undefined {
  const { cause } = Object(error) as { readonly cause?: unknown }
  return cause instanceof Refused ? cause.server : undefined
}

/** What a daemon refuses. @param otherwise what is said where the answer itself says nothing */
export function refusal(response: Response, answer: unknown, otherwise: string): RegistryError {
  const { status, headers } = response
  const code = codeOfStatus(status)
  const error = (answer as { error?: unknown } | null)?.error
  const message = typeof error === 'string' ? error : otherwise
  const isOfCredentials = (code === 'unauthorized' || code === 'forbidden') && URL.canParse(response.url)
  if (isOfCredentials) return new RegistryError(code, message, { cause: new Refused(new URL(response.url).host) })
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
