/**
 * The HTTP status of each kind of error: what a daemon answers is what a client understands. Both read it here.
 */
import type { ErrorCode } from '../core/model/errors.js'

export const statusByCode = {
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  internal: 500,
  unavailable: 503,
} as const satisfies Readonly<Record<ErrorCode, number>>

/** Stands in the error of whoever asks for what a daemon does not have, which is another thing than to ask it for something unknown. */
export const noSuchCall = 'there is no such call'

const codeByStatus: ReadonlyMap<number, string> = new Map(
  Object.entries(statusByCode).map(([code, status]) => [status, code]),
)

/** Also of a status that no daemon answers, but a proxy in between. */
export function codeOfStatus(status: number): ErrorCode {
  const code = codeByStatus.get(status)
  if (code !== undefined) return code as ErrorCode
  if (status === 429) return 'unavailable'
  return status < 500 ? 'malformed' : 'internal'
}
