/**
 * How a program asks what was done, in the options of a call.
 */
import type { JournalQuery } from '../core/journal/journal.js'
import { historyFields, parseHistoryQuery } from '../core/journal/query.js'
import { refuseUnknown } from './nearest.js'

/** @throws RegistryError `malformed`, naming the option */
export function historyOfOptions(options: object = {}): JournalQuery {
  refuseUnknown(options, [...historyFields, 'signal'], 'option')
  return parseHistoryQuery(options as Readonly<Record<string, unknown>>)
}
