/**
 * A table of which only those rows stand in the document that can be seen, however many there are.
 */
import { type Child, draw, type Drawn, h } from './draw.js'

export interface Column<T> {
  readonly head: string
  /** How wide it is, when it is hidden. */
  readonly class: string
  readonly cell: (row: T) => Child
}

export interface List<T> {
  /** Of its own in the document. */
  readonly id: string
  /** What it lists, for those who do not see it. */
  readonly caption: string
  /** The first one names the row, as a link where there is one. */
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string
  readonly hrefOf?: (row: T) => string | undefined
  /** By its key. */
  readonly selected?: string | undefined
  readonly empty: string
}

const phone = matchMedia('(max-width: 640px)')

/** As in the style sheet. */
function rowHeight_px(): number {
  return phone.matches ? 44 : 30
}

/** Beyond what is seen, so that who goes on by keys always finds the next row. */
const beyond = 16
/** Rows come and go by so many at once: most frames of scrolling draw nothing. */
const step = 8

/** The rows of a list as they were drawn last: those that come into sight are made then. */
interface Body {
  readonly id: string
  readonly length: number
  range: Range
  readonly rowsIn: (range: Range) => readonly Child[]
}

type Range = readonly [from: number, to: number]

const bodies = new Map<string, Body>()

export function list<T>({ id, caption, columns, rows, keyOf, hrefOf, selected, empty }: List<T>): Drawn {
  if (rows.length === 0) return h('p', { key: id, class: 'empty' }, empty)
  const height_px = rowHeight_px()
  const range = seenOf(id, rows.length, height_px)
  const row = (one: T, index: number): Drawn => {
    const key = keyOf(one)
    const href = hrefOf?.(one)
    const isSelected = key === selected
    const [first, ...others] = columns
    const name = first?.cell(one)
    const current = isSelected ? { 'aria-current': 'true' } : {}
    return h(
      'tr',
      {
        key,
        class: isSelected ? 'selected' : undefined,
        'data-index': index,
        'aria-rowindex': index + 2,
        onclick: href === undefined ? undefined : follow(href),
      },
      h('th', { scope: 'row', class: first?.class }, href === undefined ? name : h('a', { href, ...current }, name)),
      others.map((column) => h('td', { class: column.class }, h('div', {}, column.cell(one)))),
    )
  }
  const made = new Map<number, Drawn>()
  const rowAt = (index: number): Drawn => {
    const known = made.get(index) ?? row(rows[index]!, index)
    made.set(index, known)
    return known
  }
  const rowsIn = ([from, to]: Range): readonly Child[] => [
    space('above', from * height_px, columns.length),
    Array.from({ length: to - from }, (_, i) => rowAt(from + i)),
    space('below', (rows.length - to) * height_px, columns.length),
  ]
  bodies.set(id, { id, length: rows.length, range, rowsIn })
  return h(
    'table',
    { key: id, id, class: 'list', 'aria-rowcount': rows.length + 1 },
    h('caption', { class: 'unseen' }, caption),
    h(
      'thead',
      {},
      h(
        'tr',
        { 'aria-rowindex': 1 },
        columns.map(({ head, class: name }) => h('th', { scope: 'col', class: name }, head)),
      ),
    ),
    h('tbody', { id: bodyOf(id) }, rowsIn(range)),
  )
}

function bodyOf(id: string): string {
  return `${id}-rows`
}

/** Draws the rows that have come into sight since all was drawn, and nothing else. */
export function drawScrolled(): void {
  for (const body of bodies.values()) {
    const element = document.getElementById(bodyOf(body.id))
    if (element === null) {
      bodies.delete(body.id)
      continue
    }
    const range = seenOf(body.id, body.length, rowHeight_px())
    if (range[0] === body.range[0] && range[1] === body.range[1]) continue
    body.range = range
    draw(element, body.rowsIn(range))
  }
}

function space(key: string, height_px: number, columns: number): Child {
  if (height_px === 0) return undefined
  return h(
    'tr',
    { key: `\u0000${key}`, class: 'space', 'aria-hidden': 'true' },
    h('td', { colspan: columns, style: { height: `${height_px}px` } }),
  )
}

/** Which rows can be seen from where its reader is now. */
function seenOf(id: string, rows: number, height_px: number): Range {
  const body = document.getElementById(bodyOf(id))
  const top_px = body === null ? 0 : body.getBoundingClientRect().top
  const first = Math.floor((-top_px / height_px - beyond) / step) * step
  const many = Math.ceil(innerHeight / height_px) + 2 * beyond + step
  const from = Math.max(0, Math.min(first, rows - many))
  return [from, Math.min(rows, from + many)]
}

/** A click anywhere on the row; links in it lead where they say, and who marks a text is let. */
function follow(href: string): (event: Event) => void {
  return ({ target }) => {
    if ((target as Element).closest('a') !== null || getSelection()?.isCollapsed === false) return
    location.hash = href
  }
}

/** Goes on from the row that has the focus. @returns whether there was one to go to */
export function moveFocus(steps: number): boolean {
  const row = document.activeElement?.closest<HTMLElement>('tr[data-index]')
  const table = row?.closest('table') ?? document.querySelector('main table.list')
  if (table === null) return false
  const index = row === null || row === undefined ? 0 : Number(row.dataset['index']) + steps
  const link = table.querySelector<HTMLElement>(`tr[data-index="${index}"] a`)
  link?.focus()
  return link !== null
}
