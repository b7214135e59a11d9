/**
 * Verifies a JWT, which says who its bearer is. Loaded where it is needed: it brings a library along.
 */
import { createLocalJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose'
import type { JwtRules, Permission } from '../config/tokens.js'
import { RegistryError } from '../core/model/errors.js'
import { type Caller, unauthorized } from './caller.js'
import { slugOfClaims } from './claims.js'

/** Public keys alone: with a shared secret whoever checks tokens could also make them. `none` is no algorithm. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** How far the clocks of the issuer and of this machine may be apart. */
const clockTolerance_s = 30

export function createVerifier({
  keys,
  issuer,
  audience,
  may,
  allowWithoutExp = false,
}: JwtRules): (token: string) => Promise<Caller> {
  const findKey = createKeyFinder(keys)
  const options: JWTVerifyOptions = {
    algorithms,
    clockTolerance: clockTolerance_s,
    ...(!allowWithoutExp && { requiredClaims: ['exp'] }), // one that never ends cannot be taken back
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
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'exp')
    return 'it has no end (its claim exp), or one that does not fit; jwt.allowWithoutExp: true in the file of tokens lets it in'
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim ${error.claim} does not fit`
  if (error instanceof errors.JWKSNoMatchingKey) return 'no configured key fits its algorithm and key id'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is not of a configured key'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not allowed'
  return 'it cannot be read'
}
