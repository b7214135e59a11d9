// Rows of scenarios as a table for people.
import { type Figures, quantile, seconds } from './outcome.js'

export interface Row {
  readonly scenario: string
  readonly nodes: number
  readonly seeds: number
  readonly figures: Figures
  /** Seeds that broke a bound. */
  readonly failed: readonly number[]
  /** Machines of the membership plane alone: heads without content. */
  readonly plane: boolean
}

const head = [
  ['scenario', 'nodes', 'seeds', 'hidden p50', 'p99', 'max', 'flips', 'healthy hidden', 'dead', 'lost'],
  ['all alive', 'all equal', 'beats/s', 'bytes/s', 'verdict'],
].flat()

/** Times in seconds; beats and bytes per machine. */
export function table(rows: readonly Row[]): string {
  const lines = [head, ...rows.map(cells)]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n')
}

function cells({ scenario, nodes, seeds, figures, failed, plane }: Row): string[] {
  const { hidden_ms = [], flips, healthyHidden_ms, healthyDead, lost, alive_ms, equal_ms, beats, beatBytes } = figures
  const time = (ms: number | undefined): string => (ms === undefined ? '' : seconds(ms))
  const count = (value: number | undefined): string => (value === undefined ? '' : String(Math.round(value)))
  const hidden = hidden_ms.length === 0 ? ['', '', ''] : [0.5, 0.99, 1].map((share) => time(quantile(hidden_ms, share)))
  const verdict = failed.length === 0 ? 'kept' : `broken by seed ${failed.slice(0, 5).join(' ')}`
  return [
    plane ? `${scenario} (membership plane alone, heads without content)` : scenario,
    String(nodes),
    String(seeds),
    ...hidden,
    count(flips),
    time(healthyHidden_ms),
    count(healthyDead),
    count(lost),
    time(alive_ms),
    time(equal_ms),
    beats === undefined ? '' : beats.toFixed(1),
    count(beatBytes),
    verdict,
  ]
}
