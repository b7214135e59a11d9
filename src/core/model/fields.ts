/**
 * How the fields of a caller's input are read, with one wording of what is wrong for all of them. It knows no field by name.
 */
import { RegistryError } from './errors.js'

export function malformed(field: string, why: string): RegistryError {
  return new RegistryError('malformed', `${field}: ${why}`)
}

/**
 * Text that can stand in a record, a line of a log, a table.
 * @throws RegistryError `malformed`, naming the field
 */
export function boundedText(value: string, field: string, limit: number): string {
  if (value.length > limit) throw malformed(field, `longer than ${limit} characters`)
  if (!value.isWellFormed()) throw malformed(field, 'holds half of a surrogate pair')
  if (/[\u0000-\u001f\u007f]/.test(value)) throw malformed(field, 'holds a control character')
  return value
}
