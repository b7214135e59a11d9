/**
 * A program that somebody else wrote, with all that it starts in its turn: as it was typed, without a shell, on this process's own
 * streams. It knows nothing of registers.
 *
 * It may be a shell, or npm, in front of the program that is meant, and of those many end by a signal that they do not pass on. So a
 * signal goes to the whole process group. Where there is a terminal that group is ours as well: keys have to reach all of it, and a
 * group of its own would be in the background. Then those of the group count that descend from the program.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { pause } from '../../client/pause.js'
import { hasTerminal, meaningOfHangUp } from '../hang-up.js'
import { runningProcesses, type ProcessEntry } from './processes.js'

/** What a shell returns for what it cannot find, and for what it cannot run. */
const exitNotFound = 127
const exitNotRunnable = 126

/** Between two looks at whether all have ended. */
const look_ms = 50

export interface Program {
  /** Resolves with the exit code, a shell's where it never started or a signal ended it; never rejects. */
  readonly ended: Promise<number>
  readonly isOver: boolean
  /** Takes note of all that it has started by now, so that they are known for its own also when it has ended. */
  look(): void
  /** To the program, and to all that it has started. */
  signalAll(signal: NodeJS.Signals): void
  /** To the program alone, which knows what it means. */
  signal(signal: NodeJS.Signals): void
  /** Resolves with whether all that it had started have ended, too, once they have or the signal aborts. */
  allEnded(signal: AbortSignal): Promise<boolean>
}

/** Why a program did not start, for people, and the exit code that says so to programs. */
export class NotStarted extends Error {
  override readonly name = 'NotStarted'

  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message)
  }
}

/** @throws NotStarted */
export async function startProgram(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Program> {
  const [command = '', ...args] = argv
  const hasOwnGroup = process.platform !== 'win32' && !hasTerminal()
  let child: ChildProcess
  try {
    child = spawn(...heedingNohup(command, args), { env, stdio: 'inherit', detached: hasOwnGroup })
  } catch (error) {
    throw notStarted(command, error)
  }
  const ended = new Promise<number>((resolve) => child.once('exit', (code, signal) => resolve(exitCode(code, signal))))
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(notStarted(command, error)))
  })
  child.on('error', () => undefined) // a signal that could not be sent: it is over, or not ours any more
  return new StartedProgram(child, ended, hasOwnGroup)
}

class StartedProgram implements Program {
  readonly #child: ChildProcess
  readonly ended: Promise<number>
  readonly #hasOwnGroup: boolean
  /** By number, those that were seen to be of the program. */
  #seen = new Map<number, ProcessEntry>()

  constructor(child: ChildProcess, ended: Promise<number>, hasOwnGroup: boolean) {
    this.#child = child
    this.ended = ended
    this.#hasOwnGroup = hasOwnGroup
  }

  get isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  get #pid(): number {
    return this.#child.pid ?? -1
  }

  look(): void {
    const all = runningProcesses()
    const group = this.#hasOwnGroup ? this.#pid : all.find(({ pid }) => pid === process.pid)?.group
    const inGroup = all.filter((one) => one.group === group && one.pid !== process.pid)
    const isSeen = (one: ProcessEntry): boolean => this.#seen.get(one.pid)?.startedAt === one.startedAt
    const found = new Map<number, ProcessEntry>()
    const take = (one: ProcessEntry): void => {
      if (found.has(one.pid)) return
      found.set(one.pid, one)
      for (const child of inGroup) if (child.parent === one.pid) take(child)
    }
    for (const one of inGroup) {
      const isProgram = one.pid === this.#pid && !this.isOver
      if (this.#hasOwnGroup || isProgram || isSeen(one)) take(one)
    }
    this.#seen = found
  }

  signalAll(signal: NodeJS.Signals): void {
    this.look()
    // In one go where that can be: whoever is being started at this moment gets it as well.
    if (this.#hasOwnGroup) return send(-this.#pid, signal)
    if (!this.isOver) this.signal(signal) // also where the system lists nobody
    for (const pid of this.#seen.keys()) if (pid !== this.#pid) send(pid, signal)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async allEnded(signal: AbortSignal): Promise<boolean> {
    await this.ended
    for (;;) {
      this.look()
      if (this.#seen.size === 0) return true
      if (signal.aborted) return false
      await pause(look_ms, signal)
    }
  }
}

/** Node gives to its children no signal that is to be ignored, as other programs do: a shell does. */
function heedingNohup(command: string, args: readonly string[]): [command: string, args: string[]] {
  if (meaningOfHangUp() !== 'nothing') return [command, [...args]]
  return ['/bin/sh', ['-c', `trap '' HUP; exec "$@"`, 'sh', command, ...args]]
}

/** A negative number is that of a group. Whoever has ended meanwhile needs no signal. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is over, or not ours any more.
  }
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

function notStarted(command: string, error: unknown): NotStarted {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  if (command === '') return new NotStarted('cannot run "": that is no program; name one after --', exitNotFound)
  const name = JSON.stringify(command)
  if (code === 'ENOENT') {
    const where = command.includes('/') ? 'no such file' : 'no such program on the PATH'
    return new NotStarted(`cannot run ${name}: ${where}`, exitNotFound)
  }
  if (code === 'EACCES') return new NotStarted(`cannot run ${name}: not permitted, or not executable`, exitNotRunnable)
  return new NotStarted(`cannot run ${name}: ${code}`, exitNotRunnable)
}
