/**
 * Makes plain values unchangeable, for those that are handed to callers within the same program. It copies nothing.
 */

/** The value itself; nothing in it can be changed any more. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) frozen(inner)
  return value
}
