/**
 * Why an address that a door was to have cannot be had, with the way out.
 */
import { RegistryError } from '../core/model/errors.js'

/** On a machine of IPv6 alone nothing has the loopback of IPv4. */
const likely = (address: string): string => (address.startsWith('127.') ? '[::1]' : '127.0.0.1')

const failures: Readonly<Record<string, string | ((address: string) => string)>> = {
  EADDRINUSE: 'is in use by another program, perhaps another daemon; stop it, or choose another port',
  EACCES: 'needs privileges that this process lacks; choose a port above 1023',
  EADDRNOTAVAIL: (address) => `is not an address of this machine; choose one that is, such as ${likely(address)}`,
  ENOTFOUND: 'has a host that is not known; choose an address of this machine, such as 127.0.0.1',
  EAI_AGAIN: 'has a host that cannot be resolved; choose an address of this machine, such as 127.0.0.1',
}

/** `localhost` is both: which one a program means by it is not for us to know. */
export function addressesOf(host: string): readonly string[] {
  return host === 'localhost' ? ['127.0.0.1', '::1'] : [host]
}

/** Whether this machine has no such address, of a family that it has not. */
export function isMissingAddress(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}

/**
 * @param door what was to be there
 * @param option by which it is chosen, as people write it
 */
export function bindingFailure(cause: unknown, door: string, address: string, option: string): RegistryError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const known = failures[code]
  const why =
    (typeof known === 'function' ? known(address) : known) ??
    `cannot be bound (${code === '' ? String(cause) : code}); choose another`
  return new RegistryError('unavailable', `${door}: ${address} ${why} with ${option}`, { cause })
}
