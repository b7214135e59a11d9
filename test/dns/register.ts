// A register as the DNS door sees it, made of a few plain instances.
import type { Listed } from '../../src/core/lookup/chooser.js'
import { dnsNameOf } from '../../src/core/model/dns-name.js'
import type { InstanceView } from '../../src/core/views.js'
import type { Said } from '../../src/dns/answers.js'
import type { NodePlace, RegisterView } from '../../src/dns/view.js'

export interface Registered extends Partial<Omit<InstanceView, 'url'>> {
  readonly url: string
  /** Registered at another node. */
  readonly isElsewhere?: true
  /** No lookup shows it. */
  readonly isHidden?: true
}

export interface RegisterOf {
  readonly services: Readonly<Record<string, readonly Registered[]>>
  readonly nodes?: Readonly<Record<string, NodePlace>>
  readonly ready?: boolean
  readonly degraded?: boolean
}

export function registerOf({ services, nodes = {}, ready = true, degraded = false }: RegisterOf): RegisterView {
  const all = new Map(
    Object.entries(services).map(([slug, those]) => [
      slug,
      those.map((one, i) => ({ id: `${slug}-${i}`, status: 'Healthy', slug, ...one }) as InstanceView & Registered),
    ]),
  )
  const listings = new Map<string, Listed<InstanceView>>()
  for (const [slug, those] of all) {
    const listed = those.filter(({ isHidden }) => isHidden !== true)
    const living = { listed, inDoubt: false }
    listings.set(slug, {
      pools: degraded
        ? [
            { listed: [], inDoubt: false },
            { listed, inDoubt: true },
          ]
        : [living],
    })
  }
  const elsewhere = [...all.values()].flat().filter(({ isElsewhere }) => isElsewhere === true)
  return {
    ready,
    degraded,
    slugs: (name) => [...all.keys()].filter((slug) => dnsNameOf(slug) === name),
    listed: (slug) => listings.get(slug),
    records: (slug) => all.get(slug) ?? [],
    isHome: (id) => !elsewhere.some((one) => one.id === id),
    nodes: (name) => Object.entries(nodes).flatMap(([id, node]) => (id.toLowerCase() === name ? [node] : [])),
    here: Object.values(nodes).find(({ isHere }) => isHere),
  }
}

/** In one line each, sorted: what follows the name in a zone file; or what was said instead. */
export function told(said: Said): readonly string[] {
  if (said.type !== 'records') return [said.type === 'ask first' ? `ask ${said.hosts.join(' ')}` : said.type]
  return said.records
    .map((record) => {
      if (record.type === 'SRV') {
        const { priority, weight, port, target } = record.data
        return `SRV ${priority} ${weight} ${port} ${target}`
      }
      return `${record.type} ${typeof record.data === 'string' ? record.data : Object.values(record.data).join(' ')}`
    })
    .sort()
}
