// Makes ten faults among five daemons on a network of their own, and keeps what people are told then: `npm run night -- kill cable`.
import { appendFile, mkdir, mkdtemp } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Diagnosis } from '../src/core/doctor/findings.js'
import { canMakeLan } from '../test/daemon/lan.js'
import { type Fault, faults, type Scene, shiftingClock } from './night/faults.js'
import { closeAll, Machines } from './night/machines.js'
import { saveTold } from './night/told.js'

/** So long a cluster has to name what is wrong, and so often it is asked. */
const [limit_ms, between_ms] = [30_000, 500]
const at = 'm1'
const sickOnes = ['m2', 'm3', 'm4', 'm5'] as const
const enough = 0.9

async function night(names: readonly string[]): Promise<void> {
  const chosen = names.length === 0 ? faults : names.map(faultByName)
  const folder = process.env['NIGHT_FOLDER'] ?? (await mkdtemp(join(tmpdir(), 'rollcall-night-')))
  await mkdir(folder, { recursive: true })
  let named = 0
  for (const fault of chosen) {
    if (fault.name === 'clock' && !existsSync(shiftingClock)) {
      process.stdout.write('clock: skipped, since the package faketime is not here\n')
      continue
    }
    const line = await tried(fault, folder)
    if (line.isNamed) named += 1
    process.stdout.write(`${fault.name}: ${line.said}\n`)
  }
  process.stdout.write(
    `${named} of ${chosen.length} are named; what was said: ${folder}, the answers: ${folder}-answers.txt\n`,
  )
  if (named < enough * chosen.length) process.exitCode = 1
}

function faultByName(name: string): Fault {
  const fault = faults.find((one) => one.name === name)
  if (fault === undefined) throw new Error(`${name}: there is ${faults.map((one) => one.name).join(', ')}`)
  return fault
}

async function tried(fault: Fault, folder: string): Promise<{ readonly isNamed: boolean; readonly said: string }> {
  const [sick, other] = shuffled(sickOnes) as [string, string]
  const machines = await Machines.open(sick, fault.starting)
  try {
    const scene: Scene = { machines, sick, other }
    await fault.make(scene)
    const named = await namedAfter_ms(fault, scene)
    const number = await nextNumber(folder)
    await appendFile(`${folder}-answers.txt`, `${number} ${fault.name}: ${fault.cause(scene)}\n`)
    await saveTold(machines, at, sick, join(folder, number))
    const said =
      named === undefined ? `not named in ${limit_ms / 1000} s` : `named after ${(named / 1000).toFixed(1)} s`
    return { isNamed: named !== undefined, said }
  } finally {
    await machines.close()
  }
}

async function namedAfter_ms(fault: Fault, scene: Scene): Promise<number | undefined> {
  const begun = performance.now()
  while (performance.now() - begun < limit_ms) {
    const { body } = await scene.machines.daemon(at).ask('/v1/doctor')
    const { findings } = JSON.parse(body) as Diagnosis
    if (findings.some((finding) => fault.isNamedBy(finding, scene))) {
      await pause(between_ms)
      return performance.now() - begun
    }
    await pause(between_ms)
  }
  return undefined
}

/** Drawn by lot, so that a number tells nothing. */
async function nextNumber(folder: string): Promise<string> {
  const numbers = Array.from({ length: 10 }, (_, i) => String(i + 1).padStart(2, '0'))
  for (const number of shuffled(numbers)) {
    const isMade = await mkdir(join(folder, number)).then(
      () => true,
      () => false,
    )
    if (isMade) return number
  }
  throw new Error(`${folder} is full: give another NIGHT_FOLDER`)
}

function shuffled<T>(all: readonly T[]): T[] {
  return all
    .map((one) => ({ one, lot: Math.random() }))
    .sort((a, b) => a.lot - b.lot)
    .map(({ one }) => one)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void closeAll().finally(() => process.exit(1)))

if (canMakeLan()) await night(process.argv.slice(2))
else process.stdout.write('skipped: this needs the right to make network namespaces, veth pairs and iptables rules\n')
