/**
 * How the options of the DNS door become values.
 */
import { isIP } from 'node:net'
import { dnsNameOf } from '../core/model/dns-name.js'
import { RegistryError } from '../core/model/errors.js'
import { parseHostPort, type HostPort } from './values.js'

export const defaultDnsDomain = 'rollcall.internal'
export const defaultDnsTtl_s = 1

/** A name has 253 characters at the most; with a tag, a slug and a dot behind each this is what a domain leaves. */
const domainLength = 100
/** RFC 8767, 4: what a resolver keeps for longer it takes for a mistake. */
const longestTtl_s = 604_800

/** A name would have to be looked up in what is only just about to answer. */
export function parseDns(text: string): HostPort {
  const parsed = parseHostPort(text)
  if (parsed?.port !== undefined && (isIP(parsed.host) !== 0 || parsed.host === 'localhost'))
    return { host: parsed.host, port: parsed.port }
  throw malformed(
    `${JSON.stringify(text)} is not ADDRESS:PORT with a port from 0 to 65535, such as 127.0.0.1:8653 or [::1]:8653`,
  )
}

export function parseDnsDomain(text: string): string {
  const domain = text.replace(/\.$/, '').toLowerCase()
  if (domain.length <= domainLength && domain.split('.').every((label) => dnsNameOf(label) !== undefined)) return domain
  throw malformed(
    `${JSON.stringify(text)} is not a domain of at most ${domainLength} letters, digits, dashes and dots, such as ${defaultDnsDomain}`,
  )
}

export function parseDnsTtl(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (seconds <= longestTtl_s) return seconds
  throw malformed(`${JSON.stringify(text)} is not a whole number of seconds from 0 to ${longestTtl_s}`)
}

function malformed(message: string): RegistryError {
  return new RegistryError('malformed', message)
}
