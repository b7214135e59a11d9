/**
 * Urls by which something can be called: put together, taken apart, looked at. It resolves no names.
 */
import { RegistryError, quote } from './errors.js'
import { isIpAddress, isNameOfLoopback, isOfItsMachine, readHost, spellHost } from './host.js'

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
 * The url rule of the contract: `scheme://host:port/path`, with `ip` where there is no host. It looks at none of the parts.
 * @throws RegistryError `malformed` where there is neither host nor ip
 */
export function composeUrl({ scheme = 'http', host: named, ip, port, path }: UrlParts): string {
  const host = named ?? ip
  if (host === undefined) {
    throw new RegistryError('malformed', 'url: missing; give url, or host, or ip (with scheme and port)')
  }
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const portPart = port === undefined ? '' : `:${port}`
  const pathPart = path === undefined ? '' : `/${path.replace(/^\/+/, '')}`
  return `${scheme}://${bracketed}${portPart}${pathPart}`
}

/**
 * Each part has to be what it is called.
 * @throws RegistryError `malformed`, naming the part
 */
export function checkParts({ scheme, host, ip }: UrlParts): void {
  if (scheme !== undefined && !/^[a-z][a-z0-9+.-]*$/i.test(scheme)) {
    throw new RegistryError('malformed', `scheme: ${quote(scheme)} is not a scheme; give one such as http, without ://`)
  }
  if (host !== undefined && readHost(host) === undefined) {
    const wayOut = 'give a name or an address alone; a port and a path have fields of their own'
    throw new RegistryError('malformed', `host: ${quote(host)} is not a host; ${wayOut}`)
  }
  if (ip !== undefined && !isIpAddress(readHost(ip) ?? '')) {
    throw new RegistryError(
      'malformed',
      `ip: ${quote(ip)} is not an address such as 10.0.0.5 or fd00::5; a name is a host`,
    )
  }
}

/**
 * What was composed of parts has to say what they said.
 * @throws RegistryError `malformed`
 */
export function checkComposed(url: string, { scheme = 'http', host, ip, port, path }: UrlParts): void {
  const said = takenApart(url)
  const isSaid =
    said.scheme === scheme.toLowerCase() &&
    said.host === readHost(host ?? ip ?? '') &&
    (port === undefined || said.port === port) &&
    (path === undefined || isPath(path))
  if (isSaid) return
  throw new RegistryError(
    'malformed',
    `url: the parts make ${quoteUrl(url)}, which says something else than they do; give url`,
  )
}

/** A path, also with a query, in which nothing is lost on the way, and nothing leads out of it, in one reader of urls or another. */
function isPath(path: string): boolean {
  const [before = ''] = path.split('?')
  return !/#|\\/.test(path) && !before.split('/').some((step) => /^(\.|%2e){1,2}$/i.test(step))
}

/**
 * What to say of a part beside a url that says something else than the url does. An address beside a name other than
 * `localhost`, or one of the other family, may be the same place.
 * @returns undefined where none does
 */
export function disagreement(url: string, parts: UrlParts): string | undefined {
  const name = partBeside(url, parts)
  return (
    name && `${name}: ${quoteUrl(String(parts[name]))} says something else than url ${quoteUrl(url)}, where callers go`
  )
}

function partBeside(url: string, { scheme, host, ip, port, path }: UrlParts): keyof UrlParts | undefined {
  const said = takenApart(url)
  if (scheme !== undefined && scheme.toLowerCase() !== said.scheme) return 'scheme'
  if (host !== undefined && isAnotherHost(host, said.host)) return 'host'
  if (ip !== undefined && isAnotherHost(ip, said.host)) return 'ip'
  if (port !== undefined && said.port !== undefined && port !== said.port) return 'port'
  if (path !== undefined && spellPath(path) !== spellPath(said.path ?? '')) return 'path'
  return undefined
}

function isAnotherHost(given: string, said: string | undefined): boolean {
  const host = readHost(given)
  if (host === undefined || said === undefined) return false
  if (kindOf(host) !== kindOf(said)) return isLoopbackBeside(host, said) || isLoopbackBeside(said, host)
  return host.replace(/\.$/, '') !== said.replace(/\.$/, '')
}

/** Of all names `localhost` alone is known to lead to no address that others reach. */
function isLoopbackBeside(name: string, address: string): boolean {
  return isNameOfLoopback(name) && isIpAddress(address) && !isOfItsMachine(address)
}

function kindOf(host: string): 'name' | 'IPv4' | 'IPv6' {
  if (!isIpAddress(host)) return 'name'
  return host.includes(':') ? 'IPv6' : 'IPv4'
}

