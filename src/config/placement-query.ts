/**
 * How room is asked for: in the query of a url, in the options of a call.
 */
import { type PlacementQuery, parsePlacement, placementFields } from '../core/lookup/placement.js'
import { refuseUnknown } from './nearest.js'

/** @throws RegistryError `malformed`, naming the option */
export function placementOfOptions(options: object = {}): PlacementQuery {
  refuseUnknown(options, [...placementFields, 'signal'], 'option')
  return parsePlacement(options as Readonly<Record<string, unknown>>)
}

/** @throws RegistryError `malformed`, naming the parameter */
export function placementOfQuery({ count, ...others }: Readonly<Record<string, unknown>>): PlacementQuery {
  const isNumber = typeof count === 'string' && /^\d{1,9}$/.test(count)
  return parsePlacement({ ...others, ...(count !== undefined && { count: isNumber ? Number(count) : count }) })
}

export function queryOfPlacement({ count, ...others }: PlacementQuery): Record<string, string> {
  return { ...others, count: String(count) }
}
