/**
 * Reads the file of credentials: who may use the HTTP API, for which slugs. It keeps hashes, never the tokens themselves, and
 * checks nobody's.
 */
import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { RegistryError } from '../core/model/errors.js'
import { modelLimits, parseSlug } from '../core/model/model.js'
import { didYouMean } from './nearest.js'
import { readKeys, type PublicJwk } from './keys.js'
import { type Fault, parseStructured } from './structured.js'
import { readSecretFile } from './secret-file.js'

/** What a caller may do, each including those before it. */
export const permissions = ['read', 'write', 'admin'] as const
export type Permission = (typeof permissions)[number]

export interface Token {
  readonly name: string
  readonly sha256: Uint8Array
  readonly may: Permission
  /** What its registrations are for, where they say nothing themselves. */
  readonly slug?: string
  /** What it may register, with `*` for any text. Absent: anything. */
  readonly slugs?: readonly string[]
}

export interface JwtRules {
  readonly keys: readonly PublicJwk[]
  readonly issuer?: string
  readonly audience?: string
  /** Tokens that never end are let in. */
  readonly allowWithoutExp?: boolean
  readonly may: Permission
}

export interface Credentials {
  readonly tokens: readonly Token[]
  readonly jwt?: JwtRules
}

type Fields = Readonly<Record<string, unknown>>

const limits = { tokens: 10_000, tokenLength: 4096, slugs: 256 }

/** @throws RegistryError `malformed`, naming the file, the entry and the field */
export function readTokens(file: string): Credentials {
  const path = resolve(file)
  const text = readSecretFile(path, 'see README.md, Credentials').toString('utf8')
  try {
    return parseTokens(text, dirname(path))
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause
    throw new RegistryError('malformed', `${path}: ${cause.message}`, { cause })
  }
}

/** @param directory that the names of key files are relative to */
function parseTokens(text: string, directory: string): Credentials {
  const fields = objectOf(parseYaml(text), 'the file')
  refuseUnknown(fields, ['tokens', 'jwt'], '')
  const listed = fields['tokens'] ?? []
  if (!Array.isArray(listed)) throw malformed('tokens: must be a list')
  if (listed.length > limits.tokens) throw malformed(`tokens: more than ${limits.tokens}`)
  const tokens = listed.map(parseToken)
  refuseDoubles(tokens)
  const jwt = fields['jwt'] === undefined ? undefined : parseJwt(fields['jwt'], directory)
  if (tokens.length === 0 && jwt === undefined) throw malformed('neither tokens nor jwt: nobody could be let in')
  return { tokens, ...(jwt !== undefined && { jwt }) }
}

function parseYaml(text: string): unknown {
  const structured = parseStructured(text, withoutQuotes)
  try {
    return structured?.document.toJS({ maxAliasCount: 100 }) ?? null
  } catch (cause) {
    throw new RegistryError('malformed', 'has more references in it than a file of tokens needs', { cause })
  }
}

/** What the parser says quotes the line, and with it perhaps a token. */
function withoutQuotes({ line, what, code }: Fault): string {
  return `line ${line}: ${code === undefined ? what : `not YAML or JSON (${code})`}`
}

function parseToken(entry: unknown, index: number): Token {
  const place = `tokens[${index}]`
  const fields = objectOf(entry, place)
  const name = textOf(fields, 'name', place)
  if (name === undefined) throw malformed(`${place}.name: missing; it is how messages call the token`)
  const named = `${place} (${name})`
  refuseUnknown(fields, ['token', 'sha256', 'name', 'may', 'slug', 'slugs'], named)
  const slug = slugOf(fields, named)
  const slugs = slugsOf(fields, named)
  const permitted = slugs ?? (slug === undefined ? undefined : [])
  return {
    name,
    sha256: hashOf(fields, named),
    may: permissionOf(fields, named),
    ...(slug !== undefined && { slug }),
    ...(permitted !== undefined && { slugs: slug === undefined ? permitted : [slug, ...permitted] }),
  }
}

