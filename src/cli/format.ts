/**
 * How values look on a terminal: tables without borders, ages in words, `-` for what is absent. It neither asks nor prints.
 */
import Table from 'cli-table3'

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string | undefined
  /** Where the terminal is too narrow its middle may be left out, as of ids and addresses. */
  readonly shrinks?: boolean
}

const gap = 2
const narrowest = 12

/** No borders: they cost width, and text that is selected and pasted should be the text. */
const noBorders = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((part) => [part, '']),
)

/**
 * @param width of the terminal; absent where the output is no terminal, and nothing is left out
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width?: number): string {
  const cells = rows.map((row) => columns.map(({ cell }) => plain(cell(row) ?? '')))
  const widths = columns.map(({ head }, i) => Math.max(head.length, ...cells.map((row) => row[i]!.length)))
  if (width !== undefined) shrink(widths, columns, width)
  const table = new Table({
    head: columns.map(({ head }) => head),
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
  })
  for (const row of cells) table.push(row.map((text, i) => shorten(text, widths[i]!)))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** Takes what is too much from the widest of the columns that may shrink, again and again. */
function shrink(widths: number[], columns: readonly Column<never>[], width: number): void {
  const total = (): number => widths.reduce((sum, each) => sum + each + gap, -gap)
  for (let excess = total() - width; excess > 0; excess = total() - width) {
    const candidates = widths.map((each, i) => (columns[i]!.shrinks === true && each > narrowest ? each : 0))
    const widest = candidates.indexOf(Math.max(...candidates))
    if (candidates[widest] === 0) return
    widths[widest]! -= 1
  }
}

/** Both ends tell ids and addresses apart, the end better than the beginning. */
function shorten(text: string, width: number): string {
  if (text.length <= width) return text
  const tail = Math.ceil((width - 1) * 0.6)
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`
}

/** Text of others, in one cell: no control characters, which terminals obey. */
export function plain(text: string): string {
  const harmless = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ').trim()
  return harmless === '' ? '-' : harmless
}

/** `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`: two figures are enough. */
export function formatAge(age_ms: number | undefined): string | undefined {
  if (age_ms === undefined) return undefined
  const seconds = Math.max(0, age_ms) / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 100) return `${Math.round(seconds)} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

export function formatAgo(age_ms: number | undefined): string | undefined {
  const age = formatAge(age_ms)
  return age === undefined ? undefined : `${age} ago`
}

/** The age of an RFC 3339 moment by this machine's clock. */
export function ageOf(moment: string | undefined, now = Date.now()): number | undefined {
  const then = moment === undefined ? NaN : Date.parse(moment)
  return Number.isNaN(then) ? undefined : Math.max(0, now - then)
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** power
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[power]}`
}

export function formatPercent(percent: number | undefined): string | undefined {
  return percent === undefined ? undefined : `${Math.round(percent)} %`
}
