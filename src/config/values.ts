/**
 * How the text of one option becomes a value: a parser for each kind, which says what is wrong with the text but not whose it was.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { RegistryError } from '../core/model/errors.js'
import { modelLimits } from '../core/model/model.js'
import { parseUrl } from '../core/model/url.js'
import { logLevels, type LogLevel } from './logger.js'
import { didYouMean } from './nearest.js'
import { readSecretFile } from './secret-file.js'

/** Where peers listen unless told otherwise, and where they are looked for. */
export const defaultPeerPort = 58_232

export interface HostPort {
  /** A name or an address, without brackets. */
  readonly host: string
  /** 0 means any free port. */
  readonly port: number
}

/** `HOST:PORT` as it stands in urls. */
export function formatHostPort({ host, port }: HostPort): string {
  return `${bracketed(host)}:${port}`
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

export function parseCluster(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(text)) return text
  throw malformed(`${JSON.stringify(text)} is not a cluster name; use up to 32 lower-case letters, digits and dashes`)
}

export function parseHttp(text: string): HostPort {
  const parsed = parseHostPort(text)
  if (parsed?.port !== undefined) return { host: parsed.host, port: parsed.port }
  throw malformed(`${JSON.stringify(text)} is not HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:58231`)
}

/** An origin as browsers spell it: lower case, without the scheme's default port. */
export function parseOrigin(text: string): string {
  if (text === '*') return text
  const { origin = 'null', href = '' } = URL.canParse(text) ? new URL(text) : {}
  if (/^[^*]+[^/*]$/.test(text) && origin !== 'null' && href === `${origin}/`) return origin
  const example = origin === 'null' || origin.includes('*') ? 'https://ops.example.com' : origin
  throw malformed(`${JSON.stringify(text)} is not an origin (scheme, host and port alone), such as ${example}`)
}

/** The name or address alone: a caller behind a tunnel sees another port than ours, so ports are not compared. */
export function parseHostName(text: string): string {
  const parsed = parseHostPort(text)
  if (parsed !== undefined && parsed.port === undefined) return parsed.host.toLowerCase().replace(/\.$/, '')
  const { hostname = '' } = URL.canParse(text) ? new URL(text) : {}
  const meant = hostname || parsed?.host || 'registry.example.com'
  throw malformed(`${JSON.stringify(text)} is not a host name or address alone, such as ${meant}`)
}

export function parseHostPort(text: string): { readonly host: string; readonly port?: number } | undefined {
  if (isIPv6(text)) return { host: text }
  const match = /^(?:\[([^\]]+)\]|([a-z0-9](?:[a-z0-9._-]*[a-z0-9.])?))(?::(\d{1,5}))?$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  if (match === null || host === undefined || (match[1] !== undefined && !isIPv6(host))) return undefined
  if (match[3] === undefined) return { host }
  const port = Number(match[3])
  return port > 65_535 ? undefined : { host, port }
}

export function parseJoin(text: string): string {
  if (text.startsWith('/')) return parseMultiaddr(text, ['ip4', 'ip6', 'dns', 'dns4', 'dns6'])
  const parsed = parseHostPort(text)
  if (parsed === undefined || parsed.port === 0) {
    throw malformed(`${JSON.stringify(text)} is neither HOST[:PORT] nor a multiaddr such as /ip4/10.0.0.5/tcp/58232`)
  }
  const kind = isIPv4(parsed.host) ? 'ip4' : isIPv6(parsed.host) ? 'ip6' : 'dns'
  return `/${kind}/${parsed.host}/tcp/${parsed.port ?? defaultPeerPort}`
}

export function parseListen(text: string): string {
  return parseMultiaddr(text, ['ip4', 'ip6'])
}

export function parseAnnounce(text: string): string {
  return parseMultiaddr(text, ['ip4', 'ip6', 'dns', 'dns4', 'dns6'])
}

/**
 * By its shape: what it says is read by the network, with the reader of its own stack. That is fifty files, which every command
 * would load, also those that only ask.
 */
function parseMultiaddr(text: string, hosts: readonly string[]): string {
  const example = 'such as /ip4/10.0.0.5/tcp/58232'
  const [before, kind = '', host = '', transport, port = '', ...rest] = text.replace(/\/+$/, '').split('/')
  if (before !== '' || !isHost(kind, host) || (transport === 'tcp' && !isPort(port))) {
    throw malformed(`${JSON.stringify(text)} is not a multiaddr ${example}`)
  }
  if (hosts.includes(kind) && transport === 'tcp' && rest.length !== 1 && (rest[0] ?? 'p2p') === 'p2p') {
    if (rest.length === 0 || (rest.length === 2 && isPeerId(rest[1] as string))) return text
    throw malformed(`${JSON.stringify(text)} is not a multiaddr ${example}, with or without /p2p/ and a peer id`)
  }
  throw malformed(`${JSON.stringify(text)} is not a TCP address ${example} (it may begin with ${hosts.join(', ')})`)
}

function isHost(kind: string, host: string): boolean {
  if (kind === 'ip4') return isIPv4(host)
  return kind === 'ip6' ? isIPv6(host) && !host.includes('%') : kind !== '' && host !== ''
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

/** Those of daemons to the letter; libp2p knows others. */
function isPeerId(text: string): boolean {
  return /^(?:12D3KooW[1-9A-HJ-NP-Za-km-z]{44}|(?:16Uiu2|Qm|[bkz])\w{40,85})$/.test(text)
}

export function parseLabel(text: string): string {
  if (text.length <= modelLimits.labelLength && text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text)) return text
  throw malformed(`must be text of at most ${modelLimits.labelLength} characters without control characters`)
}

export function parseNodeUrl(text: string): string {
  parseUrl(text, 'url')
  if (text.length <= modelLimits.urlLength) return text
  throw malformed(`longer than ${modelLimits.urlLength} characters`)
}

export function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text.toLowerCase())
  if (level !== undefined) return level
  throw malformed(
    `${JSON.stringify(text)} is not a log level${didYouMean(text, logLevels, `; there are ${logLevels.join(', ')}`)}`,
  )
}

