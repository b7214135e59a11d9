/**
 * How a program's node is written to, for as long as its caller waits. What is written is the caller's.
 */
import { untilAborted } from '../client/pause.js'
import type { CallOptions, SelfRegistration, WriteOptions } from '../client/register.js'
import { acksOfOptions } from '../config/ack-options.js'
import { callOptions } from '../config/call-options.js'
import { drain, endDrain } from '../core/model/act.js'
import { RegistryError } from '../core/model/errors.js'
import type { Held } from '../core/views.js'
import { withAcks } from '../http/acks.js'
import type { RegistryService } from '../http/service.js'

/** @throws RegistryError `malformed` for an option that there is not */
export async function until<T>(options: CallOptions, begin: () => Promise<T>): Promise<T> {
  return untilAborted(callOptions(options).signal, begin)
}

/** @param id of an instance that is registered already */
export async function written<T>(
  service: () => RegistryService,
  { options, id }: { readonly options: WriteOptions | undefined; readonly id?: string },
  write: (service: RegistryService) => Promise<T>,
): Promise<{ readonly said: T; readonly held: Held | undefined }> {
  const acks = acksOfOptions(options)
  return untilAborted(options?.signal, async () => {
    const home = id === undefined ? undefined : service().homeOf(id)
    return withAcks(service(), acks, home, () => write(service()))
  })
}

/** Says of an instance that its program is about to stop, or that it goes on. */
export async function drainedBy(
  service: () => RegistryService,
  id: string,
  isOn: boolean,
  options: WriteOptions | undefined,
): Promise<Held | undefined> {
  return (await written(service, { options, id }, async (one) => one.act(id, isOn ? drain : endDrain))).held
}

/** Registered with the program itself: taken out any number of times. */
export function endingOf(
  id: string,
  deregister: (id: string, options?: CallOptions) => Promise<unknown>,
): SelfRegistration {
  const end: SelfRegistration['end'] = async (options) => {
    await deregister(id, options).catch((error: unknown) => {
      if (!(error instanceof RegistryError && error.code === 'not-found')) throw error
    })
  }
  return { id, end, [Symbol.asyncDispose]: () => end() }
}
