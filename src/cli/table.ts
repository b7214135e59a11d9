/**
 * Tables that fit the terminal. They have no borders: those cost width, and text that is selected and pasted should be the
 * text. What there is no room for is left out in the order that the columns declare, and named below where it had something to
 * say.
 */
import stringWidth from 'string-width'
import { plain } from './format.js'
import { createPaint, type Paint, type Tone } from './paint.js'

/** How wide the output is, and whether it has colours. No width: a file or a pipe, which has room for everything. */
export interface Look {
  readonly width?: number
  readonly paint: Paint
}

export const plainLook: Look = { paint: createPaint(false) }

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string | undefined
  readonly tone?: (row: Row) => Tone | undefined
  /** Where the terminal is too narrow its middle may be left out, as of ids and addresses, down to so many characters. */
  readonly least?: number
  /** Where that is not enough it may go: 1 goes first. Without a number it always stays. */
  readonly drop?: number
}

interface Cell {
  readonly text: string
  readonly tone: Tone | undefined
}

interface Laid<Row> {
  readonly column: Column<Row>
  readonly cells: readonly Cell[]
  readonly width: number
}

const gap = 2
/** Below this nothing can be told apart. */
const narrowest = 12

export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], look: Look): string {
  const natural = columns.map((column) => lay(column, rows))
  const shown = look.width === undefined ? natural : fit(natural, look.width)
  const lines = [shown.map(({ column, width }) => look.paint('dim', pad(column.head, width)))]
  rows.forEach((_, i) => lines.push(shown.map((laid) => paintCell(laid, i, look.paint))))
  const missing = natural.filter((laid) => !shown.some(({ column }) => column === laid.column) && !saysNothing(laid))
  const table = lines.map((line) => trimEnd(line.join(' '.repeat(gap))))
  return [
    ...table,
    ...(missing.length === 0
      ? []
      : [
          look.paint(
            'dim',
            note(
              missing.map(({ column }) => column.head),
              look.width!,
            ),
          ),
        ]),
  ].join('\n')
}

function lay<Row>(column: Column<Row>, rows: readonly Row[]): Laid<Row> {
  const cells = rows.map((row) => ({ text: plain(column.cell(row) ?? ''), tone: column.tone?.(row) }))
  return { column, cells, width: Math.max(...[column.head, ...cells.map(({ text }) => text)].map(widthOf)) }
}

function paintCell<Row>({ cells, width }: Laid<Row>, row: number, paint: Paint): string {
  const { text, tone } = cells[row]!
  const short = shorten(text, width)
  return paint(tone, short) + ' '.repeat(Math.max(0, width - widthOf(short)))
}

/** First what says nothing goes, then what may, one by one, until the rest fits with its middles left out. */
function fit<Row>(natural: readonly Laid<Row>[], width: number): readonly Laid<Row>[] {
  let kept = natural
  for (;;) {
    const shrunk = shrink(kept, width, ({ column }) => column.least)
    if (totalOf(shrunk) <= width) return shrunk
    const next = nextToGo(kept)
    if (next === undefined)
      return shrink(kept, width, ({ column }) => (column.least === undefined ? undefined : narrowest))
    kept = kept.filter((laid) => laid !== next)
  }
}

function nextToGo<Row>(kept: readonly Laid<Row>[]): Laid<Row> | undefined {
  const rank = (laid: Laid<Row>): number => (laid.column.drop ?? Infinity) - (saysNothing(laid) ? 1000 : 0)
  const [first] = kept.filter(({ column }) => column.drop !== undefined).sort((a, b) => rank(a) - rank(b))
  return first
}

function saysNothing({ cells }: Laid<never>): boolean {
  return cells.every(({ text }) => text === '-')
}

type Least = (laid: Laid<never>) => number | undefined

/** Takes what is too much from the widest of the columns that may shrink, again and again. */
function shrink<Row>(laid: readonly Laid<Row>[], width: number, leastOf: Least): readonly Laid<Row>[] {
  const widths = laid.map((each) => each.width)
  const least = laid.map((each) => leastOf(each) ?? Infinity)
  for (let excess = totalOf(laid) - width; excess > 0; excess -= 1) {
    const candidates = widths.map((each, i) => (each > least[i]! ? each : 0))
    const widest = candidates.indexOf(Math.max(...candidates))
    if (candidates[widest] === 0) break
    widths[widest]! -= 1
  }
  return laid.map((each, i) => ({ ...each, width: widths[i]! }))
}

function totalOf(laid: readonly Laid<never>[]): number {
  return laid.reduce((sum, { width }) => sum + width + gap, -gap)
}

function note(missing: readonly string[], width: number): string {
  return shorten(`(no room for ${missing.join(', ')})`, Math.max(width, narrowest))
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** Also where the last cell ends in the code that ends its colour. */
function trimEnd(line: string): string {
  return line.replace(/ +((?:\u001b\[\d+m)*)$/, '$1')
}

/** In columns of the terminal: wide characters take two. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** Both ends tell ids and addresses apart, the end better than the beginning. */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  const letters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment)
  const tail = take(letters.toReversed(), Math.ceil((width - 1) * 0.6)).toReversed()
  const head = take(letters, width - 1 - widthOf(tail.join('')))
  return `${head.join('')}…${tail.join('')}`
}

function take(letters: readonly string[], width: number): string[] {
  let left = width
  const end = letters.findIndex((letter) => (left -= widthOf(letter)) < 0)
  return letters.slice(0, end === -1 ? letters.length : end)
}
