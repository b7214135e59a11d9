/**
 * Whether who asks a node for what it holds still wants to know.
 */
import type { CallOptions } from '../client/register.js'
import { callOptions } from '../config/call-options.js'

/** Programs that are written against `Registry` may say so of whatever they ask. @throws the signal's reason; RegistryError `malformed` */
export function wanted(options: CallOptions | undefined): void {
  callOptions(options).signal?.throwIfAborted()
}
