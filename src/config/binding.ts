/**
 * Why an address that a door was to have cannot be had, with the way out.
 */
import { RegistryError } from '../core/model/errors.js'

const failures: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program, perhaps another daemon; stop it, or choose another port',
  EACCES: 'needs privileges that this process lacks; choose a port above 1023',
  EADDRNOTAVAIL: 'is not an address of this machine; choose one that is, such as 127.0.0.1',
  ENOTFOUND: 'has a host that is not known; choose an address of this machine, such as 127.0.0.1',
  EAI_AGAIN: 'has a host that cannot be resolved; choose an address of this machine, such as 127.0.0.1',
}

/**
 * @param door what was to be there
 * @param option by which it is chosen, as people write it
 */
export function bindingFailure(cause: unknown, door: string, address: string, option: string): RegistryError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const why = failures[code] ?? `cannot be bound (${code === '' ? String(cause) : code}); choose another`
  return new RegistryError('unavailable', `${door}: ${address} ${why} with ${option}`, { cause })
}
