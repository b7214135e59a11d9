/**
 * Whether an own instance is about to go, since what it lives with is over: for people who wonder why it is not called.
 */
import type { EndingView } from '../views.js'
import type { Expiry } from './expiry.js'
import type { Sessions } from './sessions.js'

export function endingOf(
  id: string,
  { sessions, expiry }: { readonly sessions: Sessions; readonly expiry: Expiry },
  now: number,
): { readonly ending?: EndingView } {
  const session = expiry.sessionOf(id)
  const loss = session === undefined ? undefined : sessions.lossOf(session, now)
  if (loss !== undefined) return { ending: { what: 'session lost', ...loss } }
  const late = expiry.lateness(id, now)
  return late === undefined ? {} : { ending: { what: 'ttl passed', ...late } }
}
