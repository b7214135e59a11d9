// Many new machines at once.
import { deaths, hidings, longest_ms } from './beliefs.js'
import { type Scenario, Stage } from './stage.js'

export const joining: Scenario = {
  name: 'joining',
  what: '200 machines start at once beside those that run',
  run(options) {
    const stage = new Stage(options)
    const { world } = stage
    const since = world.now
    const joiners = Array.from({ length: options.quick ? 20 : 200 }, (_, i) => `j${String(i).padStart(3, '0')}`)
    for (const name of joiners) world.start(name)
    world.run(1000)
    stage.removeMeanwhile()
    world.run(100)
    const seen_ms = stage.untilAlive(60_000) + 1100
    world.run(10_000)
    const all = [...stage.names, ...joiners]
    const wrong = hidings(world, { subjects: all, observers: all, since })
    stage.measured({ healthyHidden_ms: longest_ms(wrong), healthyDead: deaths(wrong) })
    if (seen_ms > 30_000) stage.wrong(`${seen_ms} ms until all saw all, bound 30000`)
    return stage.end({ healthyHidden_ms: 0, healthyDead: 0 })
  },
}
