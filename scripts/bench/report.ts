// What a benchmark says, and how it is shown: rows of samples or single values, as a table or as JSON.

/** Samples of one figure; or one value, where that says all. */
export type Row = { readonly what: string; readonly unit: string } & (
  | { readonly samples: readonly number[] }
  | { readonly value: string }
)

/** A row as it leaves the process. */
export interface Figures {
  readonly what: string
  readonly unit: string
  readonly n?: number
  readonly p50?: number
  readonly p99?: number
  readonly max?: number
  readonly value?: string
}

export function figuresOf(row: Row): Figures {
  const { what, unit } = row
  if ('value' in row) return { what, unit, value: row.value }
  const { samples } = row
  return { what, unit, n: samples.length, p50: quantile(samples, 0.5), p99: quantile(samples, 0.99), max: top(samples) }
}

/** The smallest sample that is not exceeded by this share of all: never a number that was not measured. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** Not `Math.max(...)`: there may be more samples than a call takes arguments. */
function top(samples: readonly number[]): number {
  return samples.reduce((most, sample) => Math.max(most, sample), Number.NEGATIVE_INFINITY)
}

/** Rates as text: of these the least is the worst, and a p99 would mislead. */
export function spread(samples: readonly number[]): string {
  return `${round(quantile(samples, 0.5))} (${round(quantile(samples, 0))} to ${round(top(samples))})`
}

const columns = ['n', 'p50', 'p99', 'max'] as const

export function table(figures: readonly Figures[]): string {
  const rows = [['', ...columns, ''], ...figures.map(cells)]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => line(row, widths)).join('\n')
}

function cells(figures: Figures): string[] {
  const numbers = columns.map((column) => (figures[column] === undefined ? '' : round(figures[column])))
  return [figures.what, ...numbers, [figures.value, figures.unit].filter(Boolean).join(' ')]
}

function line(cells: readonly string[], widths: readonly number[]): string {
  const [what = '', ...rest] = cells
  const last = rest.pop() ?? ''
  const numbers = rest.map((cell, i) => cell.padStart(widths[i + 1] ?? 0))
  return [what.padEnd(widths[0] ?? 0), ...numbers, last].join('  ').trimEnd()
}

/** Three digits are all that such figures are good for. */
export function round(figure: number): string {
  if (Math.abs(figure) >= 100) return String(Math.round(figure))
  return String(Number(figure.toPrecision(3)))
}
