/**
 * What the page shows, as it stands in the url: a link to it shows the same to somebody else. Pure.
 */
export const views = ['services', 'reach', 'changes', 'nodes', 'definitions'] as const
export type View = (typeof views)[number]

export interface Route {
  readonly view: View
  /** What was typed into the filter. */
  readonly filter: string
  /** A slug; empty: of those that have none. */
  readonly service?: string
  readonly instance?: string
  /** By its peer id, or its label. */
  readonly node?: string
  readonly definition?: string
  /** All that is remembered, not the last hour alone. */
  readonly all?: boolean
}

const names = { filter: 'f', service: 'service', instance: 'id', node: 'node', definition: 'definition' } as const

/** @param hash as in `location.hash` */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s)
  const view = views.find((name) => name === path) ?? 'services'
  const given = new URLSearchParams(query)
  const said = Object.entries(names).flatMap(([field, name]) => {
    const value = given.get(name)
    return value === null ? [] : [[field, value] as const]
  })
  return { view, filter: '', ...Object.fromEntries(said), ...(given.get('all') === '1' && { all: true }) }
}

export function hashOf({ view, all, ...rest }: Partial<Route>): string {
  const query = new URLSearchParams()
  for (const [field, name] of Object.entries(names)) {
    const value = rest[field as keyof typeof names]
    if (value !== undefined && !(field === 'filter' && value === '')) query.set(name, value)
  }
  if (all === true) query.set('all', '1')
  const text = query.toString()
  return `#/${view ?? 'services'}${text === '' ? '' : `?${text}`}`
}
