/**
 * What is said to a question, out of the register: records, or that there are none. It reads no bytes, waits for nobody, draws no lots.
 *
 *     not ready                                   failed: a resolver asks the next server
 *     a name of others, a transfer                refused
 *     a name that nothing has                     no such name
 *     a name that has no records of that type     nothing
 */
import type { Listed } from '../core/lookup/chooser.js'
import { isOfItsMachine } from '../core/model/host.js'
import type { InstanceView } from '../core/views.js'
import { BoundedMap } from '../core/basics/bounded-map.js'
import { type Callable, callablesOf, type Parts, partsOf, placeOfUrl } from './callable.js'
import {
  type Address,
  type Meaning,
  type ServiceMeaning,
  addressOfHost,
  familyOf,
  meaningOf,
  nameOfAddress,
  plain,
} from './names.js'
import type { FindAddresses, NodePlace, RegisterView } from './view.js'

/** The data of each type, as `dns-packet` takes it. */
export type RecordData =
  | { readonly type: 'A' | 'AAAA' | 'NS'; readonly data: string }
  | { readonly type: 'SRV'; readonly data: SrvData }
  | { readonly type: 'SOA'; readonly data: SoaData }
  | { readonly type: 'HINFO'; readonly data: { readonly cpu: string; readonly os: string } }

interface SrvData {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

interface SoaData {
  readonly mname: string
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

/** A record of the name that was asked for. */
export type ResourceRecord = RecordData & {
  readonly ttl: number
  /** The addresses of the name in it, for the additional section. */
  readonly glue?: readonly ResourceRecord[]
}

/** `empty`: known, while nothing of it is to be called. */
export type LookupResult = 'found' | 'empty' | 'unknown'

export type Said = Answered & {
  /** What came of it, where a service was looked up. */
  readonly lookup?: LookupResult
}

type Answered =
  | { readonly type: 'records'; readonly records: readonly ResourceRecord[] }
  /** The name is there, without such a record. */
  | { readonly type: 'nothing'; readonly soa: ResourceRecord }
  | { readonly type: 'no such name'; readonly soa: ResourceRecord }
  | { readonly type: 'refused' | 'failed' }
  /** Nobody has been asked yet what these names stand for. */
  | { readonly type: 'ask first'; readonly hosts: readonly string[] }

export interface ZoneOptions {
  /** Whose names are answered, in small letters. */
  readonly domain: string
  readonly ttl_s: number
}

/** For whom there is no zone transfer: the zone is never whole, and is another one at each node. */
const transfers = ['AXFR', 'IXFR']
/** A resolver asks for so many types of a name; with tags and ports that it makes up, for more. */
const kindsKept = 16
/** Of which it is known what tags and ports they have. */
const servicesKept = 256
/** How long other servers of the zone, of which there are none, would keep it. */
const zoneTimes = { refresh: 3600, retry: 600, expire: 86_400 } as const

type Listing = Listed<InstanceView>

/** What was made of a listing. */
interface Made {
  /** Those of the other slugs that share the name. */
  readonly others: readonly unknown[]
  /** By what was asked. */
  readonly kinds: BoundedMap<string, readonly Callable[]>
}

export class Zone {
  readonly #domain: string
  readonly #ttl_s: number
  /** What was made of a listing, by what was asked. */
  readonly #made = new WeakMap<Listing, Made>()
  readonly #srvsOf = new WeakMap<readonly Callable[], readonly ResourceRecord[]>()
  /** The same of addresses, where no name has to be looked for. */
  readonly #addressesAt = new WeakMap<readonly Callable[], readonly ResourceRecord[]>()
  /** By the name of the service. */
  readonly #partsIn = new WeakMap<RegisterView, BoundedMap<string, Parts & { readonly serial: number }>>()
  #lastSoa: ResourceRecord | undefined

  constructor({ domain, ttl_s }: ZoneOptions) {
    this.#domain = domain
    this.#ttl_s = ttl_s
  }

