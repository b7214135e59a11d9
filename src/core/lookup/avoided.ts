/**
 * Puts those last whom somebody does not reach himself: what is listed stays listed.
 */
import type { Pool } from './candidates.js'
import type { Listed } from './chooser.js'

const nobody: ReadonlySet<string> = new Set()

/**
 * @param avoidedOf ids of those of a pool that are to come last, beside those that do already
 * @returns the same list where there are none
 */
export function avoiding<T>(listed: Listed<T>, avoidedOf: (pool: Pool<T>) => ReadonlySet<string>): Listed<T> {
  const pools = listed.pools.map((pool) => {
    const avoided = avoidedOf(pool)
    if (avoided.size === 0) return pool
    return { ...pool, avoided: pool.avoided === undefined ? avoided : new Set([...pool.avoided, ...avoided]) }
  })
  return pools.every((pool, i) => pool === listed.pools[i]) ? listed : { pools }
}

/** Nobody where more than half of a pool would be left out: then it is not them (Envoy's panic). */
export function bearable<T>(
  { listed }: Pool<T>,
  idOf: (one: T) => string,
  leftOut: ReadonlySet<string>,
): ReadonlySet<string> {
  let count = 0
  for (const one of listed) if (leftOut.has(idOf(one))) count += 1
  return count === 0 || 2 * count > listed.length ? nobody : leftOut
}
