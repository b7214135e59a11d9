// What a scenario came to: figures, the bounds that they must keep, and how the runs of many seeds become one row.

/** Figures of one run, or of several. Absent: the scenario does not measure it. */
export interface Figures {
  /** From a death to its being hidden, one for each survivor. */
  readonly hidden_ms?: readonly number[]
  /** The most times that one machine hid one other that lived. */
  readonly flips?: number
  /** The longest time that a healthy machine was hidden. */
  readonly healthyHidden_ms?: number
  /** How often a healthy machine was called dead. */
  readonly healthyDead?: number
  /** Acknowledged writes that are not there at the end. */
  readonly lost?: number
  /** From the end of the trouble to all machines' being alive for each other. */
  readonly alive_ms?: number
  /** The same to equal content. */
  readonly equal_ms?: number
  /** Heartbeat frames, and their bytes, that one machine sends in a second of quiet. */
  readonly beats?: number
  readonly beatBytes?: number
}

export interface Outcome {
  readonly figures: Figures
  /** One line for each bound that was not kept. */
  readonly broken: readonly string[]
  /** The last lines of the trace. */
  readonly story: string
}

/** What a scenario promises. Times in milliseconds. */
export interface Bounds {
  readonly hiddenP99_ms?: number
  readonly hiddenMax_ms?: number
  readonly flips?: number
  readonly healthyHidden_ms?: number
  readonly healthyDead?: number
  readonly lost?: number
  readonly alive_ms?: number
  readonly equal_ms?: number
}

const names = {
  flips: 'flips',
  healthyHidden_ms: 'ms that a healthy machine was hidden',
  healthyDead: 'healthy machines called dead',
  lost: 'acknowledged writes lost',
  alive_ms: 'ms until all were alive again',
  equal_ms: 'ms until all held the same',
} as const

/** The bounds that these figures exceed; a figure that was promised and not measured is one of them. */
export function exceeded(figures: Figures, bounds: Bounds): string[] {
  const broken: string[] = []
  const hidden = figures.hidden_ms ?? []
  const mustHide = bounds.hiddenP99_ms !== undefined || bounds.hiddenMax_ms !== undefined
  if (mustHide && hidden.length === 0) broken.push('nothing was hidden that should be')
  const limits = [
    ['p99', 0.99, bounds.hiddenP99_ms],
    ['max', 1, bounds.hiddenMax_ms],
  ] as const
  for (const [name, share, limit] of limits) {
    const value = quantile(hidden, share)
    if (limit !== undefined && value > limit)
      broken.push(`hidden ${name} ${seconds(value)} s, bound ${seconds(limit)} s`)
  }
  for (const [field, name] of Object.entries(names) as [keyof typeof names, string][]) {
    const limit = bounds[field]
    const value = figures[field] ?? Number.POSITIVE_INFINITY
    if (limit !== undefined && value > limit) broken.push(`${Math.round(value)} ${name}, bound ${limit}`)
  }
  return broken
}

/** One row for several runs: all samples, and the worst of everything else. */
export function merged(runs: readonly Figures[]): Figures {
  const hidden = runs.flatMap(({ hidden_ms = [] }) => hidden_ms)
  const worst: Record<string, number> = {}
  for (const run of runs) {
    for (const [field, value] of Object.entries(run) as [string, unknown][]) {
      if (typeof value === 'number') worst[field] = Math.max(worst[field] ?? 0, value)
    }
  }
  return { ...worst, ...(hidden.length > 0 && { hidden_ms: hidden }) }
}

/** The smallest sample that is not exceeded by this share of all. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

export function seconds(ms: number): string {
  return Number.isFinite(ms) ? (ms / 1000).toFixed(2) : 'never'
}
