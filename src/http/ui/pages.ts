/**
 * Where the pages of other daemons are, as far as their urls can be trusted to be that.
 */
import type { Known } from './held.js'

export interface Page {
  readonly name: string
  readonly href: string
  readonly isAlive: boolean
}

/** @returns undefined for what is no web address: a url is what its node says it is */
export function pageOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined
  const { protocol, host, pathname, username, password } = new URL(url)
  if ((protocol !== 'http:' && protocol !== 'https:') || username !== '' || password !== '') return undefined
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}/ui`
}

/** Of all nodes but this one, those that live first. */
export function otherPages({ members }: Known): readonly Page[] {
  const pages = members.flatMap(({ self, url, nodeId, peer, state }): Page[] => {
    const href = self ? undefined : pageOf(url)
    return href === undefined ? [] : [{ name: nodeId ?? peer, href, isAlive: state === 'alive' }]
  })
  return [...pages].sort((a, b) => Number(b.isAlive) - Number(a.isAlive) || (a.name < b.name ? -1 : 1))
}
