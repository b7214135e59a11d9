/**
 * Writes whose caller wants to know how many nodes hold them. What is written is the caller's.
 */
import { type Acks, parseAcks } from '../core/model/acks.js'
import type { PeerId } from '../core/model/model.js'
import type { Held } from '../core/views.js'
import type { RegistryService } from './service.js'

/** @throws RegistryError `malformed`, naming the parameter */
export function acksOfQuery({ acks, ackTimeout }: Readonly<Record<string, unknown>>): Acks | undefined {
  const isNumber = typeof acks === 'string' && /^\d{1,9}$/.test(acks)
  return parseAcks({ acks: isNumber ? Number(acks) : acks, ackTimeout })
}

/**
 * Written, then waited for; where nobody asked for that, only written.
 * @param home of an instance that is registered already
 */
export async function withAcks<T>(
  service: RegistryService,
  acks: Acks | undefined,
  home: PeerId | undefined,
  write: () => Promise<T>,
): Promise<{ readonly said: T; readonly held: Held | undefined }> {
  const said = await write()
  return { said, held: acks && { acks: await service.holders(acks, home) } }
}
