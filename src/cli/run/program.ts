/**
 * A program that somebody else wrote, as a child of this process: started as it was typed, without a shell, on this process's
 * own streams. It knows nothing of registers.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'

/** What a shell returns for what it cannot find, and for what it cannot run. */
const exitNotFound = 127
const exitNotRunnable = 126

export interface Program {
  /** Resolves with the exit code, a shell's where it never started or a signal ended it; never rejects. */
  readonly ended: Promise<number>
  readonly isOver: boolean
  signal(signal: NodeJS.Signals): void
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
  let child: ChildProcess
  try {
    child = spawn(command, args, { env, stdio: 'inherit' })
  } catch (error) {
    throw notStarted(command, error)
  }
  const ended = new Promise<number>((resolve) => child.once('exit', (code, signal) => resolve(exitCode(code, signal))))
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(notStarted(command, error)))
  })
  child.on('error', () => undefined) // a signal that could not be sent: it is over, or not ours any more
  return {
    ended,
    get isOver() {
      return child.exitCode !== null || child.signalCode !== null
    },
    signal: (signal) => void child.kill(signal),
  }
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

function notStarted(command: string, error: unknown): NotStarted {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  const name = JSON.stringify(command)
  if (code === 'ENOENT') {
    const where = command.includes('/') ? 'no such file' : 'no such program on the PATH'
    return new NotStarted(`cannot run ${name}: ${where}`, exitNotFound)
  }
  if (code === 'EACCES') return new NotStarted(`cannot run ${name}: not permitted, or not executable`, exitNotRunnable)
  return new NotStarted(`cannot run ${name}: ${code}`, exitNotRunnable)
}
