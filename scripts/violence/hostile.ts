// One member sends too much of everything in turn at one of three daemons, then one for each thing, all at once: callers and neighbours
// of the three are to notice nothing of it.
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { RunningDaemon } from '../../test/daemon/cluster.js'
import { cpuTime_ms, residentMiB } from '../bench/machine.js'
import { quantile, type Row } from '../bench/report.js'
import { type Flood, floods } from './hostile-member.js'

export interface Siege {
  readonly rows: readonly Row[]
  /** What breaks a promise, a line each. */
  readonly broken: readonly string[]
  /** What callers had to wait for, a line each: of a machine that has nothing else to do that breaks one, too. */
  readonly slow: readonly string[]
}

interface Shown {
  readonly instances: readonly { readonly id: string; readonly tags?: readonly string[] }[]
}

interface Measured {
  readonly lookups_ms: number[]
  readonly writes_ms: number[]
  /** The most that the daemon had. */
  memory_MiB: number
  readonly refused: number[]
  /** How much of a core the daemon took, in ms for each second. */
  cpu_ms: number
  /** Hostile members that ended by themselves. */
  gaveUp: number
  /** What was acknowledged last, by the id of each instance. */
  readonly acknowledged: Map<string, string>
}

const program = fileURLToPath(new URL('hostile-process.ts', import.meta.url))
/** A call that takes longer was held up. */
const limit_ms = 1000
/** Machines with so much have daemons, too: the heap that Node gives itself there, and all of it. */
export const small = { env: { NODE_OPTIONS: '--max-old-space-size=256' }, memory_MiB: 512 } as const
/** What is acknowledged at one daemon is to be shown by the others so soon after that. */
const arriveWithin_ms = 10_000
/** The slowest lookup of a hundred may take so many times what it takes without anybody hostile, or with the same members elsewhere: whichever is more. */
const slower = 2

/** Members of such kinds at once. */
export interface Band {
  readonly name: string
  readonly kinds: readonly Flood[]
}

/** Each kind alone, then those together: of all there are, or of those that are named; `together` alone is all of them together. */
export function bandsOf(names: readonly string[] = [...floods, 'together']): Band[] {
  const named = floods.filter((kind) => names.includes(kind))
  const alone = named.map((kind) => ({ name: kind, kinds: [kind] }))
  if (!names.includes('together')) return alone
  return [...alone, { name: 'together', kinds: named.length > 0 ? named : floods }]
}

/**
 * @param seconds for each of the bands
 * @param elsewhere a daemon that has nothing to do with the others: what the same members do to that one costs this machine as much
 */
export async function besiege(
  daemons: readonly RunningDaemon[],
  seconds: number,
  bands: readonly Band[],
  elsewhere?: RunningDaemon,
): Promise<Siege> {
  const [victim] = daemons as [RunningDaemon]
  const broken: string[] = []
  const slow: string[] = []
  const quiet = await measure(victim, seconds)
  const rows: Row[] = rowsOf('quiet', quiet)
  for (const { name, kinds } of bands) {
    process.stderr.write(`${name}\n`)
    const beside = elsewhere === undefined ? undefined : await during(kinds, elsewhere, victim, seconds)
    const measured = await during(kinds, victim, victim, seconds)
    rows.push(...rowsOf(name, measured, { quiet, beside }))
    broken.push(...(await wrongs(name, measured, daemons)))
    slow.push(...delays(name, measured, [quiet, ...(beside === undefined ? [] : [beside])]))
  }
  return { rows, broken, slow }
}

/** @returns what callers of one daemon notice while such members are at one */
async function during(
  kinds: readonly Flood[],
  besieged: RunningDaemon,
  measuredAt: RunningDaemon,
  seconds: number,
): Promise<Measured> {
  const members = await Promise.all(kinds.map((kind) => begin(besieged, kind)))
  const measured = await measure(measuredAt, seconds)
  measured.gaveUp = members.filter((member) => !isRunning(member)).length
  await Promise.all(members.map(end))
  return measured
}

async function begin(victim: RunningDaemon, kind: Flood): Promise<ChildProcess> {
  const member = fork(program, [victim.address, kind], { execArgv: ['--import', 'tsx'], silent: true })
  await once(member.stdout as NonNullable<typeof member.stdout>, 'data')
  goLast(member.pid as number)
  return member
}

