// The simulator's speed: how much life of a cluster a second of testing buys.
import { World } from '../../test/sim/world.js'
import { progress } from './progress.js'
import { round, type Row } from './report.js'

const wall_ms = 4000
const settling_ms = 15_000

export function benchSim(): Row[] {
  return [3, 20].map((nodes) => {
    progress(`sim: ${nodes} nodes`)
    return { what: `sim: ${nodes} nodes, one write a second`, unit: 'node-minutes/s', value: round(speed(nodes)) }
  })
}

/** Virtual node-minutes in a second of ours. */
function speed(nodes: number): number {
  const world = new World({ seed: 1 })
  const names = Array.from({ length: nodes }, (_, i) => `n${i}`)
  world.startAll(...names)
  world.run(settling_ms)
  if (world.digests().size !== 1) throw new Error('the simulated cluster did not settle')
  const [virtual, begun] = [world.now, performance.now()]
  for (let i = 0; performance.now() - begun < wall_ms; i++) {
    world.register(names[i % nodes] as string, { slug: 'web', url: `http://web-${i % 500}.test:80` })
    world.run(1000)
  }
  const minutes = ((world.now - virtual) / 60_000) * nodes
  return minutes / ((performance.now() - begun) / 1000)
}
