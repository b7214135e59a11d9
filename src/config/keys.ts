/**
 * Reads the public keys by which tokens of others are verified: PEM or JWKS, from files or as they stand. No secret is ever let in.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { RegistryError } from '../core/model/errors.js'
import { readOptionFile } from './option-file.js'

/** Ours: what Node's types call it differs from one version of them to the next. */
export interface PublicJwk {
  readonly kty: string
  readonly kid?: string
  readonly alg?: string
  readonly use?: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
}

const curves: readonly unknown[] = ['P-256', 'P-384', 'P-521', 'Ed25519']
const rsaBits = 2048

/**
 * @param given a list: names of files, texts of PEM or JSON, or JWKs and JWKSs as they are
 * @throws RegistryError `malformed`, naming the entry
 */
export function readKeys(given: unknown, directory: string): readonly PublicJwk[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw malformed('jwt.keys: must be a list of PEM or JWKS files, or of such keys themselves')
  }
  return given.flatMap((entry: unknown, index) => readEntry(entry, directory, `jwt.keys[${index}]`))
}

function readEntry(entry: unknown, directory: string, place: string): readonly PublicJwk[] {
  if (typeof entry === 'object' && entry !== null) return jwksOf(entry, place)
  if (typeof entry !== 'string' || entry === '') throw malformed(`${place}: must be a file name or a key`)
  if (isKeyText(entry)) return keysOfText(entry, place)
  const path = resolve(directory, entry)
  return keysOfText(textOf(path, place), `${place} (${path})`)
}

function textOf(path: string, place: string): string {
  try {
    return readOptionFile(path).content.toString('utf8')
  } catch (cause) {
    throw new RegistryError('malformed', `${place}: ${(cause as Error).message}`, { cause })
  }
}

function isKeyText(text: string): boolean {
  return text.includes('-----BEGIN') || text.trimStart().startsWith('{')
}

function keysOfText(text: string, place: string): readonly PublicJwk[] {
  if (text.trimStart().startsWith('{')) {
    try {
      return jwksOf(JSON.parse(text) as object, place)
    } catch (cause) {
      if (cause instanceof RegistryError) throw cause
      throw malformed(`${place}: not JSON`)
    }
  }
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g) ?? []
  if (blocks.length === 0) throw malformed(`${place}: neither PEM (-----BEGIN PUBLIC KEY-----) nor JWKS`)
  return blocks.map((block) => {
    if (/BEGIN [A-Z ]*PRIVATE KEY/.test(block)) throw privateKey(place)
    return jwkOf(
      keyObject(() => createPublicKey(block), place),
      place,
    )
  })
}

/** A JWKS, or one JWK alone. */
function jwksOf(set: object, place: string): readonly PublicJwk[] {
  const { keys } = set as { keys?: unknown }
  if (keys === undefined) return [checkJwk(set, place)]
  if (!Array.isArray(keys) || keys.length === 0) throw malformed(`${place}.keys: must be a list of JWKs`)
  return keys.map((key: unknown, index) => checkJwk(key, `${place}.keys[${index}]`))
}

function checkJwk(key: unknown, place: string): PublicJwk {
  if (typeof key !== 'object' || key === null) throw malformed(`${place}: not a JWK`)
  const jwk = key as Partial<PublicJwk> & { readonly d?: string }
  if (jwk.kty === 'oct') {
    throw malformed(
      `${place}: a shared secret (kty oct) is refused: who checks tokens with it could also make them; use RS256, ES256 or EdDSA`,
    )
  }
  if (jwk.d !== undefined) throw privateKey(place)
  const plain = jwkOf(
    keyObject(() => createPublicKey({ key: { ...jwk }, format: 'jwk' }), place),
    place,
  )
  const { kid, alg, use } = jwk as Record<string, unknown>
  const told = Object.entries({ kid, alg, use }).filter(([, value]) => typeof value === 'string')
  return { ...plain, ...(Object.fromEntries(told) as object) }
}

function keyObject(make: () => KeyObject, place: string): KeyObject {
  try {
    return make()
  } catch (cause) {
    throw new RegistryError('malformed', `${place}: not a public key (${(cause as Error).message})`, { cause })
  }
}

function jwkOf(key: KeyObject, place: string): PublicJwk {
  const { modulusLength } = key.asymmetricKeyDetails ?? {}
  if (modulusLength !== undefined && modulusLength < rsaBits) {
    throw malformed(`${place}: an RSA key of ${modulusLength} bits is too short; use ${rsaBits} or more`)
  }
  const isKnown = key.asymmetricKeyType === 'rsa' || ['ec', 'ed25519'].includes(key.asymmetricKeyType ?? '')
  const jwk = isKnown ? (key.export({ format: 'jwk' }) as PublicJwk) : undefined
  if (jwk !== undefined && (jwk.kty === 'RSA' || curves.includes(jwk.crv))) return jwk
  throw malformed(
    `${place}: keys of this kind (${key.asymmetricKeyType ?? 'unknown'}) are not supported; use RSA, P-256, P-384, P-521 or Ed25519`,
  )
}

function privateKey(place: string): RegistryError {
  return malformed(`${place}: holds a private key, which belongs to whoever issues tokens; give the public one`)
}

function malformed(message: string): RegistryError {
  return new RegistryError('malformed', message)
}
