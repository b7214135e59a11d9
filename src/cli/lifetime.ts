/**
 * How long a record lives, in the words of the register: the same ones in every table. It counts no time.
 */
import type { InstanceRow } from '../core/views.js'

type Living = Pick<InstanceRow, 'lifetime' | 'ttl' | 'grace' | 'deregisterAfter' | 'session'>

/** `session ses_1f2e3d, grace 10s`, `ttl 30s, deregister after 1m`, `persistent`. A daemon of an earlier version says nothing of it. */
export function lifetimeInWords({
  lifetime = 'persistent',
  ttl,
  grace,
  deregisterAfter,
  session,
}: Partial<Living>): string {
  const what = [lifetime, ttl ?? (lifetime === 'session' ? session : undefined)]
  return [
    what.filter((word) => word !== undefined).join(' '),
    ...(grace === undefined ? [] : [`grace ${grace}`]),
    ...(deregisterAfter === undefined ? [] : [`deregister after ${deregisterAfter}`]),
  ].join(', ')
}
