/**
 * What a caller may do, once it is known who that is. It tells nobody apart.
 */
import { permissions, type Permission } from '../config/tokens.js'
import { RegistryError } from '../core/model/errors.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the call needs; otherwise `read` for GET and HEAD, `write` for the rest, `nothing` for those that ask for no credentials. */
    readonly needs?: Permission | 'nothing'
    /**
     * Changes nothing, whatever its method is called: any page may ask, and none of another origin is shown the answer. Behind a proxy that
     * passes on a `Host` of its own our page is such a one.
     */
    readonly isQuestion?: true
    /** By whatever name or address of this process it is asked. */
    readonly byAnyName?: true
    /** Says what other methods a path takes, and nothing else. */
    readonly refuses?: true
    /** A write that asks by itself whether its caller may speak for the slug; the others are closed to callers who have some slugs alone. */
    readonly asksForSlug?: true
  }
  interface FastifyRequest {
    /** Absent where no credentials are configured, or the call needs none. */
    caller: Caller | undefined
    /** Asks once more, for answers without end: rejects where the credentials hold no more. Absent where `caller` is. */
    mayStill: (() => Promise<Caller>) | undefined
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

/** @throws RegistryError `forbidden` */
export function demand(caller: Caller, needed: Permission): Caller {
  if (permissions.indexOf(caller.may) >= permissions.indexOf(needed)) return caller
  throw new RegistryError('forbidden', `${nameOf(caller)} may ${caller.may}, and this call needs ${needed}`)
}

/**
 * What belongs to no slug is for callers who may speak for all: definitions, nodes.
 * @throws RegistryError `forbidden` where the caller may speak for some slugs alone
 */
export function demandAllSlugs(caller: Caller): Caller {
  if (caller.slugs === undefined) return caller
  const wayOut = 'use a token without slug or slugs'
  throw new RegistryError('forbidden', `${nameOf(caller)} is for some slugs alone, and this call is not; ${wayOut}`)
}

/**
 * @param slug null: of an instance that is for nothing; undefined: of one that is not there, which harms nobody
 * @throws RegistryError `forbidden` where this caller must not speak for that slug
 */
export function demandSlug(caller: Caller | undefined, slug: string | null | undefined): void {
  if (caller?.slugs === undefined || slug === undefined) return
  // Who was given none has what is for none: published clients come with such tokens.
  if (slug === null ? caller.slugs.length === 0 : caller.slugs.some((pattern) => fits(slug, pattern))) return
  const list = caller.slugs.length === 0 ? 'none' : [...new Set(caller.slugs)].join(', ')
  throw new RegistryError(
    'forbidden',
    `slug: ${nameOf(caller)} may neither register nor change ${slug === null ? 'what has none' : JSON.stringify(slug)}; it may: ${list}`,
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
