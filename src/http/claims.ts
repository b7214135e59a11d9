/**
 * Reads what a request says beside its body: the token that it carries, the slug that a claim or a header names. It verifies
 * nothing.
 */
import { RegistryError } from '../core/model/errors.js'
import { parseSlug } from '../core/model/model.js'

/** Names of the slug claim through the versions of the original, newest first. */
const slugClaims = ['slu', 'olu', '1sl'] as const

/** @throws RegistryError `malformed`, naming the claim */
export function slugOfClaims(claims: Readonly<Record<string, unknown>>): string | undefined {
  for (const claim of slugClaims) {
    const slug = claims[claim]
    if (typeof slug === 'string' && slug !== '') return parseNamedSlug(slug, `claim ${claim} of the token`)
  }
  return undefined
}

/** @throws RegistryError `malformed`, naming the source */
export function parseNamedSlug(slug: string, source: string): string {
  try {
    return parseSlug(slug)
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause
    throw new RegistryError('malformed', `${source}: ${cause.message}`, { cause })
  }
}

/** `Bearer TOKEN`, or `TOKEN` alone. */
export function tokenOf(authorization: string | undefined): string | undefined {
  const token = (authorization ?? '').trim().replace(/^bearer(\s+|$)/i, '')
  return token === '' ? undefined : token
}
