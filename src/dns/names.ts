/**
 * What the name in a question stands for, by its form alone. It does not look whether anything has that name.
 *
 *     DOMAIN                                    the apex: SOA, NS
 *     ns.DOMAIN                                 this daemon
 *     SLUG.service.DOMAIN                       a service
 *     TAG.SLUG.service.DOMAIN                   those of it with a tag
 *     _SLUG._tcp.service.DOMAIN                 a service, for SRV (RFC 2782); any tag may stand for `_tcp`
 *     _PORT._tcp.SLUG.service.DOMAIN            its ports of that name, for SRV
 *     NODE.node.DOMAIN                          a node
 *     HEXIP.addr.DOMAIN                         an address, in 8 or 32 digits
 *     service. node. addr. _TAG.service. _tcp.SLUG.service.DOMAIN     nothing but the names below them
 */
import { isIPv4, isIPv6 } from 'node:net'
import { dnsNameOf } from '../core/model/dns-name.js'
import { readIpv6, spellHost } from '../core/model/host.js'

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

export type Meaning =
  /** Whose names these are is for others to say. */
  | { readonly type: 'foreign' }
  | { readonly type: 'apex' }
  | { readonly type: 'server' }
  /** There are names below it. `of`: if that service exists. */
  | { readonly type: 'branch'; readonly of?: string }
  | ServiceMeaning
  | { readonly type: 'node'; readonly name: string }
  | { readonly type: 'address'; readonly at: Address }
  /** One of ours that stands for nothing, whatever is registered. */
  | { readonly type: 'nothing' }

export interface ServiceMeaning {
  readonly type: 'service'
  readonly slug: string
  readonly tag?: string
  readonly port?: string
  /** Such a name is there for SRV alone. */
  readonly isForSrv: boolean
}

const nothing: Meaning = { type: 'nothing' }

/** Ids of nodes that were given none have a `_` within. */
const nodeLabel = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * @param name in small letters
 * @param domain whose names these are, in small letters
 */
export function meaningOf(name: string, domain: string): Meaning {
  if (name === domain) return { type: 'apex' }
  if (!name.endsWith(`.${domain}`)) return { type: 'foreign' }
  const labels = name.slice(0, -domain.length - 1).split('.')
  const [kind, ...below] = labels.reverse()
  if (below.length === 0) return rootOf(kind as string)
  if (kind === 'service') return serviceOf(below.reverse())
  const [label = '', ...more] = below
  if (more.length > 0) return nothing
  if (kind === 'node') return nodeLabel.test(label) ? { type: 'node', name: label } : nothing
  const at = kind === 'addr' ? addressOf(label) : undefined
  return at === undefined ? nothing : { type: 'address', at }
}

function rootOf(kind: string): Meaning {
  if (kind === 'ns') return { type: 'server' }
  return ['service', 'node', 'addr'].includes(kind) ? { type: 'branch' } : nothing
}

/** @param labels those before `service`, in their order */
function serviceOf(labels: readonly string[]): Meaning {
  const [a = '', b = '', c = ''] = labels
  const [ofA, ofB] = [underscored(a), underscored(b)]
  switch (labels.length) {
    case 1:
      if (ofA !== undefined) return { type: 'branch' }
      return isLabel(a) ? { type: 'service', slug: a, isForSrv: false } : nothing
    case 2:
      if (ofA !== undefined && ofB !== undefined)
        return { type: 'service', slug: ofA, ...(ofB !== 'tcp' && { tag: ofB }), isForSrv: true }
      if (a === '_tcp' && isLabel(b)) return { type: 'branch', of: b }
      return isLabel(a) && isLabel(b) ? { type: 'service', slug: b, tag: a, isForSrv: false } : nothing
    case 3:
      if (ofA === undefined || b !== '_tcp' || !isLabel(c)) return nothing
      return { type: 'service', slug: c, port: ofA, isForSrv: true }
    default:
      return nothing
  }
}

/** What stands behind the `_` of a label that has one. */
function underscored(label: string): string | undefined {
  return label.startsWith('_') && isLabel(label.slice(1)) ? label.slice(1) : undefined
}

function isLabel(text: string): boolean {
  return dnsNameOf(text) === text
}

function addressOf(digits: string): Address | undefined {
  if (/^[0-9a-f]{8}$/.test(digits)) {
    const bytes = (digits.match(/../g) ?? []).map((pair) => parseInt(pair, 16))
    return { address: bytes.join('.'), family: 4 }
  }
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined
  return plain({ address: (digits.match(/..../g) ?? []).join(':'), family: 6 })
}

/** The address that a host is; undefined for a name. */
export function addressOfHost(host: string): Address | undefined {
  const family = familyOf(host)
  return family && plain({ address: host, family })
}

/** One of IPv4 within IPv6 is that of IPv4: nothing on the wire has the other (RFC 4291, 2.5.5.2; RFC 4038, 4.2). */
export function plain(at: Address): Address {
  const spelled = at.family === 6 ? spellHost(`[${at.address}]`) : undefined
  const mapped = spelled === undefined ? null : /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(spelled)
  if (mapped === null) return at
  const [high = 0, low = 0] = mapped.slice(1).map((group) => parseInt(group, 16))
  return { address: [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.'), family: 4 }
}

/** The name under `addr` of an address. @param host in the one spelling that urls give it */
export function nameOfAddress({ address, family }: Address, domain: string): string {
  return `${family === 4 ? hexOfIpv4(address) : hexOfIpv6(address)}.addr.${domain}`
}

function hexOfIpv4(address: string): string {
  return address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
}

function hexOfIpv6(address: string): string {
  const groups = readIpv6(address)
  return groups.map((group) => group.toString(16).padStart(4, '0')).join('')
}

/** Whether a host can be named in a packet: each label has at most 63 bytes, all of them 253. */
export function isHostName(host: string): boolean {
  const name = host.replace(/\.$/, '')
  return (
    name.length <= 253 && name.split('.').every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))
  )
}

export function familyOf(host: string): 4 | 6 | undefined {
  if (isIPv6(host)) return 6
  return isIPv4(host) ? 4 : undefined
}
