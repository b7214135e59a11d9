/**
 * Shows metrics in a register of `prom-client`, whoever's it is, for as long as what they tell of is there. A register is known by three
 * of its methods alone: that of a program may come with another copy of the library.
 */
import { RegistryError } from '../core/model/errors.js'
import type { Metric, Sample } from './samples.js'

/** A `Registry` of prom-client. */
export interface MetricsRegister {
  registerMetric(metric: object): void
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
}

/** Where the metrics of a node, or of a client, are to be shown. */
export interface MetricsOptions {
  /** A `Registry` of prom-client, of this node alone where it is for one; never the global one unless you say so. */
  readonly register: MetricsRegister
}

/** A metric as prom-client asks for it. */
class Shown {
  readonly name: string
  readonly help: string
  readonly type: Metric['type']
  readonly aggregator = 'sum'
  readonly sources = new Set<Metric>()

  constructor({ name, help, type }: Metric) {
    this.name = name
    this.help = help
    this.type = type
  }

  get(): object {
    const { name, help, type, aggregator } = this
    return { name, help, type, aggregator, values: summed([...this.sources].flatMap((source) => source.read())) }
  }

  /** What happened has happened. */
  reset(): void {}
}

function summed(samples: readonly Sample[]): readonly Sample[] {
  const sums = new Map<string, Sample>()
  for (const sample of samples) {
    const key = JSON.stringify([sample.metricName, sample.labels])
    sums.set(key, { ...sample, value: sample.value + (sums.get(key)?.value ?? 0) })
  }
  return [...sums.values()]
}

/**
 * @param mayShare several may count into one metric, as clients of one program do
 * @returns takes them out again, any number of times
 * @throws RegistryError `conflict` where one of the names is taken
 */
export function showMetrics(metrics: readonly Metric[], register: MetricsRegister, mayShare = false): () => void {
  const taken = metrics.find(({ name }) => {
    const there = register.getSingleMetric(name)
    return there !== undefined && !(mayShare && there instanceof Shown)
  })
  if (taken !== undefined)
    throw new RegistryError(
      'conflict',
      `metrics.register: has a ${taken.name} already; each node needs a register of its own, such as new Registry() of prom-client`,
    )
  for (const metric of metrics) {
    const there = register.getSingleMetric(metric.name)
    const shown = there instanceof Shown ? there : new Shown(metric)
    if (shown !== there) register.registerMetric(shown)
    shown.sources.add(metric)
  }
  return () => {
    for (const metric of metrics) {
      const shown = register.getSingleMetric(metric.name)
      if (!(shown instanceof Shown) || !shown.sources.delete(metric)) continue
      if (shown.sources.size === 0) register.removeSingleMetric(metric.name)
    }
  }
}

/** @throws RegistryError `malformed` */
export function checkMetricsOptions(given: unknown): MetricsOptions {
  const { register, ...others } = Object(given) as { register?: Partial<Record<keyof MetricsRegister, unknown>> }
  const methods = ['registerMetric', 'getSingleMetric', 'removeSingleMetric'] as const
  const isRegister = methods.every((name) => typeof register?.[name] === 'function')
  if (isRegister && Object.keys(others).length === 0) return { register: register as MetricsRegister }
  throw new RegistryError('malformed', 'metrics: must be { register }, with a Registry of prom-client')
}
