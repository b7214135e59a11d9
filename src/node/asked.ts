/**
 * What a program asks of a registry in its own memory, call by call, but for what it registers or picks: that differs by who holds it.
 */
import type { CallOptions } from '../client/register.js'
import { checkFilters, indexedSlug, matches } from '../config/filters.js'
import { historyOfOptions } from '../config/history-query.js'
import { refuseUnknown, refuseUnknownFields } from '../config/nearest.js'
import { placementOfOptions } from '../config/placement-query.js'
import { parsePatch, parseStatus, patchFields } from '../core/model/act.js'
import { RegistryError } from '../core/model/errors.js'
import { frozen } from '../core/basics/frozen.js'
import { demandFresh, parseMaxAge } from '../core/lookup/freshness.js'
import { parseDefinition, parseMaintenance } from '../core/model/model.js'
import { maintainAll } from '../http/many.js'
import type { RegistryService } from '../http/service.js'
import type { RegistryAtOnce } from './interface.js'
import { wanted } from './wanted.js'
import { until, written } from './writing.js'

export interface AskedParts {
  /** Throws once there is none any more. */
  readonly service: () => RegistryService
  /** How far what is read goes. */
  readonly position: () => string
}

type Own = 'register' | 'registerSelf' | 'pick' | 'fetch' | 'createFetch' | 'call' | 'watch' | 'waitFor' | 'events'
export type Asked = Omit<RegistryAtOnce, Own>

export function askedOf(parts: AskedParts): Asked {
  return { ...writesOf(parts.service), ...listsOf(parts), ...viewsOf(parts) }
}

type Write = 'deregister' | 'update' | 'setStatus' | 'renew' | 'suspect' | `${'set' | 'end'}Maintenance${'' | 'OfAll'}`
type Remove = 'saveDefinition' | 'removeDefinition' | 'removeNode'

function writesOf(service: AskedParts['service']): Pick<Asked, Write | Remove> {
  const act: (
    id: string,
    options: Parameters<Asked['update']>[2],
    read: () => Parameters<RegistryService['act']>[1],
  ) => ReturnType<Asked['update']> = async (id, options, read) =>
    (await written(service, { options, id }, async (one) => one.act(id, read()))).held
  const now = <T>(options: CallOptions = {}, begin: () => Promise<T>): Promise<T> => until(options, begin)
  return {
    deregister: async (id, options) =>
      (await written(service, { options, id }, async (one) => one.deregister(id))).held,
    setMaintenance: async (id, reason, options) =>
      act(id, options, () => ({ type: 'maintenance', reason: parseMaintenance({ reason }) })),
    endMaintenance: async (id, options) => act(id, options, () => ({ type: 'maintenance' })),
    setMaintenanceOfAll: async (which, reason, options) =>
      now(options, async () => maintainAll(service(), which, parseMaintenance({ reason }))),
    endMaintenanceOfAll: async (which, options) => now(options, async () => maintainAll(service(), which, undefined)),
    async update(id, changes, options) {
      refuseUnknownFields(changes, patchFields)
      return act(id, options, () => ({ type: 'patch', ...parsePatch(changes) }))
    },
    async setStatus(id, status, options = {}) {
      refuseUnknown(options, ['details', 'for', 'signal'], 'option')
      const { signal, ...said } = options
      await act(id, { signal }, () => ({ type: 'status', ...parseStatus({ status, ...said }) }))
    },
    renew: async (id, options) => now(options, async () => service().act(id, { type: 'renew' })),
    suspect: async (id, options) => now(options, async () => service().suspect(id)),
    saveDefinition: async (definition, options) =>
      now(options, async () => service().saveDefinition(parseDefinition({ definition }))),
    removeDefinition: async (id, options) => now(options, async () => service().removeDefinition(id)),
    removeNode: async (url, options) => now(options, async () => service().removeNode(url)),
  }
}

function listsOf({
  service,
  position,
}: AskedParts): Pick<Asked, 'lookup' | 'instances' | 'instanceRows' | 'nodes' | 'members'> {
  const positioned = <T extends object>(answer: T): T & { readonly position: string } =>
    frozen({ ...answer, position: position() })
  return {
    lookup(slug, options = {}) {
      refuseUnknown(options, ['maxAge', 'signal'], 'option')
      options.signal?.throwIfAborted()
      const maxAge = parseMaxAge(options.maxAge)
      try {
        const [found, freshness] = [service().lookup(slug), service().freshness(slug)]
        demandFresh(slug, freshness, maxAge)
        return positioned({ ...found, ...freshness })
      } catch (error) {
        if (error instanceof RegistryError && error.code === 'not-found') return undefined
        throw error
      }
    },
    instances(query = {}, options?: CallOptions) {
      wanted(options)
      checkFilters(query)
      return positioned({
        instances: service()
          .instances(indexedSlug(query))
          .filter((view) => matches(view, query)),
      })
    },
    instanceRows(query = {}, options?: CallOptions) {
      wanted(options)
      checkFilters(query)
      return positioned({
        instances: service().instanceRows(query),
      })
    },
    nodes(ids = [], options?: CallOptions) {
      wanted(options)
      if (!Array.isArray(ids)) throw new RegistryError('malformed', 'ids: must be a list of strings')
      const isAsked = ({ id }: { readonly id: string }): boolean => ids.length === 0 || ids.includes(id)
      return positioned({ nodes: service().nodes().filter(isAsked) })
    },
    members(options?: CallOptions) {
      wanted(options)
      return positioned({ members: service().members() })
    },
  }
}

type View =
  | 'definitions'
  | 'pickNodes'
  | 'selfNode'
  | 'self'
  | 'peers'
  | 'digest'
  | 'readiness'
  | 'survey'
  | 'doctor'
  | 'history'

function viewsOf({ service }: AskedParts): Pick<Asked, View> {
  const now = (options?: CallOptions): RegistryService => {
    wanted(options)
    return service()
  }
  return {
    definitions: (options?: CallOptions) => frozen({ definitions: now(options).definitions() }),
    pickNodes(asked) {
      const query = placementOfOptions(asked)
      return frozen({ nodes: now({ signal: asked.signal }).pickNodes(query) })
    },
    selfNode: (options?: CallOptions) => frozen({ node: now(options).selfNode() }),
    self: (options?: CallOptions) => frozen(now(options).self()),
    peers: (options?: CallOptions) => frozen(now(options).peers()),
    digest: (options?: CallOptions) => frozen(now(options).digest()),
    readiness: (options?: CallOptions) => frozen(now(options).readiness()),
    doctor: async (options?: CallOptions) => frozen(await until(options ?? {}, () => now(options).doctor())),
    history: async (asked) => {
      const [query, { signal }] = [historyOfOptions(asked), asked ?? {}]
      return frozen(await until({ signal }, () => now({ signal }).history(query)))
    },
    survey: async (options?: CallOptions) => frozen(await until(options ?? {}, () => now(options).survey())),
  }
}
