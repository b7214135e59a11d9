/**
 * Registration numbers, stamps, times: small numbers that entries are ordered by.
 */
import { RegistryError } from '../model/errors.js'
import { modelLimits } from '../model/model.js'

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < modelLimits.counter
}

/** @throws RegistryError `conflict` where some member has counted beyond all reason: nobody could read the next number */
export function oneMore(highest: number, id: string): number {
  if (highest + 1 < modelLimits.counter) return highest + 1
  throw new RegistryError(
    'conflict',
    `${JSON.stringify(id)}: a member has used up its numbers; find and remove that node, or use another id`,
  )
}

/** @param wall unix milliseconds */
export function secondsOf(wall: number): number {
  return Math.floor(wall / 1000)
}

/**
 * How far the floor in a node record runs ahead of the numbers that are used up: it is written once in so many, and skipped at a start.
 */
export const floorStep = 64
