/**
 * Reads addresses as they are written by people, peers or libp2p. It says which can be dialled, and which of our own are
 * announced; it never dials. Addresses travel as text, `/ip4/10.0.0.5/tcp/58232`, without the peer id that libp2p likes to
 * append.
 */
import { isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Interfaces } from '../../config/interfaces.js'
import { bestFirst } from '../../config/reach.js'
import { defaultPeerPort } from '../../config/values.js'
import { RegistryError } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'
import { addressesOf, type Names } from '../names.js'

const addressLength = 256
/** Addresses taken from one DNS name; a headless service may list a whole cluster. */
const resolvedLimit = 1_024

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** 0: whichever the name resolves to. */
  readonly family: 0 | 4 | 6
  readonly peer?: PeerId
}

/** A place to find the cluster at, as the user wrote it. */
export interface Seed extends Endpoint {
  readonly text: string
}

/** Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT` or a TCP multiaddr with or without `/p2p/…`. @throws RegistryError `malformed` */
export function parseSeed(text: string): Seed {
  const endpoint = text.startsWith('/') ? readEndpoint(text) : readHostPort(text)
  if (endpoint !== undefined) return { ...endpoint, text }
  const ways = '10.0.0.5, node-1.example.com:58232, [fd00::5]:58232 or /ip4/10.0.0.5/tcp/58232'
  throw new RegistryError('malformed', `join: ${JSON.stringify(text)} is not an address; give one like ${ways}`)
}

function readHostPort(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\p{L}\p{N}._-]+))(?::(\d{1,5}))?$/iu.exec(text)
  if (match === null) return isIP(text) === 6 ? { host: text, port: defaultPeerPort, family: 6 } : undefined
  const port = match[3] === undefined ? defaultPeerPort : Number(match[3])
  const host = match[1] ?? match[2] ?? ''
  if (port < 1 || port > 65_535 || (match[1] !== undefined && isIP(host) !== 6)) return undefined
  return { host, port, family: familyOf(host) }
}

function familyOf(host: string): 0 | 4 | 6 {
  const family = isIP(host)
  return family === 4 || family === 6 ? family : 0
}

/** @throws RegistryError `malformed` for an address that nobody could dial */
export function parseAnnounced(text: string): string {
  const address = readAddress(text)
  if (address !== undefined) return address
  const hint = 'give a multiaddr that others can dial, such as /ip4/203.0.113.7/tcp/58232'
  throw new RegistryError('malformed', `announce: ${JSON.stringify(text)} is not an address; ${hint}`)
}

/** Host and port of a TCP multiaddr; undefined for anything else, such as relays and other transports. */
export function readEndpoint(text: string): Endpoint | undefined {
  if (text.length > addressLength) return undefined
  try {
    const [where, tcp, p2p, ...rest] = multiaddr(text).getComponents()
    const family = { ip4: 4, ip6: 6, dns: 0, dns4: 4, dns6: 6 }[where?.name ?? ''] as 0 | 4 | 6 | undefined
    const port = Number(tcp?.value)
    if (family === undefined || where?.value === undefined || tcp?.name !== 'tcp' || rest.length > 0) return undefined
    if (!(port >= 1 && port <= 65_535) || (p2p !== undefined && p2p.name !== 'p2p')) return undefined
    return { host: where.value, port, family, ...(p2p?.value === undefined ? {} : { peer: p2p.value }) }
  } catch {
    return undefined
  }
}

/** The one spelling of an address that a peer can be dialled at, or undefined for what is none. */
export function readAddress(text: string): string | undefined {
  const endpoint = readEndpoint(text)
  if (endpoint === undefined || endpoint.host === '0.0.0.0' || endpoint.host === '::') return undefined
  return multiaddr(text).decapsulateCode(p2pCode).toString()
}

const p2pCode = 421

/** Whether somebody has to be asked where it is. */
export function isName(host: string): boolean {
  return isIP(host) === 0
}

/** The addresses that a seed stands for at this moment. Rejects when its name does not resolve. */
export async function resolveSeed(seed: Seed, names: Names): Promise<string[]> {
  const found = await addressesOf(names, seed.host)
  return found
    .filter(({ family }) => seed.family === 0 || seed.family === family)
    .slice(0, resolvedLimit)
    .map(({ address, family }) => `/${family === 6 ? 'ip6' : 'ip4'}/${address}/tcp/${seed.port}`)
    .flatMap((address) => readAddress(address) ?? [])
}

/** The addresses to tell others, best first. `announce` replaces what is listened on. */
export function announced(
  listening: readonly Multiaddr[],
  announce: readonly string[],
  interfaces?: Interfaces,
): string[] {
  const addresses = announce.length > 0 ? announce : listening.map(String)
  const dialable = unique(addresses.flatMap((address) => readAddress(address) ?? []))
  return announce.length > 0 ? dialable : bestFirst(dialable, hostOf, interfaces)
}

export function hostOf(address: string): string {
  return readEndpoint(address)?.host ?? ''
}

function unique(addresses: readonly string[]): string[] {
  return [...new Set(addresses)]
}
