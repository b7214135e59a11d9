// The simulator's speed: how much life of a cluster a second of testing buys.
import { World } from '../../test/sim/world.js'
import { progress } from './progress.js'
import { round, type Row } from './report.js'

const measured_ms = 6000
/** Until all agree, and the code has run warm. */
const settling_ms = 120_000

export function benchSim(): Row[] {
  return [3, 20].flatMap((nodes) =>
    [false, true].map((writing) => {
      progress(`sim: ${nodes} nodes`)
      const what = `sim: ${nodes} nodes, ${writing ? 'one write a second' : 'at rest'}`
      return { what, unit: 'node-minutes a CPU second', value: round(speed(nodes, writing)) }
    }),
  )
}

/** Virtual node-minutes in a second of this process's CPU. */
function speed(nodes: number, writing: boolean): number {
  const world = new World({ seed: 1 })
  const names = Array.from({ length: nodes }, (_, i) => `n${i}`)
  world.startAll(...names)
  world.run(settling_ms)
  if (world.digests().size !== 1) throw new Error('the simulated cluster did not settle')
  const [virtual, begun] = [world.now, cpu_ms()]
  for (let i = 0; cpu_ms() - begun < measured_ms; i++) {
    if (writing) world.register(names[i % nodes] as string, instance(i))
    world.run(1000)
  }
  const minutes = ((world.now - virtual) / 60_000) * nodes
  return minutes / ((cpu_ms() - begun) / 1000)
}

/** One of so many ids, and each time at another port: registering what is registered already writes nothing. */
function instance(i: number): { id: string; slug: string; url: string } {
  const id = `web-${i % 500}`
  return { id, slug: 'web', url: `http://${id}.test:${80 + Math.floor(i / 500)}` }
}

/** Time of ours alone: what else the machine does at the moment is not counted. */
function cpu_ms(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
