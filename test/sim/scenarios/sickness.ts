// Machines and links that are ill and not dead: loss, deafness, stalls. The healthy must not suffer for it.
import { decodeGossip } from '../../../src/core/wire/gossip.js'
import type { LinkOptions } from '../wires.js'
import { deaths, hidingTimes, hidings, longest_ms, mostFlips } from './beliefs.js'
import { type Scenario, Stage } from './stage.js'

export const loss: Scenario = {
  name: 'loss',
  what: 'half of all heartbeats and gossip is lost, everywhere, for ten minutes; then one machine is killed',
  run(options) {
    const stage = new Stage(options)
    const { world } = stage
    const since = world.now
    for (const a of stage.names) for (const b of stage.names) if (a !== b) world.wires.set(a, b, { loss: 0.5 })
    world.run(20_000)
    stage.removeMeanwhile()
    world.run(options.quick ? 40_000 : 580_000)
    const before = hidings(world, { subjects: stage.names, observers: stage.names, since })
    const victim = stage.anyOf(stage.names)
    const at = world.now
    world.crash(victim)
    world.run(12_000)
    stage.measured({
      hidden_ms: hidingTimes(world, [victim], stage.without([victim]), at),
      flips: mostFlips(before),
      healthyHidden_ms: longest_ms(before),
      healthyDead: deaths(before),
    })
    return stage.end({ hiddenMax_ms: 10_000, healthyDead: 0 })
  },
}

/** One in a hundred, and at least one. */
function sickOnes(stage: Stage, share: number): string[] {
  return stage.some(Math.max(1, Math.round(share * stage.names.length)))
}

function toAll(stage: Stage, sick: readonly string[], link: Partial<LinkOptions>): void {
  for (const to of sick) for (const from of stage.names) if (from !== to) stage.world.wires.set(from, to, link)
}

/** What the trouble of some did to them, and what it did to the others, in the eyes of these observers. */
function measure(stage: Stage, sick: readonly string[], observers: readonly string[], since: number): void {
  const { world } = stage
  const ofSick = hidings(world, { subjects: sick, observers: stage.without(sick), since })
  const ofHealthy = hidings(world, { subjects: stage.without(sick), observers, since })
  stage.measured({
    flips: mostFlips(ofSick),
    healthyHidden_ms: longest_ms(ofHealthy),
    healthyDead: deaths(ofHealthy),
  })
}

export const deafness: Scenario = {
  name: 'deafness',
  what: 'one machine in a hundred loses 80 % of what is sent to it',
  run(options) {
    const stage = new Stage(options)
    const since = stage.world.now
    const sick = sickOnes(stage, 0.01)
    toAll(stage, sick, { loss: 0.8 })
    stage.world.run(10_000)
    stage.removeMeanwhile()
    stage.world.run(options.quick ? 50_000 : 290_000)
    measure(stage, sick, stage.names, since)
    return stage.end({ flips: 2, healthyHidden_ms: 1000, healthyDead: 0 })
  },
}

export const flipping: Scenario = {
  name: 'flipping',
  what: 'nothing reaches one machine in a hundred for 20 s, then all does for 20 s, and so on',
  run(options) {
    const stage = new Stage(options)
    const since = stage.world.now
    const sick = sickOnes(stage, 0.01)
    for (let i = 0; i < (options.quick ? 2 : 8); i++) {
      toAll(stage, sick, { cut: true })
      stage.world.run(10_000)
      if (i === 0) stage.removeMeanwhile()
      stage.world.run(10_000)
      toAll(stage, sick, { cut: false })
      stage.world.run(20_000)
    }
    measure(stage, sick, stage.without(sick), since) // the deaf one must lose sight of the others, and of them alone
    // each hiding doubles the time for which it must look well: after the seventh that is more than 20 s
    return stage.end({ flips: 7, healthyHidden_ms: 1000, healthyDead: 0 })
  },
}

export const brokenLink: Scenario = {
  name: 'broken-link',
  what: 'nothing passes between two healthy machines, in both directions',
  run(options) {
    const stage = new Stage(options)
    const since = stage.world.now
    const [a, b] = stage.some(2) as [string, string]
    stage.world.cut(a, b)
    stage.world.run(10_000)
    stage.removeMeanwhile()
    stage.world.run(options.quick ? 30_000 : 110_000)
    const found = hidings(stage.world, { subjects: stage.names, observers: stage.names, since })
    stage.measured({ flips: mostFlips(found), healthyHidden_ms: longest_ms(found), healthyDead: deaths(found) })
    return stage.end({ flips: 0, healthyHidden_ms: 0, healthyDead: 0 })
  },
}

/** After waking for so long a machine may not accuse: it has not heard what it missed. */
const waking_ms = 2500

export const pauses: Scenario = {
  name: 'pauses',
  what: 'one machine in ten stops for 0.2 to 10 s, again and again',
  run(options) {
    const stage = new Stage(options)
    const { world } = stage
    const since = world.now
    const sick = sickOnes(stage, 0.1)
    const healthy = new Set(stage.without(sick))
    const wokeAt = new Map<string, number>()
    let accusations = 0
    world.wires.tap = ({ kind, from, author = '', bytes }) => {
      const woke = wokeAt.get(author)
      if (kind !== 'gossip' || from !== author || woke === undefined || world.now > woke + waking_ms) return
      const message = decodeGossip(bytes)
      if (message?.type !== 'report') return
      for (const { subject, withdrawn } of message.about)
        if (withdrawn !== true && healthy.has(subject)) accusations += 1
    }
    const due = sick.map((name) => ({ name, at: world.now }))
    const end = since + (options.quick ? 40_000 : 180_000)
    stage.removeMeanwhile()
    while (world.now < end) {
      for (const turn of due) {
        if (turn.at > world.now) continue
        const duration_ms = 200 + world.random.below(9800)
        world.pause(turn.name, duration_ms)
        wokeAt.set(turn.name, world.now + duration_ms)
        turn.at = world.now + duration_ms + 1000 + world.random.below(9000)
      }
      world.run(100)
    }
    world.run(12_000)
    world.wires.tap = undefined
    if (accusations > 0) stage.wrong(`${accusations} reports of healthy machines by machines that had just woken`)
    measure(stage, sick, stage.names, since)
    return stage.end({ healthyHidden_ms: 0, healthyDead: 0 })
  },
}
