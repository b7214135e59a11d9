// One member sends too much of everything in turn at one of three daemons, whose callers and neighbours are to notice nothing of it.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { RunningDaemon } from '../../test/daemon/cluster.js'
import type { Row } from '../bench/report.js'
import { type Flood, floods } from './hostile-member.js'

export interface Siege {
  readonly rows: readonly Row[]
  /** What breaks a promise, a line each. */
  readonly broken: readonly string[]
}

interface Measured {
  readonly lookups_ms: number[]
  readonly writes_ms: number[]
  /** The most that the daemon had. */
  memory_MiB: number
  readonly refused: number[]
}

const program = fileURLToPath(new URL('hostile-process.ts', import.meta.url))
/** A write that takes longer was held up. */
const limit_ms = 1000
/** More than a daemon has without anybody hostile. */
const memory_MiB = 400

/** @param seconds for each kind of flood */
export async function besiege(
  daemons: readonly RunningDaemon[],
  seconds: number,
  kinds: readonly Flood[] = floods,
): Promise<Siege> {
  const [victim] = daemons as [RunningDaemon]
  const broken: string[] = []
  const rows: Row[] = rowsOf('quiet', await measure(victim, seconds))
  for (const kind of kinds) {
    const member = await begin(victim, kind)
    const measured = await measure(victim, seconds)
    member.kill('SIGKILL')
    rows.push(...rowsOf(kind, measured))
    broken.push(...(await wrongs(kind, measured, daemons)))
  }
  return { rows, broken }
}

async function begin(victim: RunningDaemon, kind: Flood): Promise<ChildProcess> {
  const member = fork(program, [victim.address, kind], { execArgv: ['--import', 'tsx'], silent: true })
  await once(member.stdout as NonNullable<typeof member.stdout>, 'data')
  return member
}

async function measure({ url, process: { pid } }: RunningDaemon, seconds: number): Promise<Measured> {
  const measured: Measured = { lookups_ms: [], writes_ms: [], memory_MiB: 0, refused: [] }
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
  const write = (n: number): Promise<Response> => {
    const body = JSON.stringify({
      ...{ id: `p${n % 20}`, slug: 'probe', url: 'http://192.0.2.2/' },
      tags: [`t${n}`],
      check: 'none',
    })
    return fetch(`${url}/v1/instances`, { method: 'PUT', body, headers: { 'content-type': 'application/json' } })
  }
  await (await write(0)).arrayBuffer()
  const weigh = async (): Promise<void> => {
    for (; performance.now() < end; await sleep(100))
      measured.memory_MiB = Math.max(measured.memory_MiB, memoryOf(pid as number))
  }
  await Promise.all([
    timed(measured.lookups_ms, 10, () => fetch(`${url}/v1/lookup/probe`)),
    timed(measured.writes_ms, 50, write),
    weigh(),
  ])
  return measured
}

/** As Linux tells it; elsewhere it is not known. */
function memoryOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

async function wrongs(kind: Flood, measured: Measured, daemons: readonly RunningDaemon[]): Promise<string[]> {
  const wrong: string[] = []
  const { lookups_ms, writes_ms, refused } = measured
  if (refused.length > 0) wrong.push(`${kind}: ${refused.length} calls were refused, the first with ${refused[0]}`)
  for (const [what, samples] of [
    ['a lookup', lookups_ms],
    ['a write', writes_ms],
  ] as const) {
    const slowest = Math.max(...samples)
    if (slowest > limit_ms) wrong.push(`${kind}: ${what} waited ${Math.round(slowest)} ms`)
  }
  if (measured.memory_MiB > memory_MiB) wrong.push(`${kind}: the daemon grew to ${Math.round(measured.memory_MiB)} MiB`)
  for (const daemon of daemons) {
    const alive = (await daemon.members()).filter(({ state, nodeId }) => state === 'alive' && nodeId !== undefined)
    if (alive.length < daemons.length)
      wrong.push(`${kind}: ${daemon.name} sees ${alive.length} of ${daemons.length} daemons`)
  }
  return wrong
}

function rowsOf(kind: string, { lookups_ms, writes_ms, memory_MiB: most }: Measured): Row[] {
  return [
    { what: `${kind}: lookup`, unit: 'ms', samples: lookups_ms },
    { what: `${kind}: write`, unit: 'ms', samples: writes_ms },
    { what: `${kind}: memory at most`, unit: 'MiB', value: `${Math.round(most)}` },
  ]
}