function hashOf(fields: Fields, place: string): Uint8Array {
  const token = textOf(fields, 'token', place)
  const sha256 = textOf(fields, 'sha256', place)
  if ((token === undefined) === (sha256 === undefined)) {
    throw malformed(`${place}: give either token, or sha256 (the hexadecimal SHA-256 of the token)`)
  }
  if (token !== undefined) {
    if (/^[\x21-\x7e]+$/.test(token) && token.length <= limits.tokenLength) return sha256Of(token)
    throw malformed(`${place}.token: must be printable ASCII without spaces, as it has to fit into a header`)
  }
  if (/^[0-9a-f]{64}$/i.test(sha256 ?? '')) return new Uint8Array(Buffer.from(sha256 ?? '', 'hex'))
  throw malformed(`${place}.sha256: must be 64 hexadecimal digits, such as printf %s TOKEN | sha256sum prints`)
}

/** What a token is known by. */
export function sha256Of(token: string): Uint8Array {
  return createHash('sha256').update(token).digest()
}

function permissionOf(fields: Fields, place: string): Permission {
  const may = textOf(fields, 'may', place)
  const known = permissions.find((one) => one === may)
  if (known !== undefined) return known
  const list = `must be one of ${permissions.join(', ')}`
  if (may === undefined) throw malformed(`${place}.may: missing; ${list}`)
  throw malformed(`${place}.may: ${list}${didYouMean(may, permissions)}`)
}

function slugOf(fields: Fields, place: string): string | undefined {
  const slug = textOf(fields, 'slug', place)
  if (slug === undefined) return undefined
  try {
    return parseSlug(slug)
  } catch (cause) {
    throw malformed(`${place}.${(cause as Error).message}`)
  }
}

function slugsOf(fields: Fields, place: string): readonly string[] | undefined {
  const { slugs } = fields
  if (slugs === undefined) return undefined
  const isPattern = (text: unknown): boolean =>
    typeof text === 'string' &&
    /^[\p{L}\p{N}*][\p{L}\p{N}._~@/*-]*$/u.test(text) &&
    text.length <= modelLimits.labelLength
  if (Array.isArray(slugs) && slugs.length <= limits.slugs && slugs.every(isPattern)) return slugs as string[]
  throw malformed(
    `${place}.slugs: must be a list of at most ${limits.slugs} slugs, with * for any text, such as team-a/*`,
  )
}

function refuseDoubles(tokens: readonly Token[]): void {
  const names = new Map<string, number>()
  const hashes = new Map<string, number>()
  for (const [index, { name, sha256 }] of tokens.entries()) {
    const hash = Buffer.from(sha256).toString('hex')
    const [sameName, sameToken] = [names.get(name), hashes.get(hash)]
    const place = `tokens[${index}] (${name})`
    if (sameName !== undefined) throw malformed(`${place}.name: tokens[${sameName}] has it already; choose another`)
    if (sameToken !== undefined)
      throw malformed(`${place}.token: the same as that of tokens[${sameToken}]; make one for each`)
    names.set(name, index)
    hashes.set(hash, index)
  }
}

function parseJwt(entry: unknown, directory: string): JwtRules {
  const fields = objectOf(entry, 'jwt')
  refuseUnknown(fields, ['keys', 'issuer', 'audience', 'may', 'allowWithoutExp'], 'jwt')
  const { allowWithoutExp = false } = fields
  if (typeof allowWithoutExp !== 'boolean') throw malformed('jwt.allowWithoutExp: must be true or false')
  const issuer = textOf(fields, 'issuer', 'jwt')
  const audience = textOf(fields, 'audience', 'jwt')
  return {
    keys: readKeys(fields['keys'], directory),
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    may: fields['may'] === undefined ? 'write' : permissionOf(fields, 'jwt'),
    ...(allowWithoutExp && { allowWithoutExp }),
  }
}

// ---- small readers

function objectOf(value: unknown, place: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw malformed(
    `${place}: must be a map of fields, not ${value === null ? 'empty' : `a ${Array.isArray(value) ? 'list' : typeof value}`}`,
  )
}

function textOf(fields: Fields, field: string, place: string): string | undefined {
  const value = fields[field]
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw malformed(`${place}.${field}: must be text; put it in quotes if it looks like something else`)
}

function refuseUnknown(fields: Fields, known: readonly string[], place: string): void {
  const unknown = Object.keys(fields).find((field) => !known.includes(field))
  if (unknown === undefined) return
  const field = place === '' ? unknown : `${place}.${unknown}`
  throw malformed(`${field}: there is no such field${didYouMean(unknown, known, `; there are ${known.join(', ')}`)}`)
}

function malformed(message: string): RegistryError {
  return new RegistryError('malformed', message)
}
