/**
 * Counters as plain values: something is counted at the cost of an addition, whether or not anybody ever asks. It knows no library, no
 * register, no format.
 */

export type Labels = Readonly<Record<string, string>>

/** One line of a metric. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
  /** Where it is another one than that of its metric, as of the buckets of a histogram. */
  readonly metricName?: string
}

export interface Metric {
  /** Whole: in base units, with its prefix. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** As it is at the moment of asking. */
  read(): readonly Sample[]
}

/** A count with its labels, to be kept by whoever counts often. */
export interface Count {
  readonly labels: Labels
  value: number
}

/** Counts by their labels, whose values are of closed sets: nothing that others say freely may become one. */
export class Counts {
  readonly #names: readonly string[]
  readonly #counts = new Map<string, Count>()

  constructor(...names: readonly string[]) {
    this.#names = names
  }

  /** @param values of the labels, in their order */
  of(...values: readonly string[]): Count {
    const key = values.join('\n')
    let count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, (count = { labels: labelled(this.#names, values), value: 0 }))
    return count
  }

  add(...values: readonly string[]): void {
    this.of(...values).value += 1
  }

  read(): readonly Sample[] {
    return [...this.#counts.values()]
  }
}

/** How long something took, or was late: how often no longer than each bound. */
export class Durations {
  readonly #labels: Labels
  readonly #bounds: readonly number[]
  /** One more than there are bounds. */
  readonly #counts: number[]
  #sum_s = 0

  /** @param bounds seconds, ascending */
  constructor(bounds: readonly number[], labels: Labels = {}) {
    this.#bounds = bounds
    this.#labels = labels
    this.#counts = [...bounds, 0].map(() => 0)
  }

  note(took_s: number): void {
    let i = 0
    while (i < this.#bounds.length && took_s > (this.#bounds[i] as number)) i += 1
    this.#counts[i] = (this.#counts[i] as number) + 1
    this.#sum_s += took_s
  }

  read(name: string): readonly Sample[] {
    const labels = this.#labels
    let count = 0
    const buckets = this.#counts.map((more, i) => {
      count += more
      const le = i < this.#bounds.length ? String(this.#bounds[i]) : '+Inf'
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum_s },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
}

/** Durations by their labels, as `Counts`. */
export class DurationsBy {
  readonly #bounds: readonly number[]
  readonly #names: readonly string[]
  readonly #all = new Map<string, Durations>()

  constructor(bounds: readonly number[], ...names: readonly string[]) {
    this.#bounds = bounds
    this.#names = names
  }

  of(...values: readonly string[]): Durations {
    const key = values.join('\n')
    let one = this.#all.get(key)
    if (one === undefined) this.#all.set(key, (one = new Durations(this.#bounds, labelled(this.#names, values))))
    return one
  }

  read(name: string): readonly Sample[] {
    return [...this.#all.values()].flatMap((one) => one.read(name))
  }
}

function labelled(names: readonly string[], values: readonly string[]): Labels {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']))
}
