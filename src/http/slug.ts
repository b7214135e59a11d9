/**
 * The slug that a registration is for, where its body names none: published clients cannot send one. It proves nothing about the caller.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { RegistryError } from '../core/errors.js'
import { parseSlug, readObject } from '../core/model.js'

const slugHeader = 'x-rollcall-slug'

/** Names of the slug claim through the versions of the original, newest first. */
const slugClaims = ['slu', 'olu', '1sl'] as const

/**
 * @returns undefined where neither the header nor the token names a slug; nothing is guessed
 * @throws RegistryError `malformed`
 */
export function callerSlug(headers: IncomingHttpHeaders): string | undefined {
  const fromHeader = headerText(headers[slugHeader])
  if (fromHeader !== undefined) return parseNamedSlug(fromHeader, `header ${slugHeader}`)
  return claimedSlug(headers.authorization)
}

/**
 * The claim is read without checking the signature: no keys are configured, and a slug in the body is not checked either.
 * An opaque token, or none, says nothing.
 */
function claimedSlug(authorization: string | undefined): string | undefined {
  const token = (authorization ?? '').trim().replace(/^bearer\s+/i, '')
  const parts = token.split('.')
  if (parts.length !== 3 || parts[1] === '') return undefined
  const claims = readObject(Buffer.from(parts[1]!, 'base64url').toString('utf8'))
  for (const claim of slugClaims) {
    const slug = claims?.[claim]
    if (typeof slug === 'string' && slug !== '') return parseNamedSlug(slug, `claim ${claim} of the token`)
  }
  return undefined
}

/** Node reads header bytes as latin1; clients write UTF-8. */
function headerText(value: string | string[] | undefined): string | undefined {
  const first = Array.isArray(value) ? value[0] : value
  if (first === undefined || first.trim() === '') return undefined
  return Buffer.from(first.trim(), 'latin1').toString('utf8')
}

function parseNamedSlug(slug: string, source: string): string {
  try {
    return parseSlug(slug)
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause
    throw new RegistryError('malformed', `${source}: ${cause.message}`, { cause })
  }
}
