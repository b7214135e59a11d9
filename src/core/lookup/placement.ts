/**
 * Which machines have the most room: living nodes in the order in which something new would be put on them. It puts nothing anywhere;
 * whoever asks decides what to do with the answer.
 */
import { malformed } from '../model/fields.js'
import type { NodeView, PlacedNode } from '../views.js'

export const resources = ['cpu', 'memory', 'disk', 'gpu'] as const
export type Resource = (typeof resources)[number]

export interface PlacementQuery {
  readonly by: Resource
  /** How many at the most. */
  readonly count: number
  readonly region?: string
  readonly zone?: string
}

export const placementFields = ['by', 'count', 'region', 'zone'] as const satisfies readonly (keyof PlacementQuery)[]

export const placementLimits = { count: 4096 } as const

/**
 * @param given as a program gives it; `undefined` is not given
 * @throws RegistryError `malformed`, naming the field
 */
export function parsePlacement({ by, count = 1, ...places }: Readonly<Record<string, unknown>>): PlacementQuery {
  const resource = resources.find((one) => one === by)
  if (resource === undefined) throw malformed('by', `must be one of ${resources.join(', ')}`)
  if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > placementLimits.count)
    throw malformed('count', `must be a whole number from 1 to ${placementLimits.count}`)
  const region = placeOf(places['region'], 'region')
  const zone = placeOf(places['zone'], 'zone')
  return {
    by: resource,
    count: count as number,
    ...(region !== undefined && { region }),
    ...(zone !== undefined && { zone }),
  }
}

function placeOf(value: unknown, field: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw malformed(field, 'must be a string')
}

/**
 * Those with the most room first; of equal ones the one with the fresher figure, then by id, so that every node answers alike. Those
 * without a figure come last.
 * @param nodes with how long ago the figures of each were taken, where it has any
 */
export function placementOf(
  nodes: readonly { readonly node: NodeView; readonly age_ms?: number | undefined }[],
  { by, count, region, zone }: PlacementQuery,
): PlacedNode[] {
  const isThere = ({ region: its, availabilityZone }: NodeView): boolean =>
    (region === undefined || its === region) && (zone === undefined || availabilityZone === zone)
  return nodes
    .filter(({ node }) => isThere(node))
    .map(({ node, age_ms }): PlacedNode => {
      const room = age_ms === undefined ? undefined : roomOf(node, by)
      return room === undefined || age_ms === undefined ? node : { ...node, room, roomAge_ms: age_ms }
    })
    .sort(
      (a, b) =>
        (b.room ?? -1) - (a.room ?? -1) ||
        (a.roomAge_ms ?? 0) - (b.roomAge_ms ?? 0) ||
        (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) ||
        (a.url < b.url ? -1 : 1),
    )
    .slice(0, count)
}

/** Figures come from other machines: what is none counts for nothing. */
function roomOf({ usage, gpus }: NodeView, by: Resource): number | undefined {
  if (by === 'gpu') return freestOf(gpus ?? [])
  if (by === 'cpu') return left(100, usage?.cpu?.percent)
  return left(usage?.[by]?.total, usage?.[by]?.used)
}

/** What is put on GPUs has to fit into the memory of one. */
function freestOf(gpus: readonly unknown[]): number | undefined {
  let freest: number | undefined
  for (const gpu of gpus) {
    const { memoryTotal, memoryUsage } = (gpu ?? {}) as { readonly memoryTotal?: number; readonly memoryUsage?: number }
    const free = memoryTotal === 0 ? undefined : left(memoryTotal, memoryUsage) // the driver does not tell
    if (free !== undefined) freest = Math.max(freest ?? 0, free)
  }
  return freest
}

function left(whole: number | undefined, used: number | undefined): number | undefined {
  if (!Number.isFinite(whole) || !Number.isFinite(used)) return undefined
  return Math.max(0, (whole as number) - (used as number))
}
