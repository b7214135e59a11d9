/**
 * The processes of this machine, as the system lists them at this moment: whose child each is, to which group it belongs.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** Tells it from a later process of the same number; empty where the system does not say. */
  readonly startedAt: string
}

/** All that run; who has ended and was not asked for its exit code yet runs no more. Nothing where the system tells nobody. */
export function runningProcesses(): ProcessEntry[] {
  try {
    return fromProc()
  } catch {
    return fromPs()
  }
}

function fromProc(): ProcessEntry[] {
  readFileSync('/proc/self/stat')
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const [state = '', parent, group, ...rest] = statOf(name)
      if (state === '' || state === 'Z' || state === 'X') return []
      return [{ pid: Number(name), parent: Number(parent), group: Number(group), startedAt: rest[16] ?? '' }]
    })
}

/** From the third field on: the second, its name, may hold anything. Nothing where it is over by now. */
function statOf(pid: string): string[] {
  try {
    const [, fields = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
    return fields.split(' ')
  } catch {
    return []
  }
}

function fromPs(): ProcessEntry[] {
  try {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat='], { encoding: 'utf8', stdio: 'pipe' })
    return lines.split('\n').flatMap((line) => {
      const [pid, parent, group, state = 'Z'] = line.trim().split(/\s+/)
      if (state.startsWith('Z')) return []
      return [{ pid: Number(pid), parent: Number(parent), group: Number(group), startedAt: '' }]
    })
  } catch {
    return []
  }
}
