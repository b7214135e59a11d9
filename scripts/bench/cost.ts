// What one registration costs: the processor time of all daemons while some are made, less that of the same time at rest.
import { setTimeout as sleep } from 'node:timers/promises'
import { Fleet } from './fleet.js'
import { cpuTime_ms } from './machine.js'
import { progress } from './progress.js'
import type { Row } from './report.js'
import { acceptAll } from './services/listener.js'

const rounds = 3
const rest_ms = 6000
const writing_ms = 12_000
/** Registrations a second: so few that two cores carry them, and that hardly one shares a message with the next. */
const rateOf = (size: number): number => (size < 10 ? 20 : 5)
/** Registrations before any is counted: code that has run warm is what a daemon runs that has been up for a while. */
const warming = 300
/** Until what follows from writes is over. */
const settling_ms = 2000

export async function benchCost(sizes: readonly number[]): Promise<Row[]> {
  const { url, close } = await acceptAll()
  try {
    const rows: Row[] = []
    for (const size of sizes) rows.push(await costAmong(size, url))
    return rows
  } finally {
    close()
  }
}

async function costAmong(size: number, url: string): Promise<Row> {
  const fleet = new Fleet({ watched: false })
  try {
    progress(`cost: ${size} start`)
    await fleet.growTo(size)
    await warmUp(fleet, url)
    await fleet.settle(5000)
    const costs: number[] = []
    for (let round = 0; round < rounds; round++) {
      progress(`cost: ${size} daemons, round ${round + 1} of ${rounds}`)
      costs.push(await costOfOne(fleet, url, round))
    }
    return { what: `cost: CPU of a registration at each of ${size}, with its first check`, unit: 'ms', samples: costs }
  } finally {
    await fleet.close()
  }
}

async function warmUp(fleet: Fleet, url: string): Promise<void> {
  for (let i = 0; i < warming; i++) {
    const name = fleet.names[i % fleet.names.length] as string
    await fleet.register(name, `warm-${i}`, url)
    await fleet.deregister(name, `warm-${i}`)
  }
}

/** @returns milliseconds of each daemon for each registration */
async function costOfOne(fleet: Fleet, url: string, round: number): Promise<number> {
  const resting = await sharesDuring(fleet, () => sleep(rest_ms))
  const ids: { readonly name: string; readonly id: string }[] = []
  const writing = await sharesDuring(fleet, async () => {
    for (const begun = performance.now(); performance.now() - begun < writing_ms;) {
      await sleep((1000 / rateOf(fleet.names.length)) * (0.5 + Math.random())) // in step with nothing
      const name = fleet.names[ids.length % fleet.names.length] as string
      const id = `cost-${round}-${ids.length}`
      await fleet.register(name, id, url)
      ids.push({ name, id })
    }
    await sleep(settling_ms)
  })
  for (const { name, id } of ids) await fleet.deregister(name, id)
  await sleep(settling_ms)
  return (writing.cpu_ms - (resting.cpu_ms / resting.took_ms) * writing.took_ms) / ids.length / fleet.names.length
}

async function sharesDuring(fleet: Fleet, act: () => Promise<void>): Promise<{ cpu_ms: number; took_ms: number }> {
  const used = (): number => fleet.pids().reduce((sum, pid) => sum + cpuTime_ms(pid), 0)
  const [begun, before] = [performance.now(), used()]
  await act()
  return { cpu_ms: used() - before, took_ms: performance.now() - begun }
}
