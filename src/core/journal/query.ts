/**
 * How it is asked what was done: the fields of such a question, each checked.
 */
import { RegistryError } from '../model/errors.js'
import { acts, textLimits } from './entry.js'
import { type JournalQuery, journalLimits } from './journal.js'

export const historyFields = ['id', 'slug', 'act', 'by', 'since', 'limit'] as const

const usualLimit = 20
const moment = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,9})?Z$/

/** What is absent, or empty, is not asked for. @throws RegistryError `malformed`, naming the field */
export function parseHistoryQuery(given: Readonly<Record<string, unknown>>): JournalQuery {
  const [id, slug, by] = (['id', 'slug', 'by'] as const).map((field) => textOf(given[field], field))
  return { id, slug, by, act: actOf(given['act']), since: sinceOf(given['since']), limit: limitOf(given['limit']) }
}

function textOf(value: unknown, field: 'id' | 'slug' | 'by'): string | undefined {
  if (value === undefined || value === '') return undefined
  const most = textLimits[field]
  if (typeof value === 'string' && value.length <= most) return value
  throw new RegistryError('malformed', `${field}: must be a string of at most ${most} characters`)
}

function actOf(value: unknown): JournalQuery['act'] {
  if (value === undefined || value === '') return undefined
  const act = acts.find((one) => one === value)
  if (act !== undefined) return act
  throw new RegistryError('malformed', `act: must be one of ${acts.join(', ')}`)
}

/** As the entries tell it, to compare by: UTC, with three digits of a second. */
function sinceOf(value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined
  const [, day, time, fraction = '.'] = (typeof value === 'string' ? moment.exec(value) : undefined) ?? []
  if (day !== undefined) return `${day}T${time}${fraction.padEnd(4, '0').slice(0, 4)}Z`
  throw new RegistryError('malformed', 'since: must be a moment in UTC, such as 2026-11-24T12:00:00Z')
}

function limitOf(value: unknown): number {
  if (value === undefined || value === '') return usualLimit
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= journalLimits.answer)
    return value as number
  throw new RegistryError('malformed', `limit: must be a whole number from 1 to ${journalLimits.answer}`)
}
