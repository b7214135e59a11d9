/**
 * Which of several instances are worth picking, by what they are like. It knows neither where they come from nor who picks.
 */
import type { InstanceRecord, InstanceStatus } from '../model/model.js'

/** Statuses from best to worst; nobody goes beyond these unless in doubt about the whole cluster. */
const preference: readonly (readonly InstanceStatus[])[] = [['Healthy'], ['Unknown', 'Degraded']]
const lastPreference = [...preference, ['Unreachable', 'Error']] as const

/** Whether it may be picked while nobody is in doubt. */
export function isWell({ status }: Pick<InstanceRecord, 'status'>): boolean {
  return preference.some((statuses) => statuses.includes(status))
}

/**
 * Those of the best status there is; none where all are known to be bad. Those of weight 0 only where no other one is left.
 * @param inDoubt what is listed is only last known: then even a bad one is better than nothing
 */
export function worthPicking<T>(
  listed: readonly T[],
  of: (one: T) => Pick<InstanceRecord, 'status' | 'weight'>,
  inDoubt: boolean,
): readonly T[] {
  const best = bestOf(listed, of, preference)
  return best.length > 0 || !inDoubt ? best : bestOf(listed, of, lastPreference)
}

function bestOf<T>(
  listed: readonly T[],
  of: (one: T) => Pick<InstanceRecord, 'status' | 'weight'>,
  order: readonly (readonly InstanceStatus[])[],
): readonly T[] {
  for (const isSpared of [false, true]) {
    for (const statuses of order) {
      const best = listed.filter((one) => statuses.includes(of(one).status) && (of(one).weight === 0) === isSpared)
      if (best.length > 0) return best
    }
  }
  return []
}
