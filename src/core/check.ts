/**
 * How the home node is to check an instance, as a registration says it: `tcp`, `http:/path`, `https:/path`, `none`. It checks nothing.
 */

export type Check =
  /** Healthy where the port accepts a connection. */
  | { readonly type: 'tcp' }
  /** Healthy where a GET of the path, on the host and port of the instance, is answered with 2xx, 3xx or 101. */
  | { readonly type: 'http' | 'https'; readonly path: string }
  /** Healthy because its owner says so. */
  | { readonly type: 'none' }

/** What a registration that says nothing means; a record never spells it out. */
export const defaultCheck = 'tcp'

/** No host in it: a check goes to where callers go. No fragment and no space: it is sent as it is written. */
const httpForm = /^(https?):(\/(?!\/)[!-"$-~]*)$/

/** @returns undefined for what is none of the forms */
export function readCheck(text: string): Check | undefined {
  if (text === 'tcp' || text === 'none') return { type: text }
  const [, type, path] = httpForm.exec(text) ?? []
  return type === undefined || path === undefined ? undefined : { type: type as 'http' | 'https', path }
}
