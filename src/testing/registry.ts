/**
 * A registry for tests, as it is seen at one node: its calls, joined from the parts by which they are made elsewhere.
 */
import { callingOf, fetchingOf } from '../client/fetching/calling.js'
import { refuseUnknown } from '../config/nearest.js'
import { checkNewsQuery } from '../config/news-filters.js'
import { pickOfOptions } from '../config/pick-query.js'
import { RegistryError } from '../core/model/errors.js'
import { parseMaxAge } from '../core/lookup/freshness.js'
import { demandFreshPick } from '../http/position.js'
import type { RegistryService } from '../http/service.js'
import { askedOf } from '../node/asked.js'
import { watchingOf } from '../node/lists.js'
import { sourceOf } from '../node/source.js'
import { awaitedLater } from './awaited.js'
import type { Host } from './host.js'
import type { TestNodeOptions, TestRegistry } from './interface.js'
import { Programs } from './programs.js'
import { registerBy, registerSelfBy } from './registering.js'
import { type World, durationFrom } from './world.js'

const nodeFields = ['nodeId', 'url', 'region', 'zone'] as const

/** @throws RegistryError `malformed`, naming the option; `conflict` */
export function registryAt(world: World, options: TestNodeOptions): TestRegistry {
  const service = (): RegistryService => host.live.service
  const register = registerBy(service)
  const programs = new Programs({ service, register, after: (delay_ms, run) => world.after(delay_ms, run) })
  const host = world.begin(describe(options), programs)
  const asked = askedOf({ service, position: () => host.live.news.position })
  return {
    ...asked,
    register,
    registerSelf: registerSelfBy({ world, host, programs, register, asked }),
    pick(slug, options) {
      const query = options === undefined ? undefined : pickOfOptions(options)
      options?.signal?.throwIfAborted()
      if (options?.maxAge !== undefined) demandFreshPick(service(), slug, parseMaxAge(options.maxAge))
      return host.live.registry.read.picked(slug, query)
    },
    ...watchingAt(host),
    ...callingAt(world, host),
    ...controlsOf(world),
  }
}

function describe(options: TestNodeOptions): Parameters<World['begin']>[0] {
  refuseUnknown(options, nodeFields, 'option')
  const isText = (value: unknown): boolean => value === undefined || (typeof value === 'string' && value !== '')
  const wrong = nodeFields.find((name) => !isText(options[name]))
  if (wrong !== undefined) throw new RegistryError('malformed', `${wrong}: must be a text that is not empty`)
  const { nodeId: id = 'test', url = `rollcall://${id}`, region, zone } = options
  return {
    id,
    url,
    ...(region !== undefined && { region }),
    ...(zone !== undefined && { availabilityZone: zone }),
  }
}

/** Loops end with the life of the node in which they began. */
function watchingAt(host: Host): Pick<TestRegistry, 'watch' | 'waitFor' | 'events'> {
  const watching = (): ReturnType<typeof watchingOf> => watchingOf(() => host.live.service, host.live.over.signal)
  return {
    watch: (slug, options) => watching().watch(slug, options),
    waitFor: (slug, options) => awaitedLater((async () => watching().waitFor(slug, options))()),
    events(query = {}) {
      checkNewsQuery(query, ['slug', 'type', 'after', 'signal'])
      const { signal, ...wanted } = query
      const over = host.live.over.signal
      return host.live.news.follow(signal === undefined ? [over] : [over, signal], wanted)
    },
  }
}

function callingAt(world: World, host: Host): ReturnType<typeof callingOf> {
  const parts = (): Host['live'] => host.live
  const source = sourceOf(() => ({ read: parts().registry.read, service: parts().service }))
  const fetching = fetchingOf(source, {
    fetch: world.services.fetch,
    now: () => world.now,
    // A call is made again without anybody's help.
    pause: async (duration_ms) => world.pass(duration_ms),
  })
  const { fetch, createFetch, call } = callingOf(fetching)
  const later =
    (one: typeof fetch): typeof fetch =>
    (input, init) =>
      awaitedLater(one(input, init))
  return {
    fetch: later(fetch),
    createFetch: (options) => later(createFetch(options)),
    call: (slug, path, init) => awaitedLater(call(slug, path, init)),
  }
}

type Controls = 'advance' | 'kill' | 'restart' | 'join' | 'handle' | 'timeout'

function controlsOf(world: World): Pick<TestRegistry, Controls> {
  return {
    advance: (duration) => world.advance(duration),
    kill: (name) => world.kill(name),
    restart: async (name) => world.restart(name),
    join: (options) => registryAt(world, options),
    handle: (url, answering) => world.services.handle(url, answering),
    timeout: (duration) => timeoutIn(world, durationFrom(duration, 'duration')),
  }
}

function timeoutIn(world: World, duration_ms: number): AbortSignal {
  const over = new AbortController()
  world.after(duration_ms, () => over.abort(new DOMException(`${duration_ms} ms have passed`, 'TimeoutError')))
  return over.signal
}
