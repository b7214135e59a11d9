/**
 * Which of several instances are worth picking, by their status alone. It knows neither where they come from nor who picks.
 */
import type { InstanceStatus } from '../model.js'

/** Statuses from best to worst; nobody goes beyond these unless in doubt about the whole cluster. */
const preference: readonly (readonly InstanceStatus[])[] = [['Healthy'], ['Unknown', 'Degraded']]
const lastPreference = [...preference, ['Unreachable', 'Error']] as const

/**
 * Those of the best status there is; none where all are known to be bad.
 * @param inDoubt what is listed is only last known: then even a bad one is better than nothing
 */
export function worthPicking<T>(
  listed: readonly T[],
  statusOf: (one: T) => InstanceStatus,
  inDoubt: boolean,
): readonly T[] {
  for (const statuses of inDoubt ? lastPreference : preference) {
    const best = listed.filter((one) => statuses.includes(statusOf(one)))
    if (best.length > 0) return best
  }
  return []
}
