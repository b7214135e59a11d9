/**
 * Which sockets multicast DNS needs on this machine: one for each network interface, in each family that it speaks. It opens none.
 */
import { BlockList } from 'node:net'
import type { Interfaces } from '../../config/interfaces.js'
import { leadsOut } from '../../config/reach.js'
import type { MdnsView } from '../../core/views.js'

/** One way out of this machine. */
export interface Lane {
  readonly interface: string
  readonly family: MdnsView['family']
  /** Another one where the interface is another, be it of the same name. */
  readonly key: string
  /** How the operating system is told which interface is meant. */
  readonly at: string
  /** Where a question or an answer goes. */
  readonly group: string
  /** Whether a packet from that address came in by this interface, as far as that can be told: each socket hears those of all. */
  hears(address: string): boolean
}

/** Each costs a socket, and a question every minute: the first so many, those that lead to other machines first. */
const laneLimit = 64

type Address = NonNullable<Interfaces[string]>[number]

/** Loopback only where there is nothing else: the daemons of one machine hear each other on any interface. */
export function lanesOf(known: Interfaces): Lane[] {
  const all = Object.entries(known).flatMap(([name, list]) => {
    const addresses = (list ?? []).filter(({ internal }) => !internal)
    return addresses.length === 0 ? [] : [{ name, addresses }]
  })
  const isOutside = ({ addresses }: (typeof all)[number]): boolean =>
    addresses.some(({ address }) => leadsOut(address, known))
  const sorted = [...all.filter(isOutside), ...all.filter((one) => !isOutside(one))]
  const lanes = sorted.flatMap(({ name, addresses }) => lanesAt(name, addresses, known))
  if (lanes.length > 0) return lanes.slice(0, laneLimit)
  return Object.entries(known).flatMap(([name, list]) => {
    const addresses = (list ?? []).filter(({ family }) => family === 'IPv4')
    return addresses.length === 0 ? [] : lanesAt(name, addresses, known)
  })
}

function lanesAt(name: string, addresses: readonly Address[], known: Interfaces): Lane[] {
  const v4 = addresses.find(({ family }) => family === 'IPv4')
  const v6 = addresses.find(({ family }) => family === 'IPv6')
  return [...(v4 === undefined ? [] : [ip4Lane(name, v4, known)]), ...(v6 === undefined ? [] : [ip6Lane(name, v6)])]
}

function ip4Lane(name: string, { address, mac }: Address, known: Interfaces): Lane {
  const here = subnetsOf(known[name] ?? [])
  const elsewhere = subnetsOf(Object.entries(known).flatMap(([other, list]) => (other === name ? [] : (list ?? []))))
  return {
    ...{ interface: name, family: 'IPv4', key: `${name} IPv4 ${address} ${mac}`, at: address, group: '224.0.0.251' },
    hears: (from) => here.check(from) || !elsewhere.check(from),
  }
}

/** The interface is named by its index, or by its name where the system knows that; both stand in the addresses of senders. */
function ip6Lane(name: string, { mac, ...address }: Address): Lane {
  const index = 'scopeid' in address ? address.scopeid : 0
  const zone = process.platform === 'win32' ? String(index) : name
  return {
    ...{ interface: name, family: 'IPv6', key: `${name} IPv6 ${index} ${mac}` },
    ...{ at: `::%${zone}`, group: `ff02::fb%${zone}` },
    hears: (from) => {
      const [, given] = from.split('%')
      return given === undefined || given === zone
    },
  }
}

function subnetsOf(list: readonly Address[]): BlockList {
  const subnets = new BlockList()
  for (const { family, cidr } of list) {
    const [address, prefix] = cidr?.split('/') ?? []
    if (family === 'IPv4' && address !== undefined) subnets.addSubnet(address, Number(prefix), 'ipv4')
  }
  return subnets
}
