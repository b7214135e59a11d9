/**
 * Hosts as urls name them, in one spelling. It resolves no names.
 */

/** What ends a host, or begins something else, in one reader of urls or another. */
const noPartOfHosts = /[\s/?#@\\:%<>^|[\]]/

/**
 * A host that stands alone: a name or an address, IPv6 with or without brackets.
 * @returns its one spelling, as `URL` gives it, without brackets; undefined where it is none, or is another one than is written
 */
export function readHost(text: string): string | undefined {
  const inner = /^\[(.*)\]$/.exec(text)?.[1]
  const isIpv6 = (inner ?? text).includes(':')
  if (isIpv6) return spellHost(`[${inner ?? text}]`)
  if (noPartOfHosts.test(text)) return undefined
  const host = spellHost(text)
  // 127.1, 010.0.0.1 or 0x7f000001 are addresses to some programs, and other ones, or names, to others.
  return host === undefined || (readIpv4(host) !== undefined && host !== text) ? undefined : host
}

/** The one spelling of the host of a url, as it stands there; undefined for what no url of the web can have there. */
export function spellHost(written: string): string | undefined {
  const url = `http://${written}/`
  if (written === '' || !URL.canParse(url)) return undefined
  return new URL(url).hostname.replace(/^\[|\]$/g, '')
}

/** Names that engines of containers give to the machine that they run on. */
const namesOfTheMachine: readonly string[] = [
  ...['host.docker.internal', 'gateway.docker.internal', 'host.containers.internal', 'host.lima.internal'],
  ...['host.rancher-desktop.internal', 'host.minikube.internal', 'host.k3d.internal'],
]
/** Names of the loopback interface, as they stand in `/etc/hosts` on many systems, besides `localhost` (RFC 6761). */
const namesOfLoopback: readonly string[] = [
  ...['localhost.localdomain', 'localhost4', 'localhost4.localdomain4', 'localhost6', 'localhost6.localdomain6'],
  ...['ip6-localhost', 'ip6-loopback', 'ipv6-localhost', 'ipv6-loopback'],
]

/** @param host in its one spelling */
export function isNameOfLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return name === 'localhost' || name.endsWith('.localhost') || namesOfLoopback.includes(name)
}

/** @param host in its one spelling @returns whether it is another machine wherever it is read: loopback, unspecified, link-local */
export function isOfItsMachine(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (isNameOfLoopback(name) || namesOfTheMachine.includes(name)) return true
  const bytes = readIpv4(name)
  if (bytes !== undefined) return isIpv4OfItsMachine(bytes)
  return name.includes(':') && isIpv6OfItsMachine(readIpv6(name))
}

function isIpv4OfItsMachine([a = 0, b = 0]: readonly number[]): boolean {
  return a === 127 || a === 0 || isIpv4LinkLocal([a, b])
}

/**
 * Whether an address, in any spelling, means whoever shares a cable, or serves the secrets of a machine in a cloud: link-local ones, those
 * of IPv4 within IPv6 (mapped, compatible, translated, NAT64, 6to4), and those of IPv6 at which AWS and Google do the same.
 */
export function isLinkLocal(address: string): boolean {
  const bytes = readIpv4(address)
  if (bytes !== undefined) return isIpv4LinkLocal(bytes)
  const spelled = spellHost(`[${address.replace(/%.*$/, '')}]`)
  if (spelled === undefined || !spelled.includes(':')) return false
  const groups = readIpv6(spelled)
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0, high = 0] = groups
  if ((first & 0xffc0) === 0xfe80) return true
  if (spelled === 'fd00:ec2::254' || spelled === 'fd20:ce::254') return true
  if (first === 0x2002) return isIpv4LinkLocal([second >> 8, second & 0xff])
  const isWithin = (first === 0 && second === 0) || (first === 0x64 && second === 0xff9b)
  const isLocalNat64 = first === 0x64 && second === 0xff9b && third === 1
  const isPadded = third === 0 && fourth === 0 && [0, 0xffff].includes(fifth) && [0, 0xffff].includes(sixth)
  return ((isWithin && isPadded) || isLocalNat64) && isIpv4LinkLocal([high >> 8, high & 0xff])
}

function isIpv4LinkLocal([a = 0, b = 0]: readonly number[]): boolean {
  return a === 169 && b === 254
}

/** Of an address that holds one of IPv4 (RFC 4291, 2.5.5), as `::` and `::1` do in their way, that one counts. */
function isIpv6OfItsMachine(groups: readonly number[]): boolean {
  const [first = 0, , , , , sixth = 0, high = 0, low = 0] = groups
  if ((first & 0xffc0) === 0xfe80) return true
  if (groups.slice(0, 5).some((group) => group !== 0) || (sixth !== 0 && sixth !== 0xffff)) return false
  return isIpv4OfItsMachine([high >> 8, high & 0xff, low >> 8, low & 0xff])
}

/** The bytes of an address in four parts; undefined for anything else. */
function readIpv4(host: string): readonly number[] | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(host)) return undefined
  const bytes = host.split('.').map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

/** The eight groups of an address in its one spelling, which has no IPv4 parts. */
export function readIpv6(host: string): readonly number[] {
  const groupsOf = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)))
  const [before = '', after] = host.split('::')
  const [head, tail] = [groupsOf(before), groupsOf(after ?? '')]
  return after === undefined ? head : [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

export function isIpAddress(host: string): boolean {
  return host.includes(':') || readIpv4(host) !== undefined
}

/**
 * Who an address counts for, where each gets a share: of IPv6 a customer has 2^64. One of IPv4 within IPv6, as sockets of both families
 * give it, is that of IPv4.
 */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const [plain = ''] = address.split('%')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1]
  if (mapped !== undefined) return mapped
  if (plain === '::1') return plain
  const [before = '', after] = plain.split('::')
  const groups = before.split(':')
  const missing = after === undefined ? 0 : 8 - groups.length - after.split(':').length
  return [...groups, ...new Array<string>(Math.max(0, missing)).fill('0')].slice(0, 4).join(':')
}