export function parseSwitch(text: string): boolean {
  if (/^(true|1|yes|on)$/i.test(text)) return true
  if (/^(false|0|no|off)$/i.test(text)) return false
  throw malformed(`${JSON.stringify(text)} is neither true nor false`)
}

export function parseShare(text: string): number {
  const share = Number(text)
  if (share >= 0 && share <= 1) return share
  throw malformed(`${JSON.stringify(text)} is not a number from 0 to 1`)
}

/** Each is a connection, of which HTTP takes some thousands. */
const mostWatchers = 2048

export function parseMaxWatchers(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= mostWatchers) return count
  throw malformed(`${JSON.stringify(text)} is not a whole number from 1 to ${mostWatchers}`)
}

/** Beyond it is no memory of anybody's. */
const mostCopies_mib = 1024 * 1024

export function parseCopiesMib(text: string): number {
  const mib = Number(text)
  if (/^\d+$/.test(text) && mib >= 16 && mib <= mostCopies_mib) return mib
  throw malformed(`${JSON.stringify(text)} is not a whole number of MiB from 16 to ${mostCopies_mib}`)
}

export function readClusterKey(file: string): Uint8Array {
  const path = resolve(file)
  const content = readSecretFile(path, `rollcall keygen ${path} makes one`)
  if (isClusterKey(content)) return new Uint8Array(content)
  throw malformed(`${path} does not hold a cluster key; rollcall keygen FILE makes one`)
}

/** Whether this is the content of a cluster key file. */
export function isClusterKey(content: Uint8Array): boolean {
  const lines = Buffer.from(content).toString('latin1').trimEnd().split(/\r?\n/)
  return lines.length === 3 && lines[0] === '/key/swarm/psk/1.0.0/'
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

function malformed(message: string): RegistryError {
  return new RegistryError('malformed', message)
}