/** Resolves once nothing of it is left: what goes last ends late, too. */
async function end(member: ChildProcess): Promise<void> {
  if (!isRunning(member)) return
  const ended = once(member, 'exit')
  member.kill('SIGKILL')
  await ended
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/**
 * It runs while a core of this machine is idle: elsewhere it would have one of its own. With the lowest priority alone, as where there is
 * no `chrt`, twenty of them take turns with a daemon, which then stands still for ten milliseconds and more.
 */
function goLast(pid: number): void {
  const { status } = spawnSync('chrt', ['--idle', '--all-tasks', '--pid', '0', `${pid}`], { stdio: 'ignore' })
  if (status !== 0) setPriority(pid, constants.priority.PRIORITY_LOW)
}

async function measure({ url, process: { pid } }: RunningDaemon, seconds: number): Promise<Measured> {
  const measured: Measured = {
    lookups_ms: [],
    writes_ms: [],
    memory_MiB: 0,
    cpu_ms: 0,
    gaveUp: 0,
    refused: [],
    acknowledged: new Map(),
  }
  const end = performance.now() + seconds * 1000
  const timed = async (into: number[], pause_ms: number, call: (n: number) => Promise<Response>): Promise<void> => {
    for (let n = 0; performance.now() < end; n++) {
      const begun = performance.now()
      const response = await call(n)
      await response.arrayBuffer()
      into.push(performance.now() - begun)
      if (!response.ok) measured.refused.push(response.status)
      await sleep(pause_ms)
    }
  }
  const write = async (n: number): Promise<Response> => {
    const [id, tag] = [`p${n % 20}`, `t${n}`]
    const body = JSON.stringify({ id, slug: 'probe', url: 'http://192.0.2.2/', tags: [tag], check: 'none' })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/v1/instances`, { method: 'PUT', body, headers })
    if (response.ok) measured.acknowledged.set(id, tag)
    return response
  }
  await (await write(0)).arrayBuffer()
  const weigh = async (): Promise<void> => {
    for (; performance.now() < end; await sleep(100))
      measured.memory_MiB = Math.max(measured.memory_MiB, told(residentMiB, pid as number))
  }
  const spent_ms = told(cpuTime_ms, pid as number)
  await Promise.all([
    timed(measured.lookups_ms, 10, () => fetch(`${url}/v1/lookup/probe`)),
    timed(measured.writes_ms, 50, write),
    weigh(),
  ])
  measured.cpu_ms = (told(cpuTime_ms, pid as number) - spent_ms) / seconds
  return measured
}

/** What Linux tells of a process; elsewhere, and of one that has ended, it is not known. */
function told(read: (pid: number) => number, pid: number): number {
  try {
    return read(pid) || 0
  } catch {
    return 0
  }
}

async function wrongs(kind: string, measured: Measured, daemons: readonly RunningDaemon[]): Promise<string[]> {
  const wrong: string[] = []
  const { refused, memory_MiB, gaveUp, acknowledged } = measured
  if (gaveUp > 0) wrong.push(`${kind}: ${gaveUp} hostile members ended by themselves`)
  if (refused.length > 0) wrong.push(`${kind}: ${refused.length} calls were refused, the first with ${refused[0]}`)
  if (memory_MiB > small.memory_MiB) wrong.push(`${kind}: the daemon grew to ${Math.round(memory_MiB)} MiB`)
  for (const daemon of daemons) {
    const alive = (await daemon.members()).filter(({ state, nodeId }) => state === 'alive' && nodeId !== undefined)
    if (alive.length < daemons.length)
      wrong.push(`${kind}: ${daemon.name} sees ${alive.length} of ${daemons.length} daemons`)
    const missing = await missingAt(daemon, acknowledged)
    if (missing.length > 0) wrong.push(`${kind}: ${daemon.name} does not show ${missing.join(' ')} as acknowledged`)
  }
  return wrong
}

/** @param otherwise the slowest of them is what this machine does by itself: one that has nobody hostile anywhere may be slower by chance */
function delays(kind: string, measured: Measured, otherwise: readonly Measured[]): string[] {
  const slow: string[] = []
  const slowest = { lookup: measured.lookups_ms, write: measured.writes_ms }
  for (const [what, samples] of Object.entries(slowest)) {
    const most = quantile(samples, 1)
    if (most > limit_ms) slow.push(`${kind}: a ${what} waited ${Math.round(most)} ms`)
  }
  const times = Math.min(...otherwise.map((each) => slowdown(measured, each)))
  if (times > slower) slow.push(`${kind}: the slowest lookup of a hundred took ${times.toFixed(1)} times as long`)
  return slow
}

/** What it does not show within a while, as what was acknowledged last says it. */
async function missingAt({ url }: RunningDaemon, acknowledged: ReadonlyMap<string, string>): Promise<string[]> {
  const until = performance.now() + arriveWithin_ms
  for (;;) {
    const { instances } = (await (await fetch(`${url}/v1/lookup/probe`)).json()) as Shown
    const shown = new Map(instances.map(({ id, tags }) => [id, tags?.[0]]))
    const missing = [...acknowledged].flatMap(([id, tag]) => (shown.get(id) === tag ? [] : [id]))
    if (missing.length === 0 || performance.now() > until) return missing
    await sleep(100)
  }
}

function slowdown({ lookups_ms }: Measured, otherwise: Measured): number {
  return quantile(lookups_ms, 0.99) / quantile(otherwise.lookups_ms, 0.99)
}

interface Otherwise {
  readonly quiet?: Measured
  /** While the same members were elsewhere. */
  readonly beside?: Measured | undefined
}

function rowsOf(kind: string, measured: Measured, { quiet, beside }: Otherwise = {}): Row[] {
  const { lookups_ms, writes_ms, memory_MiB: most } = measured
  const times = (unit: string, otherwise: Measured | undefined): Row[] => {
    const what = `${kind}: p99 of lookups`
    return otherwise === undefined ? [] : [{ what, unit, value: slowdown(measured, otherwise).toFixed(1) }]
  }
  return [
    { what: `${kind}: lookup`, unit: 'ms', samples: lookups_ms },
    { what: `${kind}: write`, unit: 'ms', samples: writes_ms },
    ...times('times quiet', quiet),
    ...(beside === undefined ? [] : [{ what: `${kind}: lookup, elsewhere`, unit: 'ms', samples: beside.lookups_ms }]),
    ...times('times elsewhere', beside),
    { what: `${kind}: processor`, unit: 'ms/s', value: `${Math.round(measured.cpu_ms)}` },
    { what: `${kind}: memory at most`, unit: 'MiB', value: `${Math.round(most)}` },
  ]
}
