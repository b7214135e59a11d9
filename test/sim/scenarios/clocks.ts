// Clocks that jump and drift: what machines believe of each other must not depend on any wall clock, nor on equal monotonic ones.
import { World } from '../world.js'
import { deaths, hidingTimes, hidings, longest_ms } from './beliefs.js'
import { type Scenario, Stage, type StageOptions } from './stage.js'

const hour_ms = 3_600_000

/** Something of everything, always at the same times. @returns who believed what of whom, and when */
function eventful({ nodes, seed }: StageOptions, disturb: (world: World) => void): string[] {
  const world = new World({ seed, link: { delay_ms: 1, jitter_ms: 2 } })
  const names = Array.from({ length: Math.min(nodes, 20) }, (_, i) => `n${i}`)
  for (const name of names) world.start(name)
  const [a = '', b = '', c = '', d = ''] = names
  const run = (duration_ms: number): void => {
    for (const end = world.now + duration_ms; world.now < end;) {
      world.run(500)
      disturb(world)
    }
  }
  run(5000)
  for (const name of names.slice(0, 5))
    world.register(name, { id: `of-${name}`, slug: 'web', url: `http://${name}.test:1` })
  run(2000)
  world.crash(a)
  world.vanish(b)
  world.pause(c, 5000)
  world.deregister(d, `of-${d}`)
  run(12_000)
  world.start(a)
  world.partition(names.slice(0, 5), names.slice(5))
  run(12_000)
  world.heal()
  world.start(b)
  run(10_000)
  return world.trace.filter((line) => /"type":"(member|instance|instance-status|ready|refuted)"/.test(line))
}

export const clocks: Scenario = {
  name: 'clocks',
  needsContent: true,
  what: 'wall clocks jump by an hour and drift by 10 %: the trace stays the same; monotonic ones drift by 10 %: the bounds hold',
  run(options) {
    const calm = eventful(options, () => undefined)
    const jumping = eventful(options, (world) => jump(world, options.seed))
    const at = calm.findIndex((line, i) => line !== jumping[i])
    const stage = drifting(options)
    if (calm.length < 100) stage.wrong('nothing happened that could have changed')
    if (at >= 0 || calm.length !== jumping.length)
      stage.wrong(`another trace from line ${at}: ${calm[at]} became ${jumping[at]}`)
    return stage.end({ hiddenMax_ms: 3300, healthyHidden_ms: 0 })
  },
}

/** Not by the world's own chance: that would be another story. */
function jump(world: World, seed: number): void {
  let i = seed
  for (const machine of world.machines.values()) {
    i = (i * 1103515245 + 12345 + Math.round(world.now)) % 2 ** 31
    machine.wallRate = 0.9 + (i % 201) / 1000
    if (i % 7 === 0) machine.wallOffset_ms = ((i % 2001) / 1000 - 1) * hour_ms
  }
}

/** Half of the machines live faster than the others; one dies without a word. */
function drifting(options: StageOptions): Stage {
  const stage = new Stage(options)
  const { world } = stage
  const since = world.now
  stage.names.forEach((name, i) => world.setClockRate(name, i % 2 === 0 ? 0.9 : 1.1))
  world.run(20_000)
  const victim = stage.anyOf(stage.names)
  const at = world.now
  world.vanish(victim)
  stage.removeMeanwhile()
  world.run(10_000)
  const survivors = stage.without([victim])
  const wrong = hidings(world, { subjects: survivors, observers: survivors, since })
  stage.measured({
    hidden_ms: hidingTimes(world, [victim], survivors, at),
    healthyHidden_ms: longest_ms(wrong),
    healthyDead: deaths(wrong),
  })
  return stage
}
