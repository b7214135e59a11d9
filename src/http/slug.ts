/**
 * The slug that a registration is for, where its body names none: published clients cannot send one.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { readObject, type Registration } from '../core/model/model.js'
import { type Caller, demandSlug } from './caller.js'
import { parseNamedSlug, slugOfClaims, tokenOf } from './claims.js'

const slugHeader = 'x-rollcall-slug'

/**
 * The first that there is: in the body, in the header, of the caller; nothing is guessed.
 * @param caller absent where no credentials are configured
 * @throws RegistryError `malformed`, or `forbidden` where the caller may not register it
 */
export function withSlug(
  registration: Registration,
  headers: IncomingHttpHeaders,
  caller: Caller | undefined,
): Registration {
  if (registration.slug === null) return registration // said to be none
  const slug = registration.slug ?? headerSlug(headers) ?? (caller === undefined ? claimedSlug(headers) : caller.slug)
  if (slug === undefined) return registration
  demandSlug(caller, slug)
  return { ...registration, slug }
}

/**
 * The claim is read without checking the signature: no keys are configured, and a slug in the body is not checked either.
 * An opaque token, or none, says nothing.
 */
function claimedSlug({ authorization }: IncomingHttpHeaders): string | undefined {
  const parts = (tokenOf(authorization) ?? '').split('.')
  if (parts.length !== 3 || parts[1] === '') return undefined
  const claims = readObject(Buffer.from(parts[1]!, 'base64url').toString('utf8'))
  return claims === undefined ? undefined : slugOfClaims(claims)
}

/** Node reads header bytes as latin1; clients write UTF-8. */
function headerSlug(headers: IncomingHttpHeaders): string | undefined {
  const value = headers[slugHeader]
  const first = Array.isArray(value) ? value[0] : value
  if (first === undefined || first.trim() === '') return undefined
  return parseNamedSlug(Buffer.from(first.trim(), 'latin1').toString('utf8'), `header ${slugHeader}`)
}
