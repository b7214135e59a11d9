// Machines of the simulator with the metrics of a node: what passes each core is counted as a daemon counts it.
import { DoorCounts } from '../../src/metrics/doors.js'
import { Meter } from '../../src/metrics/meter.js'
import { nodeMetrics } from '../../src/metrics/node.js'
import type { Metric, Sample } from '../../src/metrics/samples.js'
import type { Machine } from '../sim/machine.js'
import { World, type WorldOptions } from '../sim/world.js'

export interface Metered {
  readonly world: World
  metrics(name: string): readonly Metric[]
  /** Of one metric, by its labels as text: `refuted`, `Healthy,check`; the empty text where it has none. */
  read(name: string, metric: string): Readonly<Record<string, number>>
}

export function metered(names: string, options: Partial<WorldOptions> & { readonly bySlug?: boolean } = {}): Metered {
  const { bySlug = false, ...others } = options
  const meters = new Map<string, Meter>()
  const meterOf = (machine: Machine): Meter => {
    const known = meters.get(machine.name)
    if (known !== undefined) return known
    const figures = {
      checkLateness_ms: (id: string) => machine.live.figures.checkLateness_ms(id),
      causeOf: (id: string) => machine.live.figures.causeOf(id),
      get obstacle() {
        return machine.live.figures.obstacle
      },
    }
    const made = new Meter({ figures, documents: [], now: () => world.now })
    meters.set(machine.name, made)
    return made
  }
  const world: World = new World({
    seed: 1,
    ...others,
    watch: (machine, _now, input, effects) => {
      if (input !== undefined) meterOf(machine).told(input)
      for (const effect of effects) meterOf(machine).asked(effect)
    },
  })
  world.startAll(...names)
  const metrics = (name: string): readonly Metric[] => {
    const machine = world.machine(name)
    return nodeMetrics({
      ...{ registry: machine.live, meter: meterOf(machine), doors: new DoorCounts(), bySlug },
      now: () => ({ now: machine.clock.at(world.now), wall: 0 }),
      readiness: () => machine.live.readiness(),
      dropped: () => machine.live.dropped(),
    })
  }
  return { world, metrics, read: (name, metric) => byLabels(metrics(name), `rollcall_${metric}`) }
}

function byLabels(metrics: readonly Metric[], name: string): Readonly<Record<string, number>> {
  const samples = metrics.find((metric) => metric.name === name)?.read() ?? []
  const keyOf = ({ metricName = name, labels }: Sample): string =>
    [metricName.slice(name.length + 1), ...Object.values(labels)].filter((part) => part !== '').join(',')
  return Object.fromEntries(samples.map((sample) => [keyOf(sample), sample.value]))
}

/** All that a node shows, of one that has just begun. */
export function silentMetrics(): readonly Metric[] {
  return metered('a').metrics('a')
}
