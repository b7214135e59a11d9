/**
 * Daemons for a demonstration: real processes of this very program on loopback, in a cluster, in directories of their own.
 * Whatever happens to the demonstration, `end` leaves none of them and nothing of theirs behind.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Client } from '../../client.js'

/** The program that runs now: its daemons are of the same version. */
const [, main = ''] = process.argv
/** Until a daemon says that it is up; it takes a second or two on an idle machine. */
const start_ms = 60_000
const logLines = 12

export class DemoDaemon {
  readonly client: Client
  readonly #process: ChildProcess

  constructor(
    readonly name: string,
    process: ChildProcess,
    /** Where it answers. */
    readonly url: string,
    /** The multiaddr at which others join it. */
    readonly address: string,
  ) {
    this.#process = process
    this.client = createClient({ server: url })
  }

  get isRunning(): boolean {
    return isRunning(this.#process)
  }

  /** `kill -9`: it has no time for a goodbye. */
  kill(): Promise<void> {
    return kill(this.#process)
  }
}

export class DemoDaemons {
  readonly #root = mkdtempSync(join(tmpdir(), 'rollcall-demo-'))
  readonly #cluster = `demo-${randomBytes(4).toString('hex')}`
  readonly #processes: ChildProcess[] = []
  readonly #logs = new Map<string, string[]>()
  #hasEnded = false

  constructor() {
    // The last resort, should this process end without having come to `end`.
    process.on('exit', () => {
      for (const each of this.#processes) each.kill('SIGKILL')
      this.#removeFiles()
    })
  }

  /**
   * Starts a daemon, or starts it again on what it had stored.
   * @param seed one that it joins
   * @throws where it ends, or says nothing for long
   */
  async start(name: string, seed?: DemoDaemon): Promise<DemoDaemon> {
    if (this.#hasEnded) throw new Error('the demonstration is over')
    const places = ['--data-dir', join(this.#root, name), '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']
    const names = ['--cluster', this.#cluster, '--node-id', name, '--no-mdns']
    const seeds = seed === undefined ? [] : ['--join', seed.address]
    const child = spawn(process.execPath, [main, 'start', ...places, ...names, ...seeds], {
      env: withoutOwnSettings(process.env),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#processes.push(child)
    this.#keepLog(name, child)
    const { http = '', listen = '' } = await readyWords(name, child)
    return new DemoDaemon(name, child, http, listen.split(',')[0] ?? '')
  }

  #keepLog(name: string, { stderr }: ChildProcess): void {
    const lines = this.#logs.get(name) ?? []
    this.#logs.set(name, lines)
    stderr?.on('data', (bytes: Buffer) => {
      lines.push(...bytes.toString().trimEnd().split('\n'))
      lines.splice(0, lines.length - logLines)
    })
  }

  /** The last that each daemon wrote, for whoever wonders what went wrong. */
  get logs(): readonly string[] {
    return [...this.#logs].flatMap(([name, lines]) => lines.map((line) => `  ${name}  ${line}`))
  }

  /** Any number of times, at any moment. */
  async end(): Promise<void> {
    this.#hasEnded = true
    await Promise.all(this.#processes.map(kill))
    this.#removeFiles()
  }

  #removeFiles(): void {
    rmSync(this.#root, { recursive: true, force: true })
  }
}

/** What somebody has set for his own daemon is not meant for these. */
function withoutOwnSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('ROLLCALL_')))
}

/** The fields of the one line that a daemon writes to stdout: `rollcall ready http=… peer=… listen=…`. */
async function readyWords(name: string, child: ChildProcess): Promise<Partial<Record<string, string>>> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(new Error(`node ${name} is not up after ${start_ms / 1000} s`)), start_ms)
    const end = (): void => {
      clearTimeout(timer)
      reject(new Error(`node ${name} ended (${child.signalCode ?? `exit code ${child.exitCode}`})`))
    }
    child.once('error', (error) => reject(new Error(`node ${name} does not start: ${error.message}`)))
    child.once('exit', end)
    child.stdout?.on('data', (bytes: Buffer) => {
      said += bytes.toString()
      if (!said.includes('\n')) return
      clearTimeout(timer)
      child.off('exit', end)
      resolve(Object.fromEntries([...said.matchAll(/(\w+)=(\S+)/g)].map(([, word = '', value]) => [word, value])))
    })
  })
}

function isRunning({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null
}

async function kill(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
