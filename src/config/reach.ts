/**
 * How far an address of this machine leads: one rule for all that tell others where it is. It asks nobody whether that is so.
 */
import { interfaces, type Interfaces } from './interfaces.js'
import { isLoopback } from './values.js'

/** Who gets here by an address: other machines, or only the containers and virtual machines of this one, or only itself. */
export type Reach = 'others' | 'guests' | 'itself' | 'nobody'

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
  return isInternal || guestBridges.test(name) ? 'guests' : 'others'
}

/** From the widest to none. */
const widths: readonly Reach[] = ['others', 'guests', 'itself', 'nobody']

export function leadsFurther(one: string, other: string, known: Interfaces): boolean {
  return widths.indexOf(reachOf(one, known)) < widths.indexOf(reachOf(other, known))
}

/** What is worth telling others, best first: loopback only where there is nothing else, since it leads them to themselves. */
export function bestFirst<T>(all: readonly T[], hostOf: (one: T) => string, known: Interfaces = interfaces()): T[] {
  const those = (reach: Reach): T[] => all.filter((one) => reachOf(hostOf(one), known) === reach)
  const outside = [...those('others'), ...those('guests')]
  return outside.length > 0 ? outside : those('itself')
}

/** Needs a zone to be dialled, and a zone means something else on every machine. */
function isLinkLocal(host: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(host)
}
