/**
 * How programs of a test register: for good, by a ttl, or themselves, each with a session of its own.
 */
import { onAbort } from '../client/aborting.js'
import { untilAborted } from '../client/pause.js'
import { type Registry, withItsProgram } from '../client/register.js'
import { readSelfOptions, selfRegistered } from '../client/self-registration.js'
import { refuseUnknownFields } from '../config/nearest.js'
import { parseRegistration, registrationFields } from '../core/model/model.js'
import type { RegistryService } from '../http/service.js'
import { drainedBy, endingOf, written } from '../node/writing.js'
import { awaitedLater } from './awaited.js'
import type { Host } from './host.js'
import type { Programs } from './programs.js'
import type { World } from './world.js'

/** As at a daemon: it stays until it is removed. */
export function registerBy(service: () => RegistryService): Registry['register'] {
  return async (registration, options) => {
    refuseUnknownFields(registration, registrationFields)
    const { said, held } = await written(service, { options }, async (one) =>
      one.register(parseRegistration(registration, 'own')),
    )
    return { ...said, ...held }
  }
}

interface SelfParts {
  readonly world: World
  readonly host: Host
  readonly programs: Programs
  readonly register: Registry['register']
  readonly asked: Pick<Registry, 'deregister' | 'setStatus'>
}

export function registerSelfBy({ world, host, programs, register, asked }: SelfParts): Registry['registerSelf'] {
  return async (registration, options) => {
    const { signal, delay_ms } = readSelfOptions(options)
    const said = withItsProgram(registration)
    const registered = await untilAborted(signal, async () =>
      said.lifetime === 'session'
        ? programs.begin(said)
        : endingOf((await register(said)).id, (id, one) => asked.deregister(id, one)),
    )
    const own = selfRegistered(registered, delay_ms, {
      register: asked,
      statusNow: () => (host.isUp ? host.live.registry.read.statusOf(registered.id)?.status : undefined),
      drain: (id, isOn, asked) => drainedBy(() => host.live.service, id, isOn, asked),
      alive: () => host.live.registry.read.alive,
      now: () => world.now,
      pause: (duration_ms, one) => pauseIn(world, duration_ms, one),
    })
    const { drain } = own
    return Object.assign(own, { drain: (given: Parameters<typeof drain>[0]) => awaitedLater(drain(given)) })
  }
}

/** As `pause` does it in the time of the machine. */
function pauseIn(world: World, duration_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (duration_ms === 0 || signal?.aborted === true) return resolve()
    const unlisten = signal && onAbort(signal, resolve)
    world.after(duration_ms, () => {
      unlisten?.()
      resolve()
    })
  })
}
