/**
 * Which service a url of the form `rollcall://SLUG/path` means, where that is at one of its instances.
 */
import { RegistryError } from '../../core/errors.js'

export const scheme = 'rollcall:'

export interface Target {
  readonly slug: string
  /** Empty, or from its slash on. */
  readonly path: string
  /** Empty, or from its question mark on. */
  readonly query: string
}

/**
 * @returns undefined for a url of another scheme
 * @throws RegistryError `malformed`
 */
export function targetOf(input: string | URL | Request): Target | undefined {
  const text = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url
  if (!text.toLowerCase().startsWith(scheme)) return undefined
  if (!URL.canParse(text)) throw malformed(text, 'is no url')
  const { hostname, port, username, password, pathname, search } = new URL(text)
  if (hostname === '') throw malformed(text, 'names no service')
  if (port !== '') throw malformed(text, 'a service has no port; give the name of one as the option port')
  if (username !== '' || password !== '') throw malformed(text, 'carries a user; give an Authorization header')
  return { slug: decoded(hostname, text), path: pathname, query: search }
}

/** The url by which a path of a service is asked for. */
export function urlOf(slug: string, path: string): string {
  return `${scheme}//${encodeURIComponent(slug)}${path.startsWith('/') || path === '' ? '' : '/'}${path}`
}

/**
 * Where that is at an instance: its path goes before the one that is asked for, and cannot be left.
 * @returns undefined where it is not called by HTTP
 */
export function urlAt(instance: string, { path, query }: Target): string | undefined {
  if (!URL.canParse(instance)) return undefined
  const { protocol, host, pathname } = new URL(instance)
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
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