/** A query is none of the path of a url, and may stand in the field nevertheless. */
function spellPath(path: string): string {
  const [before = ''] = path.split(/[?#]/)
  return decoded(before).replace(/^\/+|\/+$/g, '')
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

/** Whether a url leads somewhere else on each machine that reads it, so that two nodes that say it mean two things. */
export function isOfItsNode(url: string): boolean {
  const parsed = readUrl(url)
  return parsed !== undefined && isOfItsMachine(hostOf(url, parsed))
}

/** Urls as they were lately taken apart: a record comes again with each change of its status, and its url with it. */
const urlsTakenApart = new Map<string, UrlParts>()
const urlsKept = 1024

function takenApart(url: string): UrlParts {
  const known = urlsTakenApart.get(url)
  if (known !== undefined) return known
  const parsed = parseOldUrl(url, 'url')
  const host = hostOf(url, parsed)
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
  return { host: hostOf(url, parsed), port, ...userinfo }
}

/** Whether two urls lead to the same service, whatever they ask of it. */
export function isSamePlace(a: string, b: string): boolean {
  const [one, other] = [urlEndpoint(a), urlEndpoint(b)]
  const scheme = (url: string): string => url.slice(0, url.indexOf(':')).toLowerCase()
  return one?.host === other?.host && one?.port === other?.port && scheme(a) === scheme(b)
}

const beforeHost = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@/i

/** A url without the `user:password` in it, as everybody may read it. */
export function splitUserinfo(url: string): { readonly url: string; readonly userinfo?: string } {
  const [whole = '', scheme = '', userinfo] = beforeHost.exec(url) ?? []
  return userinfo === undefined ? { url } : { url: scheme + url.slice(whole.length), userinfo }
}

export function joinUserinfo(url: string, userinfo: string | undefined): string {
  return userinfo === undefined ? url : url.replace('://', () => `://${userinfo}@`)
}

/**
 * A url as it is shown to people, in the history, in the log, in findings, in errors, which they pass on: neither who asks nor with which
 * words, since either may be a secret. Lists show it as it was registered: that is what callers call.
 */
export function shownUrl(url: string): string {
  const isWhole = url.includes('://')
  // Of what is no url nobody knows where the name of who asks ends.
  const whom = isWhole && readUrl(url) !== undefined ? /\/\/[^/?#]*@/ : isWhole ? /\/\/.*@/s : /^(?:[^/]|\/\/).*@/s
  return url.replace(whom, isWhole ? '//…@' : '…@').replace(/([?#]).+$/s, '$1…')
}

function quoteUrl(url: string): string {
  return quote(shownUrl(url))
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

/** `URL` reads the hosts of the schemes that browsers know, and leaves those of others as they are written. */
function hostOf(url: string, parsed: URL): string {
  const bare = parsed.hostname.replace(/^\[|\]$/g, '')
  if (parsed.protocol.slice(0, -1) in defaultPorts) return bare
  const { host } = /^[^/]*\/\/(?:[^/?#]*@)?(?<host>\[[^\]]*\]|[^/?#:]*)/.exec(url)?.groups ?? {}
  return spellHost(host ?? '') ?? bare
}

const hint = 'give an absolute url such as http://10.0.0.5:8080/path'

/**
 * Reads a url that names a scheme and a host, in a way in which all readers of urls understand it.
 * @throws RegistryError `malformed`, naming `field`
 */
export function parseUrl(url: string, field: string): URL {
  const parsed = parseOldUrl(url, field)
  const [, authority = ''] = /^[^/]*\/\/([^/?#]*)/.exec(url) ?? []
  if (authority === '') throw new RegistryError('malformed', `${field}: ${quoteUrl(url)} has no host; ${hint}`)
  if (/:0+$/.test(authority))
    throw new RegistryError('malformed', `${field}: nobody listens on port 0; give the port that the system has drawn`)
  const host = authority.replace(/^.*@/, '').replace(/:\d*$/, '')
  const spelled = /\\|@.*@/.test(authority) ? undefined : spellHost(host)
  // 127.1, 010.0.0.1 or 0x7f000001 are addresses to some readers, and other ones, or names, to others.
  if (spelled !== undefined && (host.includes(':') || !isIpAddress(spelled) || spelled === host)) return parsed
  throw new RegistryError('malformed', `${field}: ${quote(host)} in ${quoteUrl(url)} is not a host; ${hint}`)
}

/**
 * The same, as it was taken by every version there was: records of those are read by it.
 * @throws RegistryError `malformed`, naming `field`
 */
function parseOldUrl(url: string, field: string): URL {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) {
    throw new RegistryError('malformed', `${field}: ${quoteUrl(url)} has no scheme; ${hint}`)
  }
  const parsed = readUrl(url)
  if (parsed === undefined) throw new RegistryError('malformed', `${field}: ${quoteUrl(url)} is not a url; ${hint}`)
  if (parsed.hostname === '') throw new RegistryError('malformed', `${field}: ${quoteUrl(url)} has no host; ${hint}`)
  return parsed
}

function readUrl(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}
