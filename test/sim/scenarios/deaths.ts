// Machines that die: with a reset or without a word, one or half of them, for good or for a moment.
import { slowPath_ms } from '../../../src/core/membership/formulas.js'
import { deaths, hidingTimes, hidings, longest_ms, mostFlips } from './beliefs.js'
import { type Scenario, Stage, type StageOptions } from './stage.js'

/** One machine after the other ends this way, is looked for in vain, and comes back. */
function oneAfterTheOther(end: 'crash' | 'vanish', options: StageOptions): Stage {
  const stage = new Stage(options)
  const { world } = stage
  const since = world.now
  const victims = stage.some(options.quick ? 2 : 5)
  const hidden_ms: number[] = []
  for (const victim of victims) {
    const at = world.now
    world[end](victim)
    world.run(4000)
    if (victim === victims[0]) stage.removeMeanwhile()
    world.run(8000)
    hidden_ms.push(...hidingTimes(world, [victim], stage.without([victim]), at))
    world.start(victim)
    stage.untilAlive(60_000)
  }
  const wrong = hidings(world, { subjects: stage.without(victims), observers: stage.names, since })
  stage.measured({ hidden_ms, healthyHidden_ms: longest_ms(wrong), healthyDead: deaths(wrong) })
  return stage
}

export const crash: Scenario = {
  name: 'crash',
  what: 'kill -9: connections are reset, dials are refused',
  run: (options) => oneAfterTheOther('crash', options).end({ hiddenP99_ms: 500, healthyHidden_ms: 0 }),
}

export const silentDeath: Scenario = {
  name: 'silent-death',
  what: 'a machine loses power: nothing comes, and nobody is told',
  run: (options) => oneAfterTheOther('vanish', options).end({ hiddenP99_ms: 3000, healthyHidden_ms: 0 }),
}

export const halfKilled: Scenario = {
  name: 'half-killed',
  what: 'half of all machines are killed at once',
  run(options) {
    const stage = new Stage(options)
    const { world } = stage
    const victims = stage.some(Math.floor(options.nodes / 2))
    const survivors = stage.without(victims)
    const since = world.now
    for (const victim of victims) world.crash(victim)
    world.run(1000)
    stage.removeMeanwhile()
    world.run(9000)
    const hidden_ms = hidingTimes(world, victims, survivors, since)
    const wrong = hidings(world, { subjects: survivors, observers: survivors, since })
    stage.measured({ hidden_ms, healthyHidden_ms: longest_ms(wrong), healthyDead: deaths(wrong) })
    return stage.end({ hiddenMax_ms: 5000, healthyHidden_ms: 0 })
  },
}

/**
 * How long a daemon that starts again may take to be shown everywhere, and to show all others: its own start takes part of it,
 * and in large clusters most of it goes by until it has heard of everybody, for which the slow path allows twice the time.
 */
const backWithin_ms = (nodes: number): number => Math.max(5000, slowPath_ms(nodes) / 2)

const absences = [
  ['crash', 50],
  ['vanish', 300],
  ['crash', 1000],
  ['vanish', 2200],
] as const

export const restart: Scenario = {
  name: 'restart',
  what: 'a daemon ends and starts again before anybody can be sure that it is gone',
  run(options) {
    const stage = new Stage(options)
    const { world } = stage
    const since = world.now
    let slowest_ms = 0
    const victims = stage.some(4)
    for (const [i, [end, away_ms]] of absences.entries()) {
      const victim = victims[i] as string
      world[end](victim)
      world.run(away_ms)
      world.start(victim)
      slowest_ms = Math.max(slowest_ms, stage.untilAlive(60_000))
      const back = world.now
      world.run(12_000) // what was said of the former generation has had its time
      const again = hidings(world, { subjects: [victim], observers: stage.names, since: back })
      if (again.length > 0) stage.wrong(`${victim} was hidden again after its start`)
    }
    const bound_ms = backWithin_ms(options.nodes)
    if (slowest_ms > bound_ms) stage.wrong(`${slowest_ms} ms until all saw each other again, bound ${bound_ms}`)
    const found = hidings(world, { subjects: stage.names, observers: stage.names, since })
    stage.measured({ flips: mostFlips(found), healthyDead: deaths(found) })
    stage.removeMeanwhile()
    return stage.end({ flips: 1, healthyDead: 0 })
  },
}
