/**
 * The DNS door of a daemon, where it is wanted: opened with the first address, answering once there is a register behind it.
 */
import type { Config } from '../config.js'
import { canBeRead } from '../core/words/causes.js'
import type { Registry } from '../core/registry.js'
import type { Readiness } from '../core/views.js'
import type { NamedNode } from '../core/by-name.js'
import { createDnsServer } from '../dns/server.js'
import type { NodePlace, RegisterView } from '../dns/view.js'
import { createNames } from '../io/names.js'
import type { Log } from '../log.js'
import type { DoorCounts } from '../metrics/doors.js'
import type { End } from './life.js'

/** How long it holds what was found of whether it may answer: that is looked at more often than it can change. */
const readinessKept_ms = 50

export interface DnsDoor {
  /** `HOST:PORT` */
  readonly address: string
  /** What was answered to nobody, by reason. */
  dropped(): Readonly<Record<string, number>>
  /** From now on this is what is answered from. */
  serve(registry: Registry, readiness: () => Pick<Readiness, 'ready' | 'causes'>): void
}

/**
 * @param ends collects how to end it
 * @returns undefined where DNS is not to be answered
 * @throws RegistryError naming the option that has to change
 */
export async function openDns(
  config: Config,
  { log, doors, ends }: { readonly log: Log; readonly doors: DoorCounts; readonly ends: End[] },
): Promise<DnsDoor | undefined> {
  const { dns, dnsDomain: domain, dnsTtl: ttl_s } = config
  if (dns === undefined) return undefined
  const names = createNames()
  const serving: { view?: RegisterView } = {}
  const server = createDnsServer({
    ...{ ...dns, domain, ttl_s, log, lookups: doors.lookups('dns'), view: () => serving.view },
    async resolve(host) {
      const found = await names.resolve(host)
      if (found.type === 'found') return found.addresses
      return found.type === 'no such name' ? [] : undefined
    },
  })
  ends.push(
    () => names.stop(),
    () => server.stop(),
  )
  const address = await server.start()
  return {
    address,
    dropped: () => server.dropped(),
    serve(registry, readiness) {
      serving.view = viewOf(registry, readiness)
    },
  }
}

function viewOf(registry: Registry, readiness: () => Pick<Readiness, 'ready' | 'causes'>): RegisterView {
  const { read } = registry
  const { byName } = read
  let ready = { is: false, until: Number.NEGATIVE_INFINITY }
  return {
    get ready() {
      const now = performance.now()
      if (now >= ready.until) ready = { is: canBeRead(readiness()), until: now + readinessKept_ms }
      return ready.is
    },
    get degraded() {
      return read.doubt !== undefined
    },
    slugs: (name) => byName.slugs(name),
    listed: (slug) => read.listed(slug),
    records: (slug) => byName.records(slug),
    isHome: (id) => byName.isHome(id),
    nodes: (name) => byName.nodes(name).map(placeOf),
    get here() {
      const { self } = byName
      return self && placeOf(self)
    },
  }
}

function placeOf({ record: { url, addresses }, isHere }: NamedNode): NodePlace {
  return { url, addresses, isHere }
}
