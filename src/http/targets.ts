/**
 * Instances as targets of Prometheus' HTTP service discovery: https://prometheus.io/docs/prometheus/latest/http_sd/
 */
import { urlEndpoint } from '../core/model/url.js'
import { type InstanceRow, atPort } from '../core/views.js'

/** One instance: Prometheus takes groups of targets with the same labels. */
export interface TargetGroup {
  readonly targets: readonly [string]
  readonly labels: Readonly<Record<string, string>>
}

/** The key of the metadata under which an instance says where its metrics are. */
export const pathKey = 'metricsPath'

const meta = '__meta_rollcall_'

/**
 * @param port the name of the port to scrape; absent: that of the url
 * @returns undefined where it has no such port
 */
export function targetOf(row: InstanceRow, port?: string): TargetGroup | undefined {
  const { url } = (port === undefined ? row : atPort(row, port)) ?? {}
  const endpoint = url === undefined ? undefined : urlEndpoint(url)
  if (url === undefined || endpoint === undefined) return undefined
  const { host } = endpoint
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return { targets: [`${bracketed}:${endpoint.port}`], labels: { ...reachedBy(row, url), ...said(row) } }
}

/** What Prometheus itself goes by. Where an instance says nothing, that of the scrape config counts. */
function reachedBy({ metadata = {} }: InstanceRow, url: string): Record<string, string> {
  const scheme = /^(https?):/i.exec(url)?.[1]?.toLowerCase()
  return { ...(scheme !== undefined && { __scheme__: scheme }), ...askedFor(metadata[pathKey]) }
}

/** Prometheus takes a `?` for a letter of the path: what is asked by name has labels of its own, one value each. */
function askedFor(said: string | undefined): Record<string, string> {
  if (said === undefined || said === '') return {}
  const [path = '', query = ''] = said.replace(/#.*$/s, '').split(/\?(.*)/s)
  const given = [...new URLSearchParams(query)].toReversed() // of two of one name the first one counts
  const parameters = given.filter(([name]) => safe(name) === name)
  const where = path === '' || path.startsWith('/') ? path : `/${path}`
  return { ...(where !== '' && { __metrics_path__: where }), ...named('__param_', parameters) }
}

/** What relabelling may go by; what is not said is no label, which is the same to Prometheus as an empty one. */
function said(row: InstanceRow): Record<string, string> {
  const { id, slug, status, nodeId, nodeUrl, zone, region, version, deploymentId, tags = [], metadata = {} } = row
  const facts = {
    ...{ id, slug, status, zone, region, version },
    ...{ node: nodeId, node_url: nodeUrl, deployment_id: deploymentId },
    // So that a tag is matched whole: .*,blue,.*
    tags: tags.length === 0 ? undefined : `,${tags.join(',')},`,
  }
  const present = Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined)
  const ofMetadata = inTurn(Object.keys(metadata)).map(
    (key) => [`metadata_${safe(key)}`, metadata[key] as string] as const,
  )
  return named(meta, [...ofMetadata, ...present])
}

function named(prefix: string, labels: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(labels.map(([name, value]) => [`${prefix}${name}`, value]))
}

/** Where several keys become one label, the same of them everywhere is the last: the one that is spelled so, if there is one. */
function inTurn(keys: readonly string[]): readonly string[] {
  const isSpelledSo = (key: string): number => Number(safe(key) === key)
  return keys.toSorted((a, b) => isSpelledSo(a) - isSpelledSo(b) || (a < b ? 1 : -1))
}

/** As a name of a label may be. */
function safe(key: string): string {
  return key.replace(/[^a-zA-Z0-9_]/g, '_')
}
