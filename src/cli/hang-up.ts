/**
 * What SIGHUP means to this process: it is sent by terminals that are closed, but also by whoever has changed a configuration.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs'

/** `ends`: a terminal is closed. `reloads`: there is none, so somebody means it. `nothing`: whoever started us wants it ignored. */
export type HangUp = 'ends' | 'reloads' | 'nothing'

let meaning: HangUp | undefined

let take: () => boolean = () => false

/** @param early gives it back to whoever answers it from now on, and says whether it has come by then */
export function keepHangUp(early: () => boolean): void {
  take = early
}

/** It means again what it means to any process. @returns whether it has come meanwhile */
export function takeHangUp(): boolean {
  const came = take()
  take = () => false
  return came
}

/** While all was loaded there may have been no turn in which one that came is told of: to whoever answers from now on it came before. */
export async function hearHangUp(): Promise<void> {
  await new Promise(setImmediate)
}

/** For commands that do not answer it: one that has come meanwhile does what it would have done. */
export async function releaseHangUp(): Promise<void> {
  await hearHangUp()
  if (takeHangUp()) process.kill(process.pid, 'SIGHUP')
}

/** Decided once, by how the process was started; ask early. */
export function meaningOfHangUp(): HangUp {
  meaning ??= isIgnored() ? 'nothing' : hasTerminal() ? 'ends' : 'reloads'
  return meaning
}

/**
 * Node takes back what it inherits of ignored signals before any line of ours runs, so that what `nohup`, or a shell after
 * `trap '' HUP`, asked for has to be known by its other traces: the name under which a shell started it, the standard input that
 * nohup makes of a terminal (/dev/null, for writing), a parent that ignores the signal itself.
 */
function isIgnored(): boolean {
  return /(^|\/)nohup$/.test(process.env['_'] ?? '') || isInputOfNohup() || isIgnoredBy(process.ppid)
}

function isInputOfNohup(): boolean {
  const [, flags = '0'] = /^flags:\s*(\d+)$/m.exec(textOf('/proc/self/fdinfo/0')) ?? []
  return (Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR)) === constants.O_WRONLY
}

function isIgnoredBy(pid: number): boolean {
  const [, mask = '0'] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(textOf(`/proc/${pid}/status`)) ?? []
  return (BigInt(`0x${mask}`) & 1n) === 1n // the lowest bit is signal 1
}

/** Whether there is a controlling terminal, be it the standard input or not. */
export function hasTerminal(): boolean {
  if (process.platform === 'win32') return true
  try {
    closeSync(openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK))
    return true
  } catch {
    return false
  }
}

/** Nothing where it cannot be read, as on systems without such files. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
