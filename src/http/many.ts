/**
 * Takes many instances out of every lookup at once, or puts them back: those of a service, of a node, of a zone. Each is an act of its own,
 * of which one may fail where others succeed.
 */
import { type Which, whichFields } from '../config/filters.js'
import { refuseUnknown } from '../config/nearest.js'
import { RegistryError, messageOf } from '../core/model/errors.js'
import type { Whom } from '../core/journal/entry.js'
import type { InstanceRow, ManyResult } from '../core/views.js'
import type { RegistryService } from './service.js'

/** Acts that are under way at once. */
const atOnce = 64

/** Who asks. */
export interface Asking {
  /** Throws where he may not act for that slug. */
  readonly demand: (slug: string | undefined) => void
  /** Called for each instance of its own. */
  readonly whom: () => Whom
}

/**
 * @param reason absent: they are shown again
 * @param asking absent: the program that the node is a part of
 * @throws RegistryError `malformed` where nothing is given, `not-found` where nothing fits
 */
export async function maintainAll(
  service: RegistryService,
  which: Which,
  reason: string | undefined,
  asking?: Asking,
): Promise<ManyResult> {
  const rows = meant(service, which)
  const done: string[] = []
  const failed: { id: string; error: string }[] = []
  const act = { type: 'maintenance', ...(reason !== undefined && { reason }) } as const
  const demandOf = (id: string, slug: string | undefined): void => {
    try {
      asking?.demand(slug)
    } catch (error) {
      const name = reason === undefined ? 'end maintenance' : 'maintenance'
      service.refused({ act: name, id }, error, asking?.whom() as Whom)
      throw error
    }
  }
  const actOn = async ({ id, slug }: InstanceRow): Promise<void> => {
    try {
      demandOf(id, slug)
      await service.act(id, act, asking?.whom())
      done.push(id)
    } catch (error) {
      failed.push({ id, error: messageOf(error) })
    }
  }
  const left = rows.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const row of left) await actOn(row)
    }),
  )
  return { done: done.sort(), failed: failed.sort((a, b) => (a.id < b.id ? -1 : 1)) }
}

function meant(service: RegistryService, which: Which): readonly InstanceRow[] {
  refuseUnknown(which, whichFields, 'filter')
  const { slug, node, zone } = which
  const given = [slug, node, zone].filter((value) => value !== undefined)
  if (given.length === 0) throw new RegistryError('malformed', 'slug: missing; give slug, node or zone')
  const empty = whichFields.find((name) => which[name] === '')
  if (empty !== undefined)
    throw new RegistryError('malformed', `${empty}: is empty; name one, or each instance by its id`)
  const wrong = whichFields.find((name) => which[name] !== undefined && typeof which[name] !== 'string')
  if (wrong !== undefined) throw new RegistryError('malformed', `${wrong}: must be a string`)
  const rows = service.instanceRows({ ...(slug !== undefined && { slug }), ...(zone !== undefined && { zone }) })
  const standing = rows.filter(({ reason }) => reason !== 'removed' && reason !== 'superseded')
  const isThere = ({ nodeId, nodeUrl, owner }: InstanceRow): boolean => [nodeId, nodeUrl, owner].includes(node)
  const fitting = node === undefined ? standing : standing.filter(isThere)
  if (fitting.length > 0) return fitting
  const said = whichFields.flatMap((name) => (which[name] === undefined ? [] : [`${name} ${which[name]}`]))
  throw new RegistryError('not-found', `no instance is of ${said.join(' and ')}`)
}
