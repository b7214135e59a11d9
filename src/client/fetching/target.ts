/**
 * Which service a url of the form `rollcall://SLUG/path` means, where that is at one of its instances.
 */
import { RegistryError } from '../../core/model/errors.js'
import { isRequest } from './sendable.js'

export const scheme = 'rollcall:'

export interface Target {
  readonly slug: string
  /** Empty, or from its slash on. */
  readonly path: string
  /** Empty, or from its question mark on. */
  readonly query: string
}

/**
 * @param input as fetch takes it: a Request, or whatever is a url as a text
 * @returns undefined for a url of another scheme
 * @throws RegistryError `malformed`
 */
export function targetOf(input: string | URL | Request): Target | undefined {
  const text = isRequest(input) ? input.url : String(input as string | URL).trim()
  if (!text.slice(0, scheme.length).toLowerCase().startsWith(scheme)) return undefined
  if (!URL.canParse(text)) throw malformed(text, 'is no url')
  const { hostname, port, username, password, pathname, search } = new URL(text)
  if (hostname === '') throw malformed(text, 'names no service')
  if (port !== '') throw malformed(text, 'a service has no port; give the name of one as the option port')
  if (username !== '' || password !== '') throw malformed(text, 'carries a user; give an Authorization header')
  return { slug: decoded(hostname, text), path: pathOfHttp(pathname), query: search }
}

/** In a url of HTTP a backslash is a slash, so that `..` after one leads up, too: that is to be over before a path goes before it. */
function pathOfHttp(path: string): string {
  return path.includes('\\') ? new URL(`http://instance${path}`).pathname : path
}

/**
 * The url by which a path of a service is asked for.
 * @throws RegistryError `malformed`
 */
export function urlOf(slug: unknown, path: unknown): string {
  if (typeof slug !== 'string' || slug === '' || /\p{Surrogate}/u.test(slug))
    throw new RegistryError('malformed', 'slug: must be the name of a service, a text that is not empty')
  if (typeof path !== 'string') throw new RegistryError('malformed', 'path: must be a text, such as /orders/1')
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    throw new RegistryError(
      'malformed',
      'path: must be one of the service, such as /orders/1; a whole url is for `fetch`',
    )
  return `${scheme}//${encodeURIComponent(slug)}${path.startsWith('/') || path === '' ? '' : '/'}${path}`
}

/** Whether fetch can call what is there. */
export function isHttp(instance: string): boolean {
  return /^https?:\/\//i.test(instance) && URL.canParse(instance)
}

/** Where that is at an instance: its path goes before the one that is asked for, and cannot be left. */
export function urlAt(instance: string, { path, query }: Target): string {
  const { protocol, host, pathname } = new URL(instance)
  const whole = `${pathname.replace(/\/+$/, '')}${path}`
  return `${protocol}//${host}${whole === '' ? '/' : whole}${query}`
}

function decoded(hostname: string, text: string): string {
  try {
    return decodeURIComponent(hostname)
  } catch {
    throw malformed(text, 'is not percent-encoded as it should be')
  }
}

function malformed(text: string, why: string): RegistryError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text
  return new RegistryError('malformed', `url: ${JSON.stringify(shown)} ${why}; such as rollcall://web/orders/1`)
}
