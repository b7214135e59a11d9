/**
 * Who is calling, and what they may do: from the `Authorization` header, where credentials are configured. No token is ever
 * logged or repeated in a message.
 */
import { timingSafeEqual } from 'node:crypto'
import { createLocalJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose'
import { permissions, sha256Of, type Credentials, type JwtRules, type Permission } from '../config/tokens.js'
import { RegistryError } from '../core/errors.js'
import { slugOfClaims, tokenOf } from './claims.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the call needs; otherwise `read` for GET and HEAD, `write` for the rest, `nothing` for those that ask for no credentials. */
    readonly needs?: Permission | 'nothing'
  }
  interface FastifyRequest {
    /** Absent where no credentials are configured, or the call needs none. */
    caller: Caller | undefined
  }
}

export interface Caller {
  readonly name: string
  readonly may: Permission
  /** What its registrations are for, where they name nothing. */
  readonly slug?: string
  /** What it may register, with `*` for any text. Absent: anything. */
  readonly slugs?: readonly string[]
}

/** Public keys alone: with a shared secret whoever checks tokens could also make them. `none` is no algorithm. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** How far the clocks of the issuer and of this machine may be apart. */
const clockTolerance_s = 30

/** Tells callers apart. One for each server. */
export function createIdentifier({
  tokens,
  jwt,
}: Credentials): (authorization: string | undefined) => Caller | Promise<Caller> {
  const verify = jwt === undefined ? undefined : createVerifier(jwt)
  return (authorization) => {
    const given = tokenOf(authorization)
    if (given === undefined) {
      throw unauthorized(
        'this daemon asks for a token; send the header Authorization: Bearer TOKEN (--token or ROLLCALL_TOKEN)',
      )
    }
    const hash = sha256Of(given)
    let known: Caller | undefined
    // To the end, whoever it is: the time taken tells nothing.
    for (const token of tokens) if (timingSafeEqual(token.sha256, hash)) known = token
    if (known !== undefined) return known
    if (verify !== undefined && given.split('.').length === 3) return verify(given)
    throw unauthorized('the token is not one of those that this daemon was started with (--tokens)')
  }
}

/** @throws RegistryError `forbidden` */
export function demand(caller: Caller, needed: Permission): Caller {
  if (permissions.indexOf(caller.may) >= permissions.indexOf(needed)) return caller
  throw new RegistryError('forbidden', `${nameOf(caller)} may ${caller.may}, and this call needs ${needed}`)
}

/**
 * @param slug absent: of nobody in particular
 * @throws RegistryError `forbidden` where this caller must not speak for that slug
 */
export function demandSlug(caller: Caller | undefined, slug: string | undefined): void {
  if (caller?.slugs === undefined || slug === undefined || caller.slugs.some((pattern) => fits(slug, pattern))) return
  const list = caller.slugs.length === 0 ? 'none' : caller.slugs.join(', ')
  throw new RegistryError(
    'forbidden',
    `slug: ${nameOf(caller)} may not register ${JSON.stringify(slug)}; it may: ${list}`,
  )
}

function nameOf({ name }: Caller): string {
  return `token ${JSON.stringify(name)}`
}

/** Whether the text is the pattern, in which each `*` is any text. */
export function fits(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return text === pattern
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  let from = first.length
  for (const part of rest) {
    const at = text.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return from <= text.length - last.length
}

function createVerifier({ keys, issuer, audience, may }: JwtRules): (token: string) => Promise<Caller> {
  const findKey = createKeyFinder(keys)
  const options: JWTVerifyOptions = {
    algorithms,
    clockTolerance: clockTolerance_s,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  }
  return async (token) => {
    try {
      return callerOf(await verifyWithAny(token, findKey, options), may)
    } catch (cause) {
      if (cause instanceof RegistryError) throw cause
      throw unauthorized(`the token is a JWT that does not hold: ${reasonOf(cause)}`)
    }
  }
}

type FindKey = ReturnType<typeof createLocalJWKSet>

/** By algorithm and key id; a key without an id, such as PEM has none, fits whatever id a token names. */
function createKeyFinder(keys: JwtRules['keys']): (...args: Parameters<FindKey>) => ReturnType<FindKey> {
  const all = createLocalJWKSet({ keys: [...keys] })
  const nameless = createLocalJWKSet({ keys: keys.filter(({ kid }) => kid === undefined) })
  return async (header, token) => {
    try {
      return await all(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || header?.kid === undefined) throw error
      const { kid: _, ...rest } = header
      return nameless(rest)
    }
  }
}

/** Several keys of one kind may be configured, and a token need not say which of them made it. */
async function verifyWithAny(
  token: string,
  findKey: ReturnType<typeof createKeyFinder>,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, findKey, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    let last: unknown = error
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (cause) {
        if (!(cause instanceof errors.JWSSignatureVerificationFailed)) throw cause
        last = cause
      }
    }
    throw last
  }
}

/** Who was given a slug by the issuer may register that one alone. */
function callerOf(claims: JWTPayload, may: Permission): Caller {
  const slug = slugOfClaims(claims)
  const name = typeof claims.sub === 'string' && claims.sub !== '' ? claims.sub.slice(0, 80) : 'of a JWT without sub'
  return slug === undefined ? { name, may, slugs: [] } : { name, may, slug, slugs: [slug] }
}

/** The words of the library name the claim, and never the token. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim ${error.claim} does not fit`
  if (error instanceof errors.JWKSNoMatchingKey) return 'no configured key fits its algorithm and key id'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is not of a configured key'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not allowed'
  return 'it cannot be read'
}

function unauthorized(why: string): RegistryError {
  return new RegistryError('unauthorized', `authorization: ${why}`)
}
