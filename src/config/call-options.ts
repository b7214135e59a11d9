/**
 * What a program says of a call beside what it asks for.
 */
import { refuseUnknown } from './nearest.js'

/**
 * Nothing else goes on with the call, whatever stands in what was given.
 * @throws RegistryError `malformed`, naming the option
 */
export function callOptions(options: { readonly signal?: AbortSignal | undefined } = {}): {
  readonly signal?: AbortSignal
} {
  refuseUnknown(options, ['signal'], 'option')
  return options.signal === undefined ? {} : { signal: options.signal }
}
