// Restarts all daemons of a cluster, one after the other, while callers look up at each of them, and counts the lookups that failed.
import { setTimeout as sleep } from 'node:timers/promises'
import { allEqual, until } from '../../test/daemon/cluster.js'
import { Fleet } from '../bench/fleet.js'
import type { Row } from '../bench/report.js'
import { Callers } from './callers.js'

export interface RollingOptions {
  readonly daemons: number
  /** Between two lookups of one caller; each daemon has one. */
  readonly pause_ms: number
  /** Told after each restart. */
  readonly progress?: (restarted: number) => void
}

export interface Rolled {
  readonly restarts: number
  /** From the question to the answer, the second attempt included. */
  readonly lookups_ms: readonly number[]
  /** Whose connection ended with its daemon, so that the caller asked another one. */
  readonly askedAgain: number
  /** From the word to leave until it takes writes again. */
  readonly restarts_ms: readonly number[]
  readonly inStep_ms: number
  readonly broken: readonly string[]
}

const toldAtMost = 50

export async function rollOver({ daemons, pause_ms, progress }: RollingOptions): Promise<Rolled> {
  const fleet = new Fleet({ watched: false })
  try {
    await fleet.growTo(daemons)
    return await rollAll(fleet, pause_ms, progress)
  } finally {
    await fleet.close()
  }
}

async function rollAll(fleet: Fleet, pause_ms: number, progress: RollingOptions['progress']): Promise<Rolled> {
  const { names } = fleet
  const [broken, restarts_ms]: [string[], number[]] = [[], []]
  let [what, since] = ['the start', performance.now()]
  const onFailed = (failed: string): void => {
    if (broken.length < toldAtMost) broken.push(`${Math.round(performance.now() - since)} ms after ${what}: ${failed}`)
  }
  const callers = new Callers({ names, daemon: (name) => fleet.daemon(name), pause_ms, onFailed })
  try {
    await callers.begin()
    for (const [i, name] of names.entries()) {
      ;[what, since] = [`${name} was told to leave`, performance.now()]
      restarts_ms.push(await restart(fleet, name, callers))
      progress?.(i + 1)
    }
    await sleep(1000)
  } finally {
    await callers.end()
  }
  const inStep_ms = await allEqual(names.map((name) => fleet.daemon(name)))
  const { lookups_ms, askedAgain } = callers
  return { restarts: names.length, lookups_ms, askedAgain, restarts_ms, inStep_ms, broken }
}

/** @returns milliseconds until it takes writes again */
async function restart(fleet: Fleet, name: string, { away }: Callers): Promise<number> {
  const begun = performance.now()
  const before = fleet.daemon(name)
  await before.ask('/v1/leave', 'POST', { restart: true })
  away.add(name)
  await until(`${name} ends`, async () => before.isOver)
  await fleet.start(name)
  await until(`${name} is ready`, () => fleet.daemon(name).isReady())
  const took_ms = performance.now() - begun
  away.delete(name)
  await fleet.allList()
  return took_ms
}

export function rowsOf({ restarts, lookups_ms, askedAgain, restarts_ms, inStep_ms, broken }: Rolled): Row[] {
  return [
    { what: 'daemons restarted, one after the other', unit: '', value: String(restarts) },
    { what: 'told to leave → ready again', unit: 'ms', samples: restarts_ms },
    { what: 'lookups', unit: 'ms', samples: lookups_ms },
    { what: 'lookups asked again, of another daemon', unit: '', value: String(askedAgain) },
    { what: 'lookups that failed', unit: '', value: String(broken.length) },
    { what: 'the last restart → equal everywhere', unit: 'ms', value: String(Math.round(inStep_ms)) },
  ]
}
