/**
 * Writes lines to a file descriptor whose other end may read slowly, or not at all: nobody waits for it, least of all the cluster.
 * What finds no room is lost, which is said as soon as there is room again.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { isatty } from 'node:tty'

/** Of lines that could not be written yet, so many bytes are kept. */
const kept_bytes = 1024 * 1024
/** A write that takes longer is not waited for at the end either. */
const stalled_ms = 500
const retry_ms = 50
/** Between two writes by another thread: to hand a line over costs more than to make it, so what comes meanwhile goes together. */
const rest_ms = 20

export class LineOutput {
  readonly #fd: number
  /** Whether no write into it ever waits for a reader. */
  readonly #isPrompt: boolean
  readonly #onLost: (lines: number) => string
  #waiting: string[] = []
  #waitingBytes = 0
  #lost = 0
  /** Since when a write is under way. */
  #writingSince: number | undefined
  /** Whether one is in the hands of the system: where nobody reads, and it could not be opened anew, for ever. */
  #isAway = false
  #rest: NodeJS.Timeout | undefined
  /** What found no room in the pipe, between two tries. */
  #refused: Buffer | undefined
  #isEnding = false

  /** @param onLost the line that tells of lines that were lost */
  constructor(fd: number, onLost: (lines: number) => string) {
    this.#fd = openedAnew(fd)
    this.#isPrompt = this.#fd !== fd || isFile(fd)
    this.#onLost = onLost
    process.on('exit', () => {
      this.#isEnding = true // what is said from now on is written on the spot, or never
      this.#flush()
    })
  }

  write(line: string): void {
    if (this.#waitingBytes + line.length > kept_bytes) {
      this.#lost += 1
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    if (this.#isEnding) return this.#flush()
    if (this.#writingSince === undefined && this.#rest === undefined) this.#begin()
  }

  /** @returns whether an end of the process has to wait for no write, after a moment in which one may have come through */
  async isFree(): Promise<boolean> {
    for (let waited_ms = 0; this.#isAway && waited_ms < stalled_ms; waited_ms += retry_ms) await pause(retry_ms)
    return !this.#isAway
  }

  #begin(): void {
    const text = this.#take()
    if (text === '') return
    this.#writingSince = performance.now()
    this.#put(Buffer.from(text))
  }

  #take(): string {
    const text = this.#waiting.join('')
    this.#waiting = []
    this.#waitingBytes = 0
    return text
  }

  /** In its turn, where that waits for nobody: then no line that is written on the spot, at an end, can come before one of earlier. */
  #put(bytes: Buffer): void {
    this.#refused = undefined
    if (!this.#isPrompt) return this.#putAside(bytes)
    try {
      this.#isPut(bytes, null, writeSync(this.#fd, bytes))
    } catch (error) {
      this.#isPut(bytes, error as NodeJS.ErrnoException, 0)
    }
  }

  /** Whatever it leads to: that may take none for long. */
  #putAside(bytes: Buffer): void {
    this.#isAway = true
    write(this.#fd, bytes, (error, written) => {
      this.#isAway = false
      this.#isPut(bytes, error, written)
    })
  }

  #isPut(bytes: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    if (error?.code === 'EAGAIN') {
      this.#refused = bytes
      return void setTimeout(() => this.#put(bytes), retry_ms).unref()
    }
    if (error === null && written < bytes.length) return this.#put(bytes.subarray(written))
    this.#writingSince = undefined
    // A disk that is full, a terminal that is gone: what cannot be written is lost, and the daemon goes on.
    if (error === null && this.#lost > 0) this.#tellLost()
    if (this.#isPrompt) this.#begin()
    else this.#restABit()
  }

  #restABit(): void {
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#begin()
    }, rest_ms).unref()
  }

  #tellLost(): void {
    const line = this.#onLost(this.#lost)
    this.#lost = 0
    this.#waiting.push(line)
    this.#waitingBytes += line.length
  }

  /** The last lines before an end say why it came. Where none ever waits, a slow one is slow because the machine is. */
  #flush(): void {
    if (!this.#isPrompt && this.#writingSince !== undefined && performance.now() - this.#writingSince > stalled_ms)
      return
    try {
      let bytes = Buffer.concat([this.#refused ?? Buffer.alloc(0), Buffer.from(this.#take())])
      this.#refused = undefined
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#fd, bytes))
    } catch {
      // Nobody reads them.
    }
  }
}

/** A disk takes what it is given, as it takes the register itself. */
function isFile(fd: number): boolean {
  try {
    return fstatSync(fd, { bigint: true }).isFile()
  } catch {
    return false // closed
  }
}

/**
 * The same terminal or pipe, so that a write into it never waits: that is a property of what was opened, and what we were given others
 * use as well. A thread that waits for a reader would keep the process from ending. Files have a place to write at that is to stay
 * shared, and no readers; sockets cannot be opened.
 */
function openedAnew(fd: number): number {
  try {
    // As big integers: from the others Node takes the kind of the file that it asked for last for that of its next one, and finds no
    // package behind a symbolic link when that was a pipe (realpathSync).
    if (!isatty(fd) && !fstatSync(fd, { bigint: true }).isFIFO()) return fd
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return fd // another user's terminal, or a system that does not list what is open
  }
}
