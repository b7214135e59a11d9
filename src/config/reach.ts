/**
 * How far an address of this machine leads: one rule for all that tell others where it is. It asks nobody whether that is so.
 */
import { isIPv4 } from 'node:net'
import { isOfItsNode, shownUrl } from '../core/model/url.js'
import type { MemberView } from '../core/views.js'
import { interfaces, type Interfaces } from './interfaces.js'
import { isLoopback } from './values.js'

/**
 * Who gets here by an address: other machines, or those on the same cable alone, or only the containers and virtual machines of this
 * one, or only itself. An IPv4 link-local address is what a machine gives itself while nobody leases it one, often on a port that
 * nothing is plugged into; it stays when the lease has come.
 */
export type Reach = 'others' | 'cable' | 'guests' | 'itself' | 'nobody'

/** Bridges that a container engine or a hypervisor makes for its guests. Others, such as br0, br-lan and br-ex, are the way out. */
const guestBridges = /^(docker|br-[0-9a-f]{12}$|virbr|cni|podman|lxc)/

/** All that this machine has. */
export function ownAddresses(known: Interfaces = interfaces()): string[] {
  return Object.values(known).flatMap((list) => (list ?? []).map(({ address }) => address))
}

export function reachOf(host: string, known: Interfaces): Reach {
  if (isLinkLocal(host)) return 'nobody'
  if (isLoopback(host)) return 'itself'
  const found = Object.entries(known).find(([, list]) => list?.some(({ address }) => address === host))
  if (found === undefined) return 'others'
  const [name, list] = found
  // A further address of the loopback interface may be routed to it, or be this machine's secret.
  const isInternal = list?.some(({ address, internal }) => address === host && internal) === true
  if (isInternal || guestBridges.test(name)) return 'guests'
  return host.startsWith('169.254.') ? 'cable' : 'others'
}

/** From the widest to none. */
const widths: readonly Reach[] = ['others', 'cable', 'guests', 'itself', 'nobody']

export function leadsFurther(one: string, other: string, known: Interfaces): boolean {
  return widths.indexOf(reachOf(one, known)) < widths.indexOf(reachOf(other, known))
}

/** Whether other machines get here by it, if only those on the same cable. */
export function leadsOut(host: string, known: Interfaces): boolean {
  const reach = reachOf(host, known)
  return reach === 'others' || reach === 'cable'
}

/** What is worth telling others, best first: loopback only where there is nothing else, since it leads them to themselves. */
export function bestFirst<T>(all: readonly T[], hostOf: (one: T) => string, known: Interfaces = interfaces()): T[] {
  const those = (reach: Reach): T[] => all.filter((one) => reachOf(hostOf(one), known) === reach)
  const outside = [...those('others'), ...those('cable'), ...those('guests')]
  return outside.length > 0 ? outside : those('itself')
}

/** The address by which others are told of something on this machine: IPv4 where both lead as far, loopback where there is nothing else. */
export function hostForOthers(known: Interfaces = interfaces()): string {
  const addresses = ownAddresses(known)
  const sorted = [...addresses.filter(isIPv4), ...addresses.filter((address) => !isIPv4(address))]
  return bestFirst(sorted, (address) => address, known)[0] ?? '127.0.0.1'
}

/**
 * What is to be said of an instance that others cannot call; undefined where they can, or where there are none.
 * @param others how many other members there are
 */
export function warningOfReach(url: string, others: number, host = hostForOthers()): string | undefined {
  if (others === 0 || !isOfItsNode(url)) return undefined
  const whom = others === 1 ? 'the other member' : `the ${others} other members`
  const wayOut = isLoopback(host)
    ? 'an address of this machine that they reach'
    : `one that they reach, such as ${host}`
  return `${shownUrl(url)} means something else on each machine, so that callers at ${whom} do not get there: register ${wayOut}`
}

/** How many members there are besides the one that is asked, but for those that are gone. */
export function otherMembers(members: readonly Pick<MemberView, 'self' | 'state'>[]): number {
  return members.filter(({ self, state }) => !self && state !== 'left' && state !== 'dead').length
}

/** Needs a zone to be dialled, and a zone means something else on every machine. */
function isLinkLocal(host: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(host)
}
