/**
 * Turns views into the objects of the Registry Svc contract, with no other fields than its own: published clients refuse the
 * rest. Usage and GPU figures come from other machines, so what has the wrong type is left out. Decides nothing about
 * visibility.
 */
import type { InstanceStatus } from '../core/model.js'
import type { InstanceView, NodeView } from '../core/views.js'

type Kind = 'text' | 'integer' | 'number'
type Fields = Readonly<Record<string, Kind>>

const instanceFields = [
  'id',
  'url',
  'status',
  'slug',
  'deploymentId',
  'scheme',
  'host',
  'ip',
  'port',
  'path',
  'nodeUrl',
  'details',
  'tags',
  'lastHeartbeat',
] as const satisfies readonly (keyof InstanceView)[]

const nodeFields: Fields = { id: 'text', url: 'text', availabilityZone: 'text', region: 'text', lastHeartbeat: 'text' }
const usageFields: Fields = { used: 'integer', total: 'integer', percent: 'number' }
const processFields: Fields = { pid: 'integer', processName: 'text', memoryUsage: 'integer' }
const gpuFields: Fields = {
  id: 'text',
  intraNodeId: 'integer',
  name: 'text',
  busId: 'text',
  temperature: 'number',
  performanceState: 'text',
  powerUsage: 'number',
  powerCap: 'number',
  memoryUsage: 'integer',
  memoryTotal: 'integer',
  gpuUtilization: 'number',
  computeMode: 'text',
  cudaVersion: 'text',
}

export function showInstance(view: InstanceView): InstanceView {
  const shown: Record<string, unknown> = {}
  for (const field of instanceFields) {
    if (view[field] !== undefined) shown[field] = view[field]
  }
  return shown as unknown as InstanceView
}

export function showNode(view: NodeView): NodeView {
  const shown = keep(view, nodeFields)
  const usage = readUsage(view.usage)
  if (usage !== undefined) shown['usage'] = usage
  const gpus = view.gpus?.filter(isObject).map(showGpu)
  if (gpus !== undefined && gpus.length > 0) shown['gpus'] = gpus
  return shown as unknown as NodeView
}

function readUsage(usage: NodeView['usage']): object | undefined {
  if (!isObject(usage)) return undefined // another program may have written it
  const parts = (['cpu', 'memory', 'disk'] as const)
    .filter((part) => isObject(usage[part]))
    .map((part) => [part, keep(usage[part]!, usageFields)])
  return parts.length === 0 ? undefined : Object.fromEntries(parts)
}

function showGpu(gpu: object): object {
  const shown = keep(gpu, gpuFields)
  const { processDetails } = gpu as { processDetails?: unknown }
  if (!Array.isArray(processDetails)) return shown
  return { ...shown, processDetails: processDetails.filter(isObject).map((process) => keep(process, processFields)) }
}

/** Integers are rounded rather than lost: a client of ours that wants whole bytes does not care for the fraction. */
function keep(source: object, fields: Fields): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [field, kind] of Object.entries(fields)) {
    const value = (source as Record<string, unknown>)[field]
    if (kind === 'text' && typeof value === 'string') kept[field] = value
    if (kind !== 'text' && Number.isFinite(value))
      kept[field] = kind === 'integer' ? Math.round(value as number) : value
  }
  return kept
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** The filters of listInstances: AND-ed, exact. */
export interface InstanceFilters {
  readonly slug?: string
  readonly deploymentId?: string
  readonly host?: string
  readonly ip?: string
  readonly scheme?: string
  readonly id?: string
  readonly nodeUrl?: string
  readonly tag?: string
  readonly status?: InstanceStatus
}

const comparedFields = ['slug', 'deploymentId', 'host', 'ip', 'scheme', 'id', 'nodeUrl', 'status'] as const

/** Other parameters do not count. */
export function isFilter(name: string): boolean {
  return name === 'tag' || (comparedFields as readonly string[]).includes(name)
}

export function matches(view: InstanceView, filters: InstanceFilters): boolean {
  if (filters.tag !== undefined && !(view.tags ?? []).includes(filters.tag)) return false
  return comparedFields.every((field) => filters[field] === undefined || filters[field] === view[field])
}
