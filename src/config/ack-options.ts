/**
 * How a program asks for how many nodes hold a write, in the options of a call.
 */
import { type Acks, ackFields, parseAcks } from '../core/model/acks.js'
import { formatDuration } from '../core/model/duration.js'
import { refuseUnknown } from './nearest.js'

/** @throws RegistryError `malformed`, naming the option */
export function acksOfOptions(options: object = {}): Acks | undefined {
  refuseUnknown(options, [...ackFields, 'signal'], 'option')
  return parseAcks(options)
}

export function queryOfAcks(acks: Acks | undefined): Record<string, string> {
  return acks === undefined ? {} : { acks: String(acks.acks), ackTimeout: formatDuration(acks.patience_ms) }
}
