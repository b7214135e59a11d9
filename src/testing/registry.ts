/**
 * A registry for tests, as it is seen at one node: its calls, joined from the parts by which they are made elsewhere.
 */
import { callingOf } from '../client/fetching/calling.js'
import { pause, untilAborted } from '../client/pause.js'
import { type RegistrationRequest, type Registry, type SelfOptions, withItsProgram } from '../client/register.js'
import { readSelfOptions, selfRegistered } from '../client/self-registration.js'
import { refuseUnknown, refuseUnknownFields } from '../config/nearest.js'
import { checkNewsQuery } from '../config/news-filters.js'
import { pickOfOptions } from '../config/pick-query.js'
import { RegistryError } from '../core/errors.js'
import { parseRegistration, registrationFields } from '../core/model.js'
import type { RegistryService } from '../http/service.js'
import { askedOf } from '../node/asked.js'
import { watchingOf } from '../node/lists.js'
import { sourceOf } from '../node/source.js'
import { endingOf, written } from '../node/writing.js'
import type { Host } from './host.js'
import type { TestNodeOptions, TestRegistry } from './interface.js'
import { Programs } from './programs.js'
import { type World, durationFrom } from './world.js'

const nodeFields = ['nodeId', 'url', 'region', 'zone'] as const

/** @throws RegistryError `malformed`, naming the option; `conflict` */
export function registryAt(world: World, options: TestNodeOptions): TestRegistry {
  const service = (): RegistryService => host.live.service
  const register: Registry['register'] = async (registration, options) => {
    refuseUnknownFields(registration, registrationFields)
    const { said, held } = await written(service, { options }, async (one) =>
      one.register(parseRegistration(registration, 'own')),
    )
    return { ...said, ...held }
  }
  const programs = new Programs({ service, register, after: (delay_ms, run) => world.after(delay_ms, run) })
  const host = world.begin(describe(options), programs)
  const asked = askedOf({ service, position: () => host.live.news.position })
  return {
    ...asked,
    register,
    registerSelf: async (registration, options) =>
      registerSelf({ world, host, programs, register, asked }, registration, options),
    pick: (slug, options) => host.live.registry.read.picked(slug, options && pickOfOptions(options)),
    ...watchingAt(host),
    ...callingAt(world, host),
    ...controlsOf(world),
  }
}

function describe(options: TestNodeOptions): Parameters<World['begin']>[0] {
  refuseUnknown(options, nodeFields, 'option')
  const wrong = nodeFields.find((name) => ![undefined, 'string'].includes(options[name] && typeof options[name]))
  if (wrong !== undefined || options.nodeId === '')
    throw new RegistryError('malformed', `${wrong ?? 'nodeId'}: must be a text that is not empty`)
  const { nodeId: id = 'test', url = `rollcall://${id}`, region, zone } = options
  return {
    id,
    url,
    ...(region !== undefined && { region }),
    ...(zone !== undefined && { availabilityZone: zone }),
  }
}

interface SelfParts {
  readonly world: World
  readonly host: Host
  readonly programs: Programs
  readonly register: Registry['register']
  readonly asked: Pick<Registry, 'deregister' | 'setStatus' | 'setMaintenance'>
}

async function registerSelf(
  { world, host, programs, register, asked }: SelfParts,
  registration: RegistrationRequest,
  options?: SelfOptions,
): ReturnType<Registry['registerSelf']> {
  const { signal, delay_ms } = readSelfOptions(options)
  const said = withItsProgram(registration)
  const registered = await untilAborted(signal, async () =>
    said.lifetime === 'session'
      ? programs.begin(said)
      : endingOf((await register(said)).id, (id, one) => asked.deregister(id, one)),
  )
  return selfRegistered(registered, delay_ms, {
    register: asked,
    statusOf: (id) => (host.isUp ? host.live.registry.read.statusOf(id)?.status : undefined),
    pause: (duration_ms, one) => pauseIn(world, duration_ms, one),
  })
}

/** As `pause` does it in the time of the machine. */
function pauseIn(world: World, duration_ms: number, signal?: AbortSignal): ReturnType<typeof pause> {
  return new Promise((resolve) => {
    if (duration_ms === 0 || signal?.aborted === true) return resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
    world.after(duration_ms, resolve)
  })
}

/** Loops end with the life of the node in which they began. */
function watchingAt(host: Host): Pick<TestRegistry, 'watch' | 'waitFor' | 'events'> {
  const watching = (): ReturnType<typeof watchingOf> => watchingOf(() => host.live.service, host.live.over.signal)
  return {
    watch: (slug, options) => watching().watch(slug, options),
    waitFor: async (slug, options) => watching().waitFor(slug, options),
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
  return callingOf(source, {
    fetch: world.services.fetch,
    now: () => world.now,
    // A call is made again without anybody's help.
    pause: async (duration_ms) => world.pass(duration_ms),
  })
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
