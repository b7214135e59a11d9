/**
 * Urls by which something can be called, taken apart. It resolves no names.
 */
import { RegistryError, quote } from './errors.js'

/** The port that a url without one means. */
const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443, ftp: 21 }

/** What an instance record says of a url, part by part. */
export interface UrlParts {
  readonly scheme?: string | undefined
  readonly host?: string | undefined
  readonly ip?: string | undefined
  readonly port?: number | undefined
  readonly path?: string | undefined
}

/**
 * What the url says wherever the caller said nothing. The caller's own words stay as they are.
 * @throws RegistryError `malformed`
 */
export function urlParts(url: string, given: UrlParts): UrlParts {
  const said = takenApart(url)
  return {
    scheme: given.scheme ?? said.scheme,
    host: given.host ?? said.host,
    ip: given.ip ?? said.ip,
    port: given.port ?? said.port,
    path: given.path ?? said.path,
  }
}

/** Urls as they were lately taken apart: a record comes again with each change of its status, and its url with it. */
const urlsTakenApart = new Map<string, UrlParts>()
const urlsKept = 1024

function takenApart(url: string): UrlParts {
  const known = urlsTakenApart.get(url)
  if (known !== undefined) return known
  const parsed = parseUrl(url, 'url')
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  const scheme = parsed.protocol.slice(0, -1)
  const path = parsed.pathname.replace(/^\//, '')
  const port = explicitPort(url) ?? (parsed.port === '' ? defaultPorts[scheme] : Number(parsed.port))
  const parts = {
    scheme,
    ...(host !== '' && { host }),
    ...(isIpAddress(host) && { ip: host }),
    ...(port !== undefined && { port }),
    ...(path !== '' && { path }),
  }
  if (urlsTakenApart.size >= urlsKept) urlsTakenApart.clear()
  urlsTakenApart.set(url, parts)
  return parts
}

export interface UrlEndpoint {
  readonly host: string
  readonly port: number
  /** `user:password`, where the url carries one. */
  readonly userinfo?: string
}

/**
 * Where a health check has to connect to reach `url`, and as whom.
 * @returns undefined where the url has no host or no known port
 */
export function urlEndpoint(url: string): UrlEndpoint | undefined {
  const parsed = readUrl(url)
  if (parsed === undefined || parsed.hostname === '') return undefined
  const port = parsed.port === '' ? defaultPorts[parsed.protocol.slice(0, -1)] : Number(parsed.port)
  if (port === undefined) return undefined
  const { username, password } = parsed
  const userinfo = username === '' && password === '' ? {} : { userinfo: `${decoded(username)}:${decoded(password)}` }
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port, ...userinfo }
}

/** As callers read it: a percent sign that begins nothing stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The port written in a url, which `URL` drops where it is the scheme's default. */
function explicitPort(url: string): number | undefined {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:]*):(\d{1,5})(?:[/?#]|$)/i.exec(url)
  return match === null ? undefined : Number(match[1])
}

/**
 * Reads a url that names a scheme and a host.
 * @throws RegistryError `malformed`, naming `field`
 */
export function parseUrl(url: string, field: string): URL {
  const hint = 'give an absolute url such as http://10.0.0.5:8080/path'
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) {
    throw new RegistryError('malformed', `${field}: ${quote(url)} has no scheme; ${hint}`)
  }
  const parsed = readUrl(url)
  if (parsed === undefined) throw new RegistryError('malformed', `${field}: ${quote(url)} is not a url; ${hint}`)
  if (parsed.hostname === '') throw new RegistryError('malformed', `${field}: ${quote(url)} has no host; ${hint}`)
  return parsed
}

function readUrl(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

function isIpAddress(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host)
}
