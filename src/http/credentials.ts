/**
 * Who is calling, and what they may do: from the `Authorization` header, where credentials are configured. No token is ever
 * logged or repeated in a message.
 */
import { timingSafeEqual } from 'node:crypto'
import { permissions, sha256Of, type Credentials, type Permission } from '../config/tokens.js'
import { RegistryError } from '../core/errors.js'
import { tokenOf } from './claims.js'

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

/** Tells callers apart. One for each server. */
export function createIdentifier({
  tokens,
  jwt,
}: Credentials): (authorization: string | undefined) => Caller | Promise<Caller> {
  let verifier: Promise<(token: string) => Promise<Caller>> | undefined
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
    if (jwt !== undefined && given.split('.').length === 3) {
      // Not before somebody comes with one: most daemons never need that library.
      verifier ??= import('./jwt.js').then(({ createVerifier }) => createVerifier(jwt))
      return verifier.then((verify) => verify(given))
    }
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

export function unauthorized(why: string): RegistryError {
  return new RegistryError('unauthorized', `authorization: ${why}`)
}
