/**
 * What a registration lives with, by what is said of it: a session by its secret, the start of the program that this node is a part of,
 * itself alone. It knows no sessions.
 */
import { RegistryError } from '../model/errors.js'
import type { Lifetime } from '../model/lifetime.js'
import type { InstanceRecord, Registration } from '../model/model.js'
import { restoredGrace_ms } from './sessions.js'

/** The start of a program that embeds this node is a session that ends with it; so is told by what its id begins with. */
const startPrefix = 'run_'
/** What an earlier start of it has left goes so long after this one is ready. */
const earlierStartGrace_ms = 5000

/** The session that the start of this program is. */
export function sessionOfStart(boot: string): string {
  return `${startPrefix}${boot}`
}

/** `session`: one that a program has opened; `start`: that of the program that this node is a part of; `alone`: none. */
export type LivesWith = { readonly type: 'session'; readonly secret: string } | { readonly type: 'start' | 'alone' }

export interface Said {
  readonly registration: Registration
  /** What is known of the instance: what is not said again stays. */
  readonly held: InstanceRecord | undefined
  /** It comes from the program that this node is a part of. */
  readonly isEmbedded: boolean
}

/** @throws RegistryError `malformed` where it is to live with a session, and names none */
export function livesWith({ registration, held, isEmbedded }: Said): LivesWith {
  const { session, lifetime = isEmbedded ? lifetimeHeld(held) : undefined } = registration
  if (session !== undefined) return { type: 'session', secret: session }
  if (lifetime !== 'session') return { type: 'alone' }
  if (isEmbedded) return { type: 'start' }
  throw new RegistryError(
    'malformed',
    'session: missing; open one with POST /v1/sessions, and give the secret that it answers',
  )
}

/** That of an embedded node's instance that does not say one: where nothing is known of it, the start of its program. */
function lifetimeHeld(held: InstanceRecord | undefined): Lifetime {
  return held === undefined ? 'session' : (held.lifetime ?? 'persistent')
}

/**
 * Whether what lives with a session that this daemon knows nothing of is over: it has no other end. It was of a start before this one, or
 * lost with the disk.
 * @param writes_ms for how long its program could have registered it again
 */
export function isLeftBehind(session: string, writes_ms: number): boolean {
  return writes_ms >= (session.startsWith(startPrefix) ? earlierStartGrace_ms : restoredGrace_ms)
}
