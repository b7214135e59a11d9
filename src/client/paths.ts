/**
 * Where a daemon is asked for what. An id that no path can carry goes into the query.
 */
import { RegistryError } from '../core/model/errors.js'
import { isNameable } from '../core/model/model.js'

/**
 * A part of a path. `fetch` would take some for steps through the path, and ask for something else.
 * @throws RegistryError `malformed` for what is no text, `not-found` for such a step
 */
export function segment(name: string): string {
  if (typeof name !== 'string') throw new RegistryError('malformed', `${String(name)}: is no name; give a text`)
  if (isNameable(name) || name === '') return encodeURIComponent(name)
  throw new RegistryError('not-found', `${JSON.stringify(name)} cannot be named in the path of a url`)
}

/** Where something is removed by its id; no path can carry some that older records have. */
export function removalOf(what: 'instance' | 'definition', id: string): string {
  return isNameable(id) || id === '' ? `/registry-svc/${what}/${segment(id)}` : `/v1/${what}s${queryString({ id })}`
}

/** Where something is done to an instance; the query names what no path can carry. */
export function actOn(id: string, what?: 'maintenance' | 'drain' | 'status' | 'renew' | 'suspect'): string {
  if (!isNameable(id) && id !== '') return `/v1/${what ?? 'instances'}${queryString({ id })}`
  return `/v1/instances/${segment(id)}${what === undefined ? '' : `/${what}`}`
}

/** With its question mark; empty where nothing is asked. */
export function queryString(query: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
