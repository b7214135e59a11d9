/**
 * What came of one attempt: whether another one elsewhere may follow. It calls nobody.
 */

/**
 * `not-sent`: no byte of the request can have arrived, so that whatever it was may be sent again. `lost`: it may have been done.
 * `refused`: answered, by a server that cannot do it now. `declined`: by fetch itself, such as a redirect that it is not to follow, or a
 * body that its caller could not give: elsewhere it would come to the same, and no instance has failed.
 */
export type Failure = 'not-sent' | 'lost' | 'refused' | 'declined'

/** Errors of the system, or of undici, before anything was sent. Where there are no such codes, as in browsers, everything counts as sent. */
const before: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
])

/** How a rejection of fetch is to be taken. */
export function failureOf(error: unknown): Failure {
  const codes = codesOf(error)
  if (codes.some((code) => before.has(code)) || isBadPort(error)) return 'not-sent'
  // What the network does to a connection has a code in Node, and no cause in browsers.
  const isOwn = error instanceof TypeError && error.cause instanceof Error && codes.every((code) => code === undefined)
  return isOwn ? 'declined' : 'lost'
}

/** Fetch calls no such port, as https://fetch.spec.whatwg.org/#port-blocking has it; another instance may have another one. */
function isBadPort(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error && error.cause.message === 'bad port'
}

/** Of an error and of its causes, the first that has one. */
export function codeOf(error: unknown): unknown {
  return codesOf(error).find((code) => code !== undefined)
}

/** Codes of an error and of its causes; of several addresses that were tried all have to have failed before anything was sent. */
function codesOf(error: unknown): readonly unknown[] {
  const codes: unknown[] = []
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    const { code, errors } = cause as { code?: unknown; errors?: unknown }
    if (Array.isArray(errors) && errors.length > 0) {
      const each = errors.map((one) => (one as { code?: unknown } | undefined)?.code)
      return each.every((one) => before.has(one)) ? each : each.map((one) => (before.has(one) ? 'ECONNRESET' : one))
    }
    codes.push(code)
  }
  return codes
}

/** Of gateways and of those that are overloaded: another instance may well answer. */
const unavailable: ReadonlySet<number> = new Set([502, 503, 504])

export function isRefusal({ status }: { readonly status: number }): boolean {
  return unavailable.has(status)
}

/** RFC 9110: what is asked twice comes to the same. */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

export interface Asked {
  readonly method: string
  /** Its body can be sent again. */
  readonly isRepeatable: boolean
  /** The caller says so, or its `Idempotency-Key`. */
  readonly isIdempotent: boolean
}

/** Whether the same may be asked of another instance after that. */
export function mayRepeat({ method, isRepeatable, isIdempotent }: Asked, failure: Failure): boolean {
  if (!isRepeatable || failure === 'declined') return false
  return failure === 'not-sent' || isIdempotent || idempotentMethods.has(method)
}
