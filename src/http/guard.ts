/**
 * Which requests are let in at all: a web page in a browser on this machine is a caller too, which must not speak for its user.
 * It looks at the `Host` and `Origin` headers, never at who is asking: it is no access control.
 */
import { isIPv6 } from 'node:net'
import { hostname } from 'node:os'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isLoopback } from '../config.js'
import { ownAddresses } from '../config/reach.js'
import { RegistryError } from '../core/model/errors.js'
import { isListed, type Origins } from './cors.js'

/** By what this daemon may be called, and from which pages. */
export interface Served {
  /** The host that the HTTP server is bound to. */
  readonly bound: string
  /** Further names and addresses, such as the host of the node's url. */
  readonly names: readonly string[]
  /** What a proxy in front of it is called; may be others from one request to the next. */
  readonly proxies: readonly string[]
  readonly origins: Origins
}

const readingMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** Names that were found to be ours, so that the common ones are read once. */
const rememberedHosts = 64

export type Guard = (method: string, headers: IncomingHttpHeaders) => void

/** @returns what throws RegistryError `forbidden` for a request that is not let in */
export function createGuard(served: Served): Guard {
  const ours = new Set<string>()
  let { proxies } = served
  return (method, { host, origin }) => {
    if (proxies !== served.proxies) {
      ours.clear()
      proxies = served.proxies
    }
    // Browsers always send a Host; health checks that speak HTTP/1.0 do not.
    if (host !== undefined && !ours.has(host)) {
      if (!isServedHost(host, served)) {
        throw new RegistryError(
          'forbidden',
          `Host: ${quote(host)} is no name or address of this daemon; ask for one that it serves; that of a proxy is named with --allow-host (ROLLCALL_ALLOW_HOST), its own with --url (ROLLCALL_URL)`,
        )
      }
      if (isAlwaysServed(host, served) && ours.size < rememberedHosts) ours.add(host)
    }
    if (origin === undefined || readingMethods.includes(method) || isOwnOrigin(origin, host)) return
    if (!isListed(origin, served.origins)) {
      throw new RegistryError(
        'forbidden',
        `Origin: pages of ${quote(origin)} may not change this register; list it with --cors-origin (ROLLCALL_CORS_ORIGIN) if they should`,
      )
    }
  }
}

/**
 * Of two, a proxy in front may have looked at the one, and we at the other (RFC 9112, 3.2).
 * @throws RegistryError `malformed`
 */
export function demandOneHost({ headers, rawHeaders, httpVersion }: IncomingMessage): void {
  if (headers.host === undefined) {
    if (httpVersion === '1.0') return
    throw new RegistryError('malformed', 'Host: missing; HTTP/1.1 asks for it')
  }
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  if (count > 1) throw new RegistryError('malformed', 'Host: given more than once')
}

/**
 * Against DNS rebinding: a page of evil.example, whose name suddenly points to this machine, arrives with its own name.
 * Ports are not compared. A page cannot choose the name it is reached by, whatever the port, while port mappings and
 * tunnels show a caller another port than ours.
 */
export function isServedHost(header: string, served: Served): boolean {
  const host = hostOf(header)
  if (host === undefined) return false
  if (isAlwaysServed(header, served)) return true
  const { bound } = served
  if (isLoopback(bound)) return false
  return host === normal(hostname()) || (isWildcard(bound) && ownAddresses().map(normal).includes(host))
}

/** Whatever addresses and names this machine has by now. */
function isAlwaysServed(header: string, { bound, names, proxies }: Served): boolean {
  const host = hostOf(header)
  if (host === undefined) return false
  return isLoopback(host) || host === normal(bound) || [...names, ...proxies].some((name) => normal(name) === host)
}

/** Same origin, by host and port: whether TLS ends in front of us does not matter. */
export function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false
  const { protocol, host: originHost } = new URL(origin)
  const own = `${protocol}//${host}`
  return originHost !== '' && URL.canParse(own) && new URL(own).host === originHost
}

/** The host of a `Host` header, without port and brackets. */
function hostOf(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]\\]+))(?::\d{1,5})?$/i.exec(header)
  const host = match?.[1] ?? match?.[2]
  return host === undefined ? undefined : normal(host)
}

/** One spelling of a name or address: lower case, no final dot, IPv6 compressed, no IPv4 inside IPv6. */
function normal(host: string): string {
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
  if (!isIPv6(name) || name.includes('%')) return name
  const compressed = new URL(`http://[${name}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed)
  if (mapped === null) return compressed
  const [high, low] = [parseInt(mapped[1]!, 16), parseInt(mapped[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function isWildcard(bound: string): boolean {
  return normal(bound) === '0.0.0.0' || normal(bound) === '::'
}

function quote(header: string): string {
  return JSON.stringify(header.slice(0, 80))
}
