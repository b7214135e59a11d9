/**
 * Runs the command line in a process of its own, as a shell would.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly outcome: Promise<Outcome>
  /** Resolves with the first line of stdout; rejects if the process ends without one. */
  readonly firstLine: Promise<string>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Nothing of the caller's own settings of ours reaches the process. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ROLLCALL_')))
}

/** Starts a TypeScript file of this project. */
export function startScript(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: root,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  const line = Promise.withResolvers<string>()
  line.promise.catch(() => undefined)
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (stdout.includes('\n')) line.resolve(stdout.slice(0, stdout.indexOf('\n')))
  })
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const outcome = new Promise<Outcome>((resolve) => {
    child.on('close', (code) => {
      line.reject(new Error(`ended without a line on stdout: ${stderr}`))
      resolve({ code, stdout, stderr })
    })
  })
  return { child, outcome, firstLine: line.promise }
}

export function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return startScript('src/cli/main.ts', args, env).outcome
}
