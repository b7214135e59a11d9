/**
 * Which instances a name of a service gives: those that a pick may choose, where each of them is called.
 */
import { type Pool, type Pools, type Reading, candidatesOf } from '../core/lookup/candidates.js'
import { dnsNameOf } from '../core/model/dns-name.js'
import { defaultWeight } from '../core/model/traits.js'
import { isOfItsNode, urlParts } from '../core/model/url.js'
import type { InstanceView } from '../core/views.js'
import { familyOf, isHostName, type ServiceMeaning } from './names.js'
import type { RegisterView } from './view.js'

/** One that may be called, as records of the DNS tell it. */
export interface Callable {
  /** A name or an address, without brackets. */
  readonly host: string
  /** Absent where the url names none, nor its scheme. */
  readonly port?: number
  readonly weight: number
  /** Only where nobody else is left: it has no weight. */
  readonly isSpared: boolean
  readonly isHome: boolean
}

const reading: Reading<InstanceView> = { of: (view) => view, whereabouts: () => ({}), here: () => ({}) }

/**
 * In no particular order.
 * @param needs `port`: those with one, the weightless ones as well, which SRV can tell apart; `address`: as a pick would
 */
export function callablesOf(meaning: ServiceMeaning, needs: 'port' | 'address', view: RegisterView): Callable[] {
  const places = new Map<InstanceView, Callable>()
  const isFit = (one: InstanceView): boolean => {
    const place = fits(one, meaning) ? placeOf(one, meaning.port, view) : undefined
    if (place === undefined || (needs === 'port' && place.port === undefined)) return false
    places.set(one, place)
    return true
  }
  const pools = poolsOf(meaning.slug, view).map((pool) => ({ ...pool, listed: pool.listed.filter(isFit) }))
  const chosen = candidatesOf(pools, {}, reading)?.ones ?? []
  const spared = needs === 'port' ? candidatesOf(pools.map(sparedOf), {}, reading)?.ones : undefined
  return [...new Set([...chosen, ...(spared ?? [])])].map((one) => places.get(one) as Callable)
}

/** Of all slugs that share the name, as if they were one. */
function poolsOf(name: string, view: RegisterView): Pools<InstanceView> {
  const all = view.slugs(name).flatMap((slug) => view.listed(slug)?.pools ?? [])
  const together = (inDoubt: boolean): Pool<InstanceView>[] => {
    const pools = all.filter((pool) => pool.inDoubt === inDoubt)
    if (pools.length < 2) return pools
    const avoided = new Set(pools.flatMap((pool) => [...(pool.avoided ?? [])]))
    return [{ listed: pools.flatMap(({ listed }) => listed), inDoubt, ...(avoided.size > 0 && { avoided }) }]
  }
  return [...together(false), ...together(true)]
}

function sparedOf(pool: Pool<InstanceView>): Pool<InstanceView> {
  return { ...pool, listed: pool.listed.filter(({ weight }) => weight === 0) }
}

/** The names of tags and ports that the records of a service have, shown or not. */
export interface Parts {
  readonly tags: ReadonlySet<string>
  readonly ports: ReadonlySet<string>
}

export function partsOf(name: string, view: RegisterView): Parts {
  const [tags, ports] = [new Set<string>(), new Set<string>()]
  const records = view.slugs(name).flatMap((slug) => view.records(slug))
  for (const record of records) {
    for (const tag of record.tags ?? []) tags.add(tag)
    for (const port of Object.keys(record.ports ?? {})) ports.add(port)
  }
  return { tags: named(tags), ports: named(ports) }
}

function named(all: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...all].flatMap((one) => dnsNameOf(one) ?? []))
}

function fits(
  { tags = [], ports = {} }: Pick<InstanceView, 'tags' | 'ports'>,
  { tag, port }: { readonly tag?: string | undefined; readonly port?: string | undefined },
): boolean {
  if (tag !== undefined && !tags.some((one) => dnsNameOf(one) === tag)) return false
  return port === undefined || portNamed(ports, port) !== undefined
}

function portNamed(ports: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.entries(ports).find(([one]) => dnsNameOf(one) === name)?.[1]
}

/** Undefined where nobody gets there by a record: no host that can be named, or another machine's loopback. */
function placeOf(one: InstanceView, port: string | undefined, view: RegisterView): Callable | undefined {
  const place = placeOfUrl(one.url)
  const isHome = view.isHome(one.id)
  if (place === undefined || (!isHome && isOfItsNode(one.url))) return undefined
  const called = port === undefined ? place.port : portNamed(one.ports ?? {}, port)
  const weight = one.weight ?? defaultWeight
  return { host: place.host, ...(called !== undefined && { port: called }), weight, isSpared: weight === 0, isHome }
}

/**
 * Where a url leads, its port also by its scheme; undefined where the DNS cannot name that host.
 * @returns the host in small letters, without a dot at its end
 */
export function placeOfUrl(url: string): { readonly host: string; readonly port?: number } | undefined {
  let parts: ReturnType<typeof urlParts>
  try {
    parts = urlParts(url, {})
  } catch {
    return undefined
  }
  const { host = '', port } = parts
  if (familyOf(host) === undefined && !isHostName(host)) return undefined
  return { host: host.replace(/\.$/, '').toLowerCase(), ...(port !== undefined && port > 0 && { port }) }
}
