// What the figures depend on: the machine, the software, what else is running; and what single processes take of it.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, type } from 'node:os'
import { fileURLToPath } from 'node:url'

export interface Circumstances {
  readonly cores: number
  readonly cpu: string
  readonly node: string
  readonly kernel: string
  /** Of the last minute, before anything was measured: above 0.3 or so the figures are somebody else's too. */
  readonly load: number
  readonly commit: string
}

export function circumstances(): Circumstances {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    kernel: `${type()} ${release()}`,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    commit: commit(),
  }
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8' }).trim()
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '../../src') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes in src' : ''}`
  } catch {
    return 'unknown'
  }
}

/** The kernel's unit of processor time in /proc, the same on every Linux. */
const tick_ms = 10

/** Processor time that a process has taken so far, all its threads together. */
export function cpuTime_ms(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * tick_ms
}

export function residentMiB(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) / 1024
}

/** Bytes sent over loopback so far, with TCP and IP headers. Of use only in a network namespace of our own. */
export function loopbackBytes(): number {
  const line = readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .find((text) => text.trim().startsWith('lo:'))
  return Number(line?.trim().split(/[:\s]+/)[9])
}
