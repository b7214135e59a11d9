// A cluster in pieces, and whole again: nothing that was acknowledged is lost, and no ceremony is needed.
import { recovery_ms } from '../../../src/core/basics/damping.js'
import { hidings, longest_ms, mostFlips } from './beliefs.js'
import type { Bounds } from './outcome.js'
import { type Scenario, Stage } from './stage.js'

/** After healing: all see all, and hold the same. */
const healed: Bounds = { alive_ms: 5000, equal_ms: 10_000, lost: 0 }

function thirds(names: readonly string[]): [string[], string[], string[]] {
  const cut = (i: number): number => Math.floor((names.length * i) / 3)
  return [names.slice(0, cut(1)), names.slice(cut(1), cut(2)), names.slice(cut(2))]
}

function halves(names: readonly string[]): [string[], string[]] {
  const middle = Math.floor(names.length / 2)
  return [names.slice(0, middle), names.slice(middle)]
}

/** Writes in all pieces while it lasts. */
function live(stage: Stage, perSecond: number, duration_ms: number): void {
  stage.writeFor(stage.names, perSecond, duration_ms / 2)
  stage.removeMeanwhile()
  stage.writeFor(stage.names, perSecond, duration_ms / 2)
}

export const split: Scenario = {
  name: 'split',
  what: 'two halves for a minute, 50 writes a second in each; then whole again',
  run(options) {
    const stage = new Stage(options)
    const [left, right] = halves(stage.some(options.nodes))
    stage.world.partition(left, right)
    const inTurn = left.flatMap((name, i) => [name, right[i] as string])
    const duration_ms = options.quick ? 10_000 : 60_000
    stage.writeFor(inTurn, options.quick ? 20 : 100, duration_ms / 2)
    stage.removeMeanwhile()
    stage.writeFor(inTurn, options.quick ? 20 : 100, duration_ms / 2)
    return stage.end(healed)
  },
}

export const threeWay: Scenario = {
  name: 'three-way',
  what: 'three pieces that cannot reach each other; then whole again',
  run(options) {
    const stage = new Stage(options)
    stage.world.partition(...thirds(stage.some(options.nodes)))
    live(stage, 5, options.quick ? 15_000 : 60_000)
    return stage.end(healed)
  },
}

export const oneWay: Scenario = {
  name: 'one-way',
  what: 'one half hears the other, which hears nothing of it; then whole again',
  run(options) {
    const stage = new Stage(options)
    const [left, right] = halves(stage.some(options.nodes))
    for (const from of left) for (const to of right) stage.world.wires.set(from, to, { cut: true })
    live(stage, 5, options.quick ? 15_000 : 60_000)
    return stage.end(healed)
  },
}

export const bridge: Scenario = {
  name: 'bridge',
  what: 'two halves that reach each other through one machine alone; then whole again',
  run(options) {
    const stage = new Stage(options)
    const { world } = stage
    const [middle = '', ...others] = stage.some(options.nodes)
    const since = world.now
    world.partition(...halves(others))
    live(stage, 5, options.quick ? 15_000 : 60_000)
    const ofBridge = hidings(world, { subjects: [middle], observers: others, since })
    if (ofBridge.length > 0) stage.wrong(`the bridge was hidden ${ofBridge.length} times, ${longest_ms(ofBridge)} ms`)
    // Whose observers are mostly on the other side is hidden again and again, also just before both sides hear each other, and
    // must look well for longer each time.
    const damped_ms = recovery_ms(1 + mostFlips(hidings(world, { subjects: others, observers: others, since })))
    return stage.end({ alive_ms: 5000 + damped_ms, equal_ms: 10_000 + damped_ms, lost: 0 })
  },
}
