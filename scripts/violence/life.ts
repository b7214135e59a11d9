// What is told of a life in which a rule was broken: when it ended, who has its port, what daemons said of it.
import { readFileSync } from 'node:fs'
import type { RunningDaemon } from '../../test/daemon/cluster.js'
import type { ServiceProcess } from '../bench/services/process.js'

export interface Life {
  readonly id: string
  readonly slug: string
  readonly process: ServiceProcess
  diedAt: number | undefined
  lastPick_ms: number
  /** What was known at that moment, in words. */
  lastPick: string | undefined
}

/** The last pick of a dead one, until the next. */
export function notePick(
  life: Life,
  pick: { readonly asked: number; readonly at: string; readonly status: string },
  living: readonly Life[],
): void {
  if (life.diedAt === undefined || pick.asked - life.diedAt <= life.lastPick_ms) return
  life.lastPick_ms = pick.asked - life.diedAt
  life.lastPick = `${timeOf(pick.asked)} picked at ${pick.at} as ${pick.status}; its port ${whosePort(life, living)}`
}

function whosePort({ process: { port } }: Life, living: readonly Life[]): string {
  const holder = living.find(({ process }) => process.port === port)
  if (holder !== undefined) return `was drawn by ${holder.id}`
  return listens(port) ? 'was drawn by somebody else' : 'is free'
}

/** As Linux tells it; elsewhere nothing is known. */
function listens(port: number): boolean {
  try {
    const sockets = readFileSync('/proc/net/tcp', 'latin1')
    return sockets.includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`)
  } catch {
    return false
  }
}

/** What happened, in order, each on a line of its own. */
export function storyOf({ id, diedAt, lastPick, process }: Life, daemons: readonly RunningDaemon[]): string {
  const names = [`"${id}"`, ...(process.session === undefined ? [] : [process.session])]
  const said = daemons.flatMap(({ name, log }) =>
    log
      .split('\n')
      .filter((line) => names.some((one) => line.includes(one)))
      .map((line) => JSON.parse(line) as { time: string; msg: string })
      .map(({ time, msg }) => `${time.slice(11, 23)} ${name}: ${msg}`),
  )
  const killed = diedAt === undefined ? [] : [`${timeOf(diedAt)} killed`]
  return [...said, ...killed, ...(lastPick === undefined ? [] : [lastPick])]
    .sort()
    .map((line) => `\n    ${line}`)
    .join('')
}

function timeOf(at: number): string {
  return new Date(performance.timeOrigin + at).toISOString().slice(11, 23)
}