  /**
   * @param name in small letters
   * @param type as in `SRV`; `TYPE65` or anything else for those that nobody here has
   * @param serial of the zone, another one each second
   */
  answer(name: string, type: string, view: RegisterView, find: FindAddresses, serial: number): Said {
    const meaning = meaningOf(name, this.#domain)
    if (meaning.type === 'foreign' || transfers.includes(type)) return { type: 'refused' }
    if (!view.ready) return { type: 'failed' }
    const ttl = view.degraded ? 0 : this.#ttl_s
    const asking = new Asking(find)
    const soa = (): ResourceRecord => this.#soa(ttl, serial)
    const lookup = (result: LookupResult): Pick<Said, 'lookup'> => (isLookup(meaning, type) ? { lookup: result } : {})
    if (!this.#exists(meaning, view, serial)) return { type: 'no such name', soa: soa(), ...lookup('unknown') }
    // RFC 8482: whoever asks for all there is gets little, for the list would be made for an attacker's victim.
    const records =
      type === 'ANY'
        ? [{ type: 'HINFO', data: { cpu: 'RFC8482', os: '' }, ttl } as const]
        : this.#recordsOf(meaning, type, view, asking, ttl, soa)
    if (asking.hosts.length > 0) return { type: 'ask first', hosts: asking.hosts }
    if (records.length > 0) return { type: 'records', records, ...lookup('found') }
    const found = lookup(asking.hasFound ? 'found' : 'empty')
    return asking.isInDark && !asking.hasFound
      ? { type: 'failed', ...found }
      : { type: 'nothing', soa: soa(), ...found }
  }

  #recordsOf(
    meaning: Meaning,
    type: string,
    view: RegisterView,
    asking: Asking,
    ttl: number,
    soa: () => ResourceRecord,
  ): readonly ResourceRecord[] {
    switch (meaning.type) {
      case 'apex':
        if (type === 'SOA') return [soa()]
        return type === 'NS' ? [{ type, data: this.#server, ttl, glue: this.#ofServer(view, asking, ttl) }] : []
      case 'service':
        if (type === 'SRV') return this.#srvs(meaning, view, ttl)
        if (meaning.isForSrv) return []
        return ofType(type, asking, () => this.#addressesOf(meaning, view, asking, ttl))
      case 'server':
        return ofType(type, asking, () => this.#ofServer(view, asking, ttl))
      case 'node':
        return ofType(type, asking, () =>
          recordsOf(
            view.nodes(meaning.name).flatMap((node) => this.#ofNode(node, asking)),
            ttl,
          ),
        )
      case 'address':
        return ofType(type, asking, () => recordsOf([meaning.at], ttl))
      default:
        return []
    }
  }

  #addressesOf(meaning: ServiceMeaning, view: RegisterView, asking: Asking, ttl: number): readonly ResourceRecord[] {
    const callables = this.#callables(meaning, 'address', view)
    const known = this.#addressesAt.get(callables)
    if (known !== undefined) return known
    const found = callables.flatMap(({ host, isHome }) => this.#ofHost(host, isHome, view, asking))
    const records = recordsOf(found, ttl)
    if (callables.every(({ host }) => familyOf(host) !== undefined)) this.#addressesAt.set(callables, records)
    return records
  }

  #srvs(meaning: ServiceMeaning, view: RegisterView, ttl: number): readonly ResourceRecord[] {
    const callables = this.#callables(meaning, 'port', view)
    const known = this.#srvsOf.get(callables)
    if (known !== undefined) return known
    const records = distinctBy(
      callables.map((one) => this.#srv(one, ttl)),
      ({ data: { priority, port, target } }) => `${priority} ${port} ${target}`,
    )
    this.#srvsOf.set(callables, records)
    return records
  }

  #srv({ host, port = 0, weight, isSpared }: Callable, ttl: number): ResourceRecord & { readonly type: 'SRV' } {
    const at = addressOfHost(host)
    const target = at === undefined ? host : nameOfAddress(at, this.#domain)
    const data = { priority: isSpared ? 1 : 0, weight, port, target }
    return { type: 'SRV', data, ttl, ...(at !== undefined && { glue: [addressRecord(at, ttl)] }) }
  }

  /** Kept for as long as what it was made of stands: what is listed for each of the slugs that share the name. */
  #callables(meaning: ServiceMeaning, needs: 'port' | 'address', view: RegisterView): readonly Callable[] {
    const [listing, ...others] = view.slugs(meaning.slug).map((slug) => view.listed(slug))
    if (listing === undefined) return callablesOf(meaning, needs, view)
    let made = this.#made.get(listing)
    if (made === undefined || !areSame(made.others, others))
      this.#made.set(listing, (made = { others, kinds: new BoundedMap(kindsKept) }))
    const kind = `${needs} ${meaning.tag ?? ''} ${meaning.port ?? ''}`
    const known = made.kinds.get(kind)
    if (known !== undefined) return known
    const callables = callablesOf(meaning, needs, view)
    made.kinds.set(kind, callables)
    return callables
  }

  /** A url may name a node by our own name for it. Names of services lead nowhere from here: they could lead in a circle. */
  #ofHost(host: string, isHome: boolean, view: RegisterView, asking: Asking): readonly Address[] {
    const meaning = meaningOf(host, this.#domain)
    if (meaning.type === 'address') return [meaning.at]
    if (meaning.type === 'node') return view.nodes(meaning.name).flatMap((node) => this.#ofNode(node, asking))
    return meaning.type === 'foreign' ? asking.addressesOf(host, isHome) : []
  }

  /** By its url; where nobody gets anywhere by that, by where its peers find it. */
  #ofNode({ url, addresses, isHere }: NodePlace, asking: Asking): readonly Address[] {
    const host = url.startsWith('rollcall:') ? undefined : placeOfUrl(url)?.host
    const isOfOthers = host !== undefined && meaningOf(host, this.#domain).type === 'foreign'
    const found = isOfOthers ? asking.addressesOf(host, isHere) : []
    if (found.length > 0) return found
    const announced = addresses.flatMap((address) => /^\/ip[46]\/([^/%]+)\//.exec(address)?.[1] ?? [])
    return announced.flatMap((address) => asking.addressesOf(address, isHere))
  }

  #ofServer(view: RegisterView, asking: Asking, ttl: number): readonly ResourceRecord[] {
    return recordsOf(view.here === undefined ? [] : this.#ofNode(view.here, asking), ttl)
  }

  #exists(meaning: Meaning, view: RegisterView, serial: number): boolean {
    switch (meaning.type) {
      case 'nothing':
      case 'foreign':
        return false
      case 'service':
        return this.#hasService(meaning, view, serial)
      case 'branch':
        return meaning.of === undefined || view.slugs(meaning.of).length > 0
      case 'node':
        return view.nodes(meaning.name).length > 0
      case 'apex':
      case 'server':
      case 'address':
        return true
    }
  }

  /** Looked through once a second, as absence is kept: whoever makes up tags would else have each record read for each of them. */
  #hasService({ slug, tag, port }: ServiceMeaning, view: RegisterView, serial: number): boolean {
    if (view.slugs(slug).length === 0) return false
    if (tag === undefined && port === undefined) return true
    let known = this.#partsIn.get(view)
    if (known === undefined) this.#partsIn.set(view, (known = new BoundedMap(servicesKept)))
    let parts = known.get(slug)
    if (parts?.serial !== serial) known.set(slug, (parts = { ...partsOf(slug, view), serial }))
    return tag === undefined ? parts.ports.has(port as string) : parts.tags.has(tag)
  }

  get #server(): string {
    return `ns.${this.#domain}`
  }

  /** Absence is known for no longer than what is there. */
  #soa(ttl: number, serial: number): ResourceRecord {
    const last = this.#lastSoa
    if (last?.type === 'SOA' && last.ttl === ttl && last.data.serial === serial) return last
    const data = { mname: this.#server, rname: `hostmaster.${this.#domain}`, serial, ...zoneTimes, minimum: ttl }
    return (this.#lastSoa = { type: 'SOA', data, ttl })
  }
}

/** Whoever asks for IPv4 and then for IPv6 has asked twice; for other types nobody asks who wants to call. */
function isLookup(meaning: Meaning, type: string): boolean {
  if (meaning.type !== 'service') return false
  return type === 'SRV' || (!meaning.isForSrv && (type === 'A' || type === 'AAAA'))
}

/** What is found out of hosts for one answer. */
class Asking {
  readonly #find: FindAddresses
  readonly #hosts = new Set<string>()
  /** Nobody has said what one of the names stands for. */
  isInDark = false
  /** Of some family, for this type or another. */
  hasFound = false

  constructor(find: FindAddresses) {
    this.#find = find
  }

  /** Those of whom nobody has been asked yet. */
  get hosts(): readonly string[] {
    return [...this.#hosts]
  }

  /** @param isHere whether loopback leads there, which elsewhere leads to whoever asks */
  addressesOf(host: string, isHere: boolean): readonly Address[] {
    const at = addressOfHost(host)
    const found = at === undefined ? this.#find(host) : [at]
    if (found === 'unknown') this.#hosts.add(host)
    if (typeof found === 'string') this.isInDark = true
    if (typeof found === 'string') return []
    const addresses = found.map(plain)
    return isHere ? addresses : addresses.filter(({ address }) => !isOfItsMachine(address))
  }
}

function areSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, i) => one === others[i])
}

/** Addresses of the family that was asked for; of any other type there are none, and nobody is asked for them. */
function ofType(type: string, asking: Asking, find: () => readonly ResourceRecord[]): readonly ResourceRecord[] {
  if (type !== 'A' && type !== 'AAAA') return []
  const records = find()
  if (records.length > 0) asking.hasFound = true
  return records.filter((record) => record.type === type)
}

function recordsOf(addresses: readonly Address[], ttl: number): readonly ResourceRecord[] {
  return distinctBy(addresses, ({ address }) => address).map((address) => addressRecord(address, ttl))
}

function addressRecord({ address, family }: Address, ttl: number): ResourceRecord {
  return { type: family === 4 ? 'A' : 'AAAA', data: address, ttl }
}

function distinctBy<T>(all: readonly T[], keyOf: (one: T) => string): readonly T[] {
  const found = new Map<string, T>()
  for (const one of all) if (!found.has(keyOf(one))) found.set(keyOf(one), one)
  return [...found.values()]
}
